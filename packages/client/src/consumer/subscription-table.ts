import { isMalformed } from '@apogee/base'
import {
  buildSubscription,
  ExpressionType,
  retryTopicOf,
  SUB_ALL,
  type SubscriptionData,
  validateTopic,
} from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { Subscription } from '../api/options.ts'
import { withNamespace } from './names.ts'

/** What a consumer wants of one topic. */
export interface Subscribed {
  readonly data: SubscriptionData
  /** Brokers filter by hash, so equal hashes get through: these are compared as text. Null: take everything. */
  readonly tags: ReadonlySet<string> | null
}

/** The subscriptions of one consumer, by topic as servers know it (Java: subscriptionInner of RebalanceImpl). */
export class SubscriptionTable {
  private readonly namespace: string | null
  private readonly byTopic = new Map<string, Subscribed>()

  constructor(namespace: string | null) {
    this.namespace = namespace
  }

  /**
   * Adds a topic, or changes what is wanted of it; returns its name with the namespace. Throws RMQ_INVALID_ARGUMENT,
   * RMQ_BAD_EXPRESSION.
   */
  set(topic: string, wanted: string | Subscription, nowMs: number): string {
    const name = withNamespace(this.namespace, topic)
    const problem = validateTopic(name)
    if (problem !== null) throw new RocketMQError(ErrorCode.INVALID_ARGUMENT, problem.detail)
    const { type, expression } =
      typeof wanted === 'string' ? ({ type: 'TAG', expression: wanted } as const) : wanted
    const data = buildSubscription(name, expression, type, nowMs)
    if (isMalformed(data)) {
      throw new RocketMQError(ErrorCode.BAD_EXPRESSION, `${topic}: ${data.detail}`)
    }
    this.byTopic.set(name, { data, tags: tagsOf(data) })
    return name
  }

  /** The topic through which failed messages of the group come back. */
  addRetryTopic(group: string, nowMs: number): void {
    this.set(retryTopicOf(group), SUB_ALL, nowMs)
  }

  /** Returns the topic's name with the namespace when it was there. */
  delete(topic: string): string | null {
    const name = withNamespace(this.namespace, topic)
    return this.byTopic.delete(name) ? name : null
  }

  get(name: string): Subscribed | null {
    return this.byTopic.get(name) ?? null
  }

  /** Names with the namespace. */
  topics(): string[] {
    return [...this.byTopic.keys()]
  }

  all(): SubscriptionData[] {
    return [...this.byTopic.values()].map((subscribed) => subscribed.data)
  }

  /** Brokers take a subscription for newer only with a higher version: it follows each change of the queues, as Java's. */
  renew(name: string, nowMs: number): void {
    const known = this.byTopic.get(name)
    if (known === undefined) return
    const subVersion = Math.max(nowMs, known.data.subVersion + 1)
    this.byTopic.set(name, { data: { ...known.data, subVersion }, tags: known.tags })
  }
}

function tagsOf(data: SubscriptionData): ReadonlySet<string> | null {
  const isFiltered = data.expressionType === ExpressionType.TAG && data.tagsSet.length > 0
  return isFiltered ? new Set(data.tagsSet) : null
}
