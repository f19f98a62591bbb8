import { isMalformed } from '@apogee/base'
import { JsonMap, type JsonValue, type MessageQueue, parseFastjson } from '@apogee/protocol'
import { invalidAnswer } from '../transport/admin-transport.ts'

/**
 * A queue that a consumer owns, as it sees it (Java: ProcessQueueInfo). Times are wall clocks in milliseconds, 0 =
 * never.
 */
export interface OwnedQueue extends MessageQueue {
  readonly commitOffset: number
  readonly cachedMessages: number
  readonly cachedMinOffset: number
  readonly cachedMaxOffset: number
  readonly isLocked: boolean
  readonly isDropped: boolean
  readonly lastPullMs: number
  readonly lastConsumeMs: number
}

/** How a consumer works through one topic (Java: ConsumeStatus). Per-second values are of the last minute. */
export interface TopicConsumption {
  readonly topic: string
  /** Mean time of one pull, milliseconds. */
  readonly pullRtMs: number
  readonly pullTps: number
  /** Mean time of the handler, milliseconds. */
  readonly consumeRtMs: number
  readonly okTps: number
  readonly failedTps: number
  /** In the last hour. */
  readonly failedMessages: number
}

export interface RunningSubscription {
  readonly topic: string
  readonly expressionType: string
  readonly expression: string
  readonly subVersion: number
}

/** What a consumer tells about itself: GET_CONSUMER_RUNNING_INFO (307), Java: ConsumerRunningInfo. */
export interface RunningInfo {
  readonly clientId: string
  /** Empty where the client says nothing; keys of Java begin with PROP_. */
  readonly properties: ReadonlyMap<string, string>
  readonly subscriptions: readonly RunningSubscription[]
  readonly queues: readonly OwnedQueue[]
  readonly topics: readonly TopicConsumption[]
  /** Thread dump, when it was asked for and the client has one. */
  readonly jstack: string | null
}

/**
 * Reads a running info. Clients of other languages leave parts out, so whatever is missing or of another kind counts as
 * empty: only a body that is no JSON object is an error (ADMIN_ANSWER_INVALID).
 */
export function parseRunningInfo(body: Uint8Array, clientId: string, address: string): RunningInfo {
  const value = body.length === 0 ? new JsonMap() : parseFastjson(body)
  if (isMalformed(value)) throw invalidAnswer(address, value.detail)
  if (!(value instanceof JsonMap)) throw invalidAnswer(address, 'running info is no object')
  return {
    clientId,
    properties: textsOf(value.get('properties')),
    subscriptions: listOf(value.get('subscriptionSet')).map((one) => ({
      topic: textOf(one.get('topic')),
      expressionType: textOf(one.get('expressionType')) || 'TAG',
      expression: textOf(one.get('subString')),
      subVersion: numberOf(one.get('subVersion')),
    })),
    queues: [
      ...entriesOf(value.get('mqTable')).map(([queue, info]) => ownedQueue(queue, info)),
      ...entriesOf(value.get('mqPopTable')).map(([queue, info]) => poppedQueue(queue, info)),
    ],
    topics: [...(asMap(value.get('statusTable'))?.fields ?? [])].map(([topic, status]) =>
      consumption(topic, asMap(status) ?? new JsonMap()),
    ),
    jstack: textOf(value.get('jstack')) || null,
  }
}

function ownedQueue(queue: MessageQueue, info: JsonMap): OwnedQueue {
  return {
    ...queue,
    commitOffset: numberOf(info.get('commitOffset')),
    cachedMessages: numberOf(info.get('cachedMsgCount')),
    cachedMinOffset: numberOf(info.get('cachedMsgMinOffset')),
    cachedMaxOffset: numberOf(info.get('cachedMsgMaxOffset')),
    isLocked: info.get('locked') === true,
    // Java spells it so.
    isDropped: info.get('droped') === true,
    lastPullMs: numberOf(info.get('lastPullTimestamp')),
    lastConsumeMs: numberOf(info.get('lastConsumeTimestamp')),
  }
}

function poppedQueue(queue: MessageQueue, info: JsonMap): OwnedQueue {
  return {
    ...ownedQueue(queue, info),
    cachedMessages: numberOf(info.get('waitAckCount')),
    lastPullMs: numberOf(info.get('lastPopTimestamp')),
  }
}

function consumption(topic: string, status: JsonMap): TopicConsumption {
  return {
    topic,
    pullRtMs: numberOf(status.get('pullRT')),
    pullTps: numberOf(status.get('pullTPS')),
    consumeRtMs: numberOf(status.get('consumeRT')),
    okTps: numberOf(status.get('consumeOKTPS')),
    failedTps: numberOf(status.get('consumeFailedTPS')),
    failedMessages: numberOf(status.get('consumeFailedMsgs')),
  }
}

/** A map keyed by MessageQueue, in fastjson's form or with the key's JSON as text. */
function entriesOf(value: JsonValue | undefined): [MessageQueue, JsonMap][] {
  const map = asMap(value)
  if (map === null) return []
  const entries: [MessageQueue, JsonMap][] = []
  const add = (key: JsonValue, member: JsonValue): void => {
    const queue = asMap(key)
    if (queue === null) return
    const topic = textOf(queue.get('topic'))
    const brokerName = textOf(queue.get('brokerName'))
    const queueId = numberOf(queue.get('queueId'))
    entries.push([{ topic, brokerName, queueId }, asMap(member) ?? new JsonMap()])
  }
  for (const { key, value: member } of map.pairs) add(key, member)
  for (const [text, member] of map.fields) {
    const key = parseFastjson(Buffer.from(text))
    if (!isMalformed(key)) add(key, member)
  }
  return entries
}

function textsOf(value: JsonValue | undefined): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [key, member] of asMap(value)?.fields ?? []) {
    const isScalar = member !== null && typeof member !== 'object'
    if (isScalar) texts.set(key, String(member))
  }
  return texts
}

function listOf(value: JsonValue | undefined): JsonMap[] {
  return Array.isArray(value) ? value.filter((item) => item instanceof JsonMap) : []
}

function asMap(value: JsonValue | undefined): JsonMap | null {
  return value instanceof JsonMap ? value : null
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}
