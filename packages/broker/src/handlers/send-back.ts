import { isMalformed } from '@apogee/base'
import {
  addressBytes,
  ConsumerSendMsgBackRequestHeader,
  decodeRecord,
  dlqTopicOf,
  formatProperties,
  isWriteable,
  MessageConst,
  type MessageExt,
  offsetMsgIdOf,
  PermName,
  RequestCode,
  ResponseCode,
  retryTopicOf,
  SystemTopic,
  VersionGate,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import { type AckSink, APPEND_OK, isStored, type MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { HaServices } from '../replication/ha-services.ts'
import { replicaShortage } from '../replication/replica-shortage.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { SubscriptionGroupConfig } from '../subscription/subscription-group-config.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import { type TopicConfig, TopicSysFlag } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'

export interface SendBackDeps {
  config: BrokerConfig
  topics: TopicConfigManager
  groups: SubscriptionGroupManager
  store: MessageStore
  stats: BrokerStats
  ha: HaServices
  /** Highest delay level. */
  delayLevelMax: number
}

/** The level of a first retry; each further one is a level higher. */
const FIRST_RETRY_LEVEL = 3
const DLQ_QUEUES = 1
const READ_WRITE = PermName.READ | PermName.WRITE
const NO_ADDRESS: Uint8Array = new Uint8Array(4)

/**
 * CONSUMER_SEND_MSG_BACK (36): a consumer could not process a message. It comes again to the group, through its retry
 * topic, after a delay that grows with each failure; after too many it goes to the group's dead-letter topic. Answered
 * once the copy is as safe as a send. Java: AbstractSendMessageProcessor.consumerSendMsgBack.
 */
export function sendBackHandlers(deps: SendBackDeps): Handler[] {
  const sender = new SendBack(deps)
  return [
    handler({
      code: RequestCode.CONSUMER_SEND_MSG_BACK,
      lane: 'send',
      permission: 'client',
      header: ConsumerSendMsgBackRequestHeader,
      handle: (request) => sender.handle(request),
    }),
  ]
}

/** Where a failed message goes. */
interface Destination {
  topic: TopicConfig
  queueId: number
  /** 0 for dead letters. */
  delayLevel: number
  isDead: boolean
}

class SendBack implements AckSink {
  private readonly deps: SendBackDeps
  private readonly waiting = new Map<number, (answer: Answer) => void>()
  private nextToken = 0
  private turn = 0

  constructor(deps: SendBackDeps) {
    this.deps = deps
  }

  async handle(request: Request<ConsumerSendMsgBackRequestHeader>): Promise<Answer> {
    const { header, version } = request
    const group = this.deps.groups.find(header.group)
    const refusal = this.check(header.group, group)
    if (refusal !== null || group === undefined) return refusal!
    // A group without retry queues wants no retries.
    if (group.retryQueueNums <= 0) return success()
    const record = await this.deps.store.readRecord(header.offset)
    const message = record === null ? null : decodeRecord(record)
    // A half message was handed to no consumer: its producer has not decided yet.
    const isHalf =
      message !== null && !isMalformed(message) && message.topic === SystemTopic.TRANS_HALF
    if (message === null || isMalformed(message) || isHalf) {
      const remark = `look message by offset failed, ${header.offset}`
      return refuse(ResponseCode.SYSTEM_ERROR, remark)
    }
    const to = this.destination(header, version, group, message)
    if ('code' in to) return to
    return this.append(message, to, group.groupName)
  }

  stored(token: number, outcome: number): void {
    const reply = this.waiting.get(token)
    this.waiting.delete(token)
    // However safe the copy is, it is in the log; refusing would make the consumer send a second one.
    const answer = isStored(outcome)
      ? success()
      : refuse(ResponseCode.SYSTEM_ERROR, 'the message was not stored')
    reply?.(answer)
  }

  private check(name: string, group: SubscriptionGroupConfig | undefined): Answer | null {
    if (group === undefined) {
      const remark = `subscription group not exist, ${name}`
      return refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark)
    }
    const { config, ha } = this.deps
    const { brokerPermission, brokerIP1 } = config.values
    const shortage = replicaShortage(config, ha)
    if (shortage !== null) return refuse(ResponseCode.SYSTEM_ERROR, shortage)
    if (isWriteable(brokerPermission)) return null
    const remark = `the broker[${brokerIP1}] sending message is forbidden`
    return refuse(ResponseCode.NO_PERMISSION, remark)
  }

  private destination(
    header: ConsumerSendMsgBackRequestHeader,
    version: number,
    group: SubscriptionGroupConfig,
    message: MessageExt,
  ): Destination | Answer {
    const { delayLevel, maxReconsumeTimes, unitMode } = header
    const own = version >= VersionGate.MAX_RECONSUME_TIMES ? maxReconsumeTimes : null
    const max = own ?? group.retryMaxTimes
    const isDead = message.reconsumeTimes >= max || delayLevel < 0
    const name = isDead ? dlqTopicOf(group.groupName) : retryTopicOf(group.groupName)
    const queues = isDead ? DLQ_QUEUES : group.retryQueueNums
    const sysFlag = unitMode && !isDead ? TopicSysFlag.UNIT_SUB : 0
    const topic = this.deps.topics.createInSendBack(name, queues, READ_WRITE, sysFlag)
    if (topic === null) return refuse(ResponseCode.SYSTEM_ERROR, `topic[${name}] not exist`)
    if (!isDead && !isWriteable(topic.perm)) {
      const remark = `the topic[${name}] sending message is forbidden`
      return refuse(ResponseCode.NO_PERMISSION, remark)
    }
    const level = delayLevel === 0 ? FIRST_RETRY_LEVEL + message.reconsumeTimes : delayLevel
    const queueId = this.turn++ % queues
    return { topic, queueId, delayLevel: isDead ? 0 : level, isDead }
  }

  private append(message: MessageExt, to: Destination, group: string): Answer | Promise<Answer> {
    const properties = new Map(message.properties)
    if (!properties.has(MessageConst.RETRY_TOPIC)) {
      properties.set(MessageConst.RETRY_TOPIC, message.topic)
    }
    if (!properties.get(MessageConst.ORIGIN_MESSAGE_ID)) {
      properties.set(MessageConst.ORIGIN_MESSAGE_ID, offsetMsgIdOf(message))
    }
    properties.set(MessageConst.WAIT_STORE_MSG_OK, 'false')
    const level = Math.min(to.delayLevel, this.deps.delayLevelMax)
    properties.set(MessageConst.DELAY_TIME_LEVEL, String(level))
    if (level > 0) {
      properties.set(MessageConst.REAL_TOPIC, to.topic.topicName)
      properties.set(MessageConst.REAL_QUEUE_ID, String(to.queueId))
    }
    this.fillDraft(message, to, level, Buffer.from(formatProperties(properties), 'utf8'))
    const token = this.nextToken++
    const status = this.deps.store.append(this, token)
    if (status !== APPEND_OK) {
      return refuse(ResponseCode.SYSTEM_ERROR, `the message was not stored, status ${status}`)
    }
    this.count(properties.get(MessageConst.RETRY_TOPIC) ?? message.topic, group, to)
    return new Promise((resolve) => {
      this.waiting.set(token, resolve)
    })
  }

  private fillDraft(message: MessageExt, to: Destination, level: number, properties: Buffer): void {
    const { draft } = this.deps.store
    draft.topic = level > 0 ? SystemTopic.SCHEDULE : to.topic.topicName
    draft.topicBytes = level > 0 ? SCHEDULE_BYTES : to.topic.topicBytes
    draft.queueId = level > 0 ? level - 1 : to.queueId
    draft.flag = message.flag
    draft.sysFlag = message.sysFlag
    draft.bornTimestamp = message.bornTimestamp
    draft.bornHost = addressBytes(message.bornHost.address) ?? NO_ADDRESS
    draft.bornPort = message.bornHost.port
    draft.reconsumeTimes = message.reconsumeTimes + 1
    draft.preparedTransactionOffset = 0
    draft.body = message.body
    draft.bodyStart = 0
    draft.bodyEnd = message.body.length
    draft.properties = properties
    draft.propertiesStart = 0
    draft.propertiesEnd = properties.length
    draft.waitStore = true
  }

  private count(originTopic: string, group: string, to: Destination): void {
    const { stats, store } = this.deps
    stats.messageSentBack(originTopic, group)
    if (to.isDead) {
      stats.sentToDlq++
      stats.messagePut(to.topic, 1, store.draft.size)
    }
  }
}

const SCHEDULE_BYTES: Uint8Array = new Uint8Array(Buffer.from(SystemTopic.SCHEDULE))
