import { InternedText } from '@apogee/base'
import type { Clock } from '@apogee/env'
import {
  dlqTopicOf,
  isNotAllowedSendTopic,
  isRetryTopic,
  isWriteable,
  PermName,
  RETRY_GROUP_TOPIC_PREFIX,
  ResponseCode,
  SendFields,
  VersionGate,
  validateTopic,
} from '@apogee/protocol'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { RebalanceLockManager } from '../lock/rebalance-lock-manager.ts'
import type { HaServices } from '../replication/ha-services.ts'
import { replicaShortage } from '../replication/replica-shortage.ts'
import type { SubscriptionGroupConfig } from '../subscription/subscription-group-config.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import { type TopicConfig, TopicSysFlag } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'

const MULTI_TAGS_FLAG = 2
const DLQ_NUMS_PER_GROUP = 1

export interface SendServices {
  config: BrokerConfig
  clock: Clock
  topics: TopicConfigManager
  groups: SubscriptionGroupManager
  locks: RebalanceLockManager
  ha: HaServices
}

/**
 * One send while it is checked: where it shall go, or why not. Reused; `fields` is decoded by the handler. The checks and
 * their answers are those of AbstractSendMessageProcessor.msgCheck and SendMessageProcessor.handleRetryAndDLQ.
 */
export class SendRequest {
  readonly fields: SendFields = new SendFields()
  topic: TopicConfig | null = null
  queueId = 0
  sysFlag = 0
  /** The message has failed too often: it goes to the dead-letter topic and is not delayed any more. */
  dead = false
  code = 0
  remark = ''
  private readonly services: SendServices
  private readonly names = new InternedText()
  private turn = 0

  constructor(services: SendServices) {
    this.services = services
  }

  /** Decides where the message goes. False: `code` and `remark` say why it goes nowhere. */
  check(version: number, remoteAddress: string): boolean {
    const { fields } = this
    const name = this.names.at(fields.buffer, fields.topicStart, fields.topicEnd)
    this.dead = false
    if (!this.accepting()) return false
    const topic = this.services.topics.select(name) ?? this.unknown(name, remoteAddress)
    if (topic === null) return false
    this.topic = topic
    if (!this.allowed(topic)) return false
    if (fields.queueId >= Math.max(topic.writeQueueNums, topic.readQueueNums)) {
      return this.refuse(
        ResponseCode.INVALID_PARAMETER,
        `request queueId[${fields.queueId}] is illegal, topic ${name} has ${topic.writeQueueNums} write queues Producer: ${remoteAddress}`,
      )
    }
    this.queueId = fields.queueId < 0 ? this.anyQueue(topic.writeQueueNums) : fields.queueId
    this.sysFlag = fields.sysFlag
    if (isRetryTopic(name) && !this.retry(name, version)) return false
    if (this.topic.topicFilterType === 'MULTI_TAG') this.sysFlag |= MULTI_TAGS_FLAG
    return true
  }

  /** A broker may be told to take no sends until some time, or without so many replicas. */
  private accepting(): boolean {
    const { clock, config, ha } = this.services
    const shortage = replicaShortage(config, ha)
    if (shortage !== null) return this.refuse(ResponseCode.SYSTEM_ERROR, shortage)
    const untilMs = config.values.startAcceptSendRequestTimeStamp
    if (untilMs === 0 || clock.wallMs() >= untilMs) return true
    return this.refuse(ResponseCode.SYSTEM_ERROR, `broker unable to service, until ${untilMs}`)
  }

  /** Names of existing topics were checked when they were created; of the others Apache checks the name before all else. */
  private unknown(name: string, remoteAddress: string): TopicConfig | null {
    const illegal = validateTopic(name)
    if (illegal !== null) {
      this.refuse(ResponseCode.INVALID_PARAMETER, illegal.detail)
      return null
    }
    if (!this.mayBeSentTo(name)) return null
    const { fields } = this
    const { topics } = this.services
    const retry = isRetryTopic(name)
    if (retry && this.groupOf(name) === null) return null
    const sysFlag = fields.unitMode ? (retry ? TopicSysFlag.UNIT_SUB : TopicSysFlag.UNIT) : 0
    const defaultTopic = fields.buffer.toString(
      'utf8',
      fields.defaultTopicStart,
      fields.defaultTopicEnd,
    )
    const created =
      topics.createInSend(
        name,
        defaultTopic,
        fields.defaultTopicQueueNums,
        sysFlag,
        remoteAddress,
      ) ??
      (retry ? topics.createInSendBack(name, 1, PermName.READ | PermName.WRITE, sysFlag) : null)
    if (created === null) {
      this.refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${name}] not exist, apply first please!`)
    }
    return created
  }

  private allowed(topic: TopicConfig): boolean {
    const { brokerPermission, brokerIP1 } = this.services.config.values
    if (!isWriteable(brokerPermission) && topic.order) {
      return this.refuse(
        ResponseCode.NO_PERMISSION,
        `the broker[${brokerIP1}] sending message is forbidden`,
      )
    }
    return this.mayBeSentTo(topic.topicName)
  }

  private mayBeSentTo(name: string): boolean {
    if (!isNotAllowedSendTopic(name)) return true
    const remark = `Sending message to topic[${name}] is forbidden.`
    return this.refuse(ResponseCode.NO_PERMISSION, remark)
  }

  /** A consumer sends a failed message back by itself: too often, or out of an ordered queue, means dead. */
  private retry(name: string, version: number): boolean {
    const { locks, topics } = this.services
    const { fields } = this
    const config = this.groupOf(name)
    if (config === null) return false
    const group = config.groupName
    const own = fields.maxReconsumeTimes >= 0 && version >= VersionGate.MAX_RECONSUME_TIMES
    const max = own ? fields.maxReconsumeTimes : config.retryMaxTimes
    if (fields.reconsumeTimes <= max && locks.isLockAllExpired(group)) return true
    const dlq = dlqTopicOf(group)
    const topic = topics.createInSendBack(dlq, DLQ_NUMS_PER_GROUP, PermName.READ | PermName.WRITE)
    if (topic === null) return this.refuse(ResponseCode.SYSTEM_ERROR, `topic[${dlq}] not exist`)
    this.topic = topic
    this.queueId = 0
    this.dead = true
    return true
  }

  /** The group whose retry topic this is. */
  private groupOf(retryTopic: string): SubscriptionGroupConfig | null {
    const group = retryTopic.slice(RETRY_GROUP_TOPIC_PREFIX.length)
    const config = this.services.groups.find(group)
    if (config !== undefined) return config
    const remark = `subscription group not exist, ${group}`
    this.refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark)
    return null
  }

  refuse(code: number, remark: string): false {
    this.code = code
    this.remark = remark
    return false
  }

  private anyQueue(queues: number): number {
    this.turn = (this.turn + 1) | 0
    return (this.turn >>> 0) % Math.max(1, queues)
  }
}
