import {
  isDlqTopic,
  isRetryTopic,
  isSystemTopic,
  PermName,
  type TopicConfig,
} from '@apogee/protocol'
import { compare } from './cluster-operations.ts'
import type { BrokerTarget } from './where.ts'

export type TopicKind = 'normal' | 'retry' | 'dlq' | 'system'

/** A topic over all brokers that have it. */
export interface TopicSummary {
  readonly topic: string
  readonly kind: TopicKind
  /** Names of the brokers, sorted. */
  readonly brokers: readonly string[]
  readonly clusters: readonly string[]
  /** Summed over the brokers. */
  readonly readQueues: number
  readonly writeQueues: number
  /** Bits of PermName; those of the brokers joined. */
  readonly perm: number
  readonly order: boolean
  /** The attribute `message.type`; null when there is none. */
  readonly messageType: string | null
}

/** What kind of messages a topic takes (RocketMQ 5: the attribute `message.type`). */
export type MessageType = 'normal' | 'fifo' | 'delay' | 'transaction' | 'mixed'

/** What a new topic is like; also what an existing one is changed to. */
export interface TopicSettings {
  /** For both kinds of queue; `readQueues` and `writeQueues` win. Default 8. */
  readonly queues?: number | undefined
  readonly readQueues?: number | undefined
  readonly writeQueues?: number | undefined
  /** Bits of PermName. Default 6, read and write. */
  readonly perm?: number | undefined
  readonly order?: boolean | undefined
  readonly isUnit?: boolean | undefined
  readonly hasUnitSub?: boolean | undefined
  /** Written as the attribute `message.type`; default none, which brokers take as normal. */
  readonly type?: MessageType | undefined
  /** `+name` sets, `-name` removes. */
  readonly attributes?: ReadonlyMap<string, string> | undefined
}

const UNIT_FLAG = 1
const UNIT_SUB_FLAG = 2
const DEFAULT_QUEUES = 8

/** Which kind of topic a name is; cluster and broker names are system topics too, where they are known. */
export function kindOf(topic: string, systemNames: ReadonlySet<string> = new Set()): TopicKind {
  if (isRetryTopic(topic)) return 'retry'
  if (isDlqTopic(topic)) return 'dlq'
  const isReply = topic.endsWith('_REPLY_TOPIC')
  return isSystemTopic(topic) || isReply || systemNames.has(topic) ? 'system' : 'normal'
}

/** One topic of several brokers. */
export function summaryOf(
  topic: string,
  places: readonly [BrokerTarget, TopicConfig][],
): TopicSummary {
  const names = new Set(places.flatMap(([broker]) => [broker.brokerName, broker.clusterName]))
  const configs = places.map(([, config]) => config)
  return {
    topic,
    kind: kindOf(topic, names),
    brokers: [...new Set(places.map(([{ brokerName }]) => brokerName))].sort(compare),
    clusters: [...new Set(places.map(([{ clusterName }]) => clusterName))].sort(compare),
    readQueues: configs.reduce((sum, { readQueueNums }) => sum + readQueueNums, 0),
    writeQueues: configs.reduce((sum, { writeQueueNums }) => sum + writeQueueNums, 0),
    perm: configs.reduce((bits, { perm }) => bits | perm, 0),
    order: configs.some(({ order }) => order),
    messageType:
      configs.map(({ attributes }) => attributes.get('message.type')).find(Boolean) ?? null,
  }
}

/** Settings with their defaults. */
export function configOf(topicName: string, settings: TopicSettings): TopicConfig {
  const queues = settings.queues ?? DEFAULT_QUEUES
  const unit = settings.isUnit === true ? UNIT_FLAG : 0
  const unitSub = settings.hasUnitSub === true ? UNIT_SUB_FLAG : 0
  const { type } = settings
  const typed: [string, string][] =
    type === undefined ? [] : [['+message.type', type.toUpperCase()]]
  return {
    topicName,
    readQueueNums: settings.readQueues ?? queues,
    writeQueueNums: settings.writeQueues ?? queues,
    perm: settings.perm ?? PermName.READ | PermName.WRITE,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: unit | unitSub,
    order: settings.order ?? false,
    attributes: new Map([...typed, ...(settings.attributes ?? [])]),
  }
}

/** `+a=b,-c`, as header and command line spell attribute changes; null when there are none. */
export function formatAttributes(attributes: ReadonlyMap<string, string>): string | null {
  if (attributes.size === 0) return null
  return [...attributes]
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join(',')
}
