import { isMalformed } from '@apogee/base'
import type { Clock } from '@apogee/env'
import { buildSubscription, ResponseCode } from '@apogee/protocol'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { SubscriptionGroupConfig } from '../subscription/subscription-group-config.ts'
import {
  FORBIDDEN_READ_INDEX,
  type SubscriptionGroupManager,
} from '../subscription/subscription-group-manager.ts'
import type { ConsumerManager } from './consumer-manager.ts'
import type { FilterCompiler } from './filter-compiler.ts'
import { Subscription } from './subscription.ts'

/** Why a pull is forbidden, in the answer's `forbiddenType` (Java: ForbiddenType). */
export const ForbiddenType = {
  NONE: 0,
  BROKER: 1,
  GROUP: 2,
  TOPIC: 3,
  BROADCASTING_DISABLE: 4,
  SUBSCRIPTION: 5,
} as const

/**
 * The subscription that a pull reads with: the one of its group's heartbeats, or the one that it brings itself. When the
 * answer is `null`, `code`, `remark` and `forbiddenType` say why; they hold until the next call. Nothing is allocated for
 * a subscription that is known. Java: PullMessageProcessor, ConsumerManager's compensation table.
 */
export class PullSubscriptions {
  code = 0
  remark = ''
  forbiddenType = 0
  private readonly config: BrokerConfig
  private readonly clock: Clock
  private readonly groups: SubscriptionGroupManager
  private readonly consumers: ConsumerManager
  private readonly compiler: FilterCompiler
  private readonly stats: BrokerStats
  /** Group → topic → what the group's last pull of the topic brought. */
  private readonly brought = new Map<string, Map<string, Subscription>>()
  private broughtCount = 0

  constructor(
    config: BrokerConfig,
    deps: {
      clock: Clock
      groups: SubscriptionGroupManager
      consumers: ConsumerManager
      compiler: FilterCompiler
      stats: BrokerStats
    },
  ) {
    this.config = config
    this.clock = deps.clock
    this.groups = deps.groups
    this.consumers = deps.consumers
    this.compiler = deps.compiler
    this.stats = deps.stats
  }

  /** For a pull without the SUBSCRIPTION flag. `subVersion`: the client's; ours must not be older. */
  fromHeartbeat(
    group: SubscriptionGroupConfig,
    topic: string,
    subVersion: number,
  ): Subscription | null {
    const info = this.consumers.get(group.groupName)
    if (info === undefined) {
      return this.fail(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's group info not exist")
    }
    if (!group.consumeBroadcastEnable && info.isBroadcasting) {
      const remark = `the consumer group[${group.groupName}] can not consume by broadcast way`
      return this.forbid(ForbiddenType.BROADCASTING_DISABLE, remark)
    }
    if (this.groups.isForbidden(group.groupName, topic, FORBIDDEN_READ_INDEX)) {
      const remark = `the consumer group[${group.groupName}] is forbidden for topic[${topic}]`
      return this.forbid(ForbiddenType.SUBSCRIPTION, remark)
    }
    const subscription = info.subscriptions.get(topic)
    if (subscription === undefined) {
      return this.fail(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's subscription not exist")
    }
    if (subscription.data.subVersion < subVersion) {
      const remark = "the consumer's subscription not latest"
      return this.fail(ResponseCode.SUBSCRIPTION_NOT_LATEST, remark)
    }
    if (subscription.problem !== null) {
      const remark = `the filter expression cannot be used: ${subscription.problem.detail}`
      return this.fail(ResponseCode.FILTER_DATA_NOT_EXIST, remark)
    }
    return this.checkProperties(subscription)
  }

  /** For a pull with the SUBSCRIPTION flag, which brings its expression. `type`: null = tags. */
  fromRequest(
    group: string,
    topic: string,
    expression: string | null,
    type: string | null,
    subVersion: number,
  ): Subscription | null {
    const topics = this.brought.get(group)
    const known = topics?.get(topic)
    if (known !== undefined && sameExpression(known, expression, type)) {
      known.usedMs = this.clock.monotonicMs()
      return this.checkProperties(known)
    }
    const data = buildSubscription(topic, expression, type, subVersion)
    const counters = this.stats.group(topic, group)
    const subscription = isMalformed(data) ? data : new Subscription(data, this.compiler, counters)
    const problem = isMalformed(subscription) ? subscription : subscription.problem
    if (problem !== null || isMalformed(subscription)) {
      const remark = `parse the consumer's subscription failed: ${problem?.detail ?? ''}`
      return this.fail(ResponseCode.SUBSCRIPTION_PARSE_FAILED, remark)
    }
    subscription.usedMs = this.clock.monotonicMs()
    this.remember(group, topic, subscription, known === undefined)
    return this.checkProperties(subscription)
  }

  /** What a group reads of a topic: by its heartbeats, else by its pulls. */
  find(group: string, topic: string): Subscription | undefined {
    return this.consumers.findSubscription(group, topic) ?? this.brought.get(group)?.get(topic)
  }

  /** Forgets what no pull brought for subscriptionExpiredTimeout. */
  removeExpired(): void {
    const deadline = this.clock.monotonicMs() - this.config.values.subscriptionExpiredTimeout
    for (const [group, topics] of this.brought) {
      for (const [topic, subscription] of topics) {
        if (subscription.usedMs >= deadline) continue
        topics.delete(topic)
        this.broughtCount--
      }
      if (topics.size === 0) this.brought.delete(group)
    }
  }

  private remember(group: string, topic: string, subscription: Subscription, isNew: boolean): void {
    if (isNew) {
      // A full table costs speed only: the next pull compiles again.
      if (this.broughtCount >= this.config.values.offsetsMax) return
      this.broughtCount++
    }
    let topics = this.brought.get(group)
    if (topics === undefined) {
      topics = new Map()
      this.brought.set(group, topics)
    }
    topics.set(topic, subscription)
  }

  private checkProperties(subscription: Subscription): Subscription | null {
    if (!subscription.byProperties || this.config.values.enablePropertyFilter) return subscription
    const type = subscription.data.expressionType
    const remark = `The broker does not support consumer to filter message by ${type}`
    return this.fail(ResponseCode.SYSTEM_ERROR, remark)
  }

  private forbid(forbiddenType: number, remark: string): null {
    this.fail(ResponseCode.NO_PERMISSION, remark)
    this.forbiddenType = forbiddenType
    return null
  }

  private fail(code: number, remark: string): null {
    this.code = code
    this.remark = remark
    this.forbiddenType = ForbiddenType.NONE
    return null
  }
}

function sameExpression(
  known: Subscription,
  expression: string | null,
  type: string | null,
): boolean {
  const { subString, expressionType } = known.data
  const sameText = subString === expression || (subString === '*' && !expression)
  return sameText && expressionType === (type || 'TAG')
}
