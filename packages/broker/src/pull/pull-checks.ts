import { InternedText } from '@apogee/base'
import {
  isReadable,
  isSystemGroup,
  PullFields,
  PullSysFlag,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import type { Connection } from '@apogee/remoting'
import type { ConsumerManager } from '../client/consumer-manager.ts'
import { ForbiddenType, type PullSubscriptions } from '../client/pull-subscriptions.ts'
import type { Subscription } from '../client/subscription.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { SubscriptionGroupConfig } from '../subscription/subscription-group-config.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import type { TopicConfig } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'

export interface PullServices {
  config: BrokerConfig
  topics: TopicConfigManager
  groups: SubscriptionGroupManager
  consumers: ConsumerManager
  subscriptions: PullSubscriptions
}

/** Groups of RocketMQ's own tools, which pull without being members (MixAll.isSysConsumerGroupPullMessage). */
const TOOL_GROUPS: ReadonlySet<string> = new Set([
  'DEFAULT_CONSUMER',
  'TOOLS_CONSUMER',
  'SCHEDULE_CONSUMER',
  'FILTERSRV_CONSUMER',
  '__MONITOR_CONSUMER',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_ONSAPI_PULL',
  'CID_SYS_RMQ_TRANS',
])

/** What Apache's slave answers to all pulls; clients come again after their delay for errors. */
const SLAVE_NOT_READ = '[REJECTREQUEST]system busy, start flow control for a while'

/**
 * The checks of a pull, in Apache's order (PullMessageProcessor.processRequest). Reused; `fields` is decoded by the
 * caller.
 */
export class PullChecks {
  readonly fields: PullFields = new PullFields()
  group: SubscriptionGroupConfig | null = null
  topic: TopicConfig | null = null
  subscription: Subscription | null = null
  code = 0
  remark = ''
  /** ForbiddenType, or −1. */
  forbiddenType = -1
  private readonly services: PullServices
  private readonly names = new InternedText()

  constructor(services: PullServices) {
    this.services = services
  }

  /** False: `code`, `remark` and `forbiddenType` say why. */
  check(requestCode: number, connection: Connection): boolean {
    return (
      this.checkBroker(requestCode) &&
      this.checkGroup() &&
      this.checkTopic(connection.remoteAddress) &&
      this.checkSubscription() &&
      this.checkMember(connection)
    )
  }

  private checkBroker(requestCode: number): boolean {
    const { values } = this.services.config
    const { brokerIP1, brokerPermission, litePullMessageEnable } = values
    if (values.brokerRole === 'SLAVE' && !values.slaveReadEnable) {
      return this.refuse(ResponseCode.SYSTEM_BUSY, SLAVE_NOT_READ)
    }
    if (!isReadable(brokerPermission)) {
      return this.forbid(
        ForbiddenType.BROKER,
        `the broker[${brokerIP1}] pulling message is forbidden`,
      )
    }
    if (requestCode === RequestCode.LITE_PULL_MESSAGE && !litePullMessageEnable) {
      return this.forbid(
        ForbiddenType.BROKER,
        `the broker[${brokerIP1}] for lite pull consumer is forbidden`,
      )
    }
    return true
  }

  private checkGroup(): boolean {
    const { fields } = this
    const name = this.names.at(fields.buffer, fields.consumerGroupStart, fields.consumerGroupEnd)
    const group = this.services.groups.find(name)
    if (group === undefined) {
      const remark = `subscription group [${name}] does not exist`
      return this.refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark)
    }
    this.group = group
    if (group.consumeEnable) return true
    return this.forbid(ForbiddenType.GROUP, `subscription group no permission, ${name}`)
  }

  private checkTopic(remoteAddress: string): boolean {
    const { fields } = this
    const name = this.names.at(fields.buffer, fields.topicStart, fields.topicEnd)
    const topic = this.services.topics.select(name)
    if (topic === undefined) {
      return this.refuse(
        ResponseCode.TOPIC_NOT_EXIST,
        `topic[${name}] not exist, apply first please!`,
      )
    }
    this.topic = topic
    if (!isReadable(topic.perm)) {
      return this.forbid(ForbiddenType.TOPIC, `the topic[${name}] pulling message is forbidden`)
    }
    if (fields.queueId >= 0 && fields.queueId < topic.readQueueNums) return true
    return this.refuse(
      ResponseCode.INVALID_PARAMETER,
      `queueId[${fields.queueId}] is illegal, topic:[${name}] topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[${remoteAddress}]`,
    )
  }

  private checkSubscription(): boolean {
    const { fields } = this
    const { subscriptions } = this.services
    const topic = this.topic!.topicName
    this.subscription =
      (fields.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0
        ? subscriptions.fromRequest(
            this.group!.groupName,
            topic,
            this.text(fields.subscriptionStart, fields.subscriptionEnd),
            this.text(fields.expressionTypeStart, fields.expressionTypeEnd),
            fields.subVersion,
          )
        : subscriptions.fromHeartbeat(this.group!, topic, fields.subVersion)
    if (this.subscription !== null) return true
    this.refuse(subscriptions.code, subscriptions.remark)
    if (subscriptions.forbiddenType !== ForbiddenType.NONE)
      this.forbiddenType = subscriptions.forbiddenType
    return false
  }

  /** A broker may refuse those that only pull, without being members of their group. */
  private checkMember(connection: Connection): boolean {
    if (!this.services.config.values.rejectPullConsumerEnable) return true
    const { groupName } = this.group!
    const info = this.services.consumers.get(groupName)
    if (info !== undefined) {
      if (info.mode.consumeType !== 'CONSUME_ACTIVELY') return true
      if (info.channels.has(connection)) return true
    }
    if (TOOL_GROUPS.has(groupName) || isSystemGroup(groupName)) return true
    return this.refuse(
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      "the consumer's group info not exist, or the pull consumer is rejected by server.",
    )
  }

  private text(start: number, end: number): string | null {
    return start < 0 ? null : this.names.at(this.fields.buffer, start, end)
  }

  private forbid(forbiddenType: number, remark: string): false {
    this.refuse(ResponseCode.NO_PERMISSION, remark)
    this.forbiddenType = forbiddenType
    return false
  }

  refuse(code: number, remark: string): false {
    this.code = code
    this.remark = remark
    this.forbiddenType = -1
    return false
  }
}
