import { isMalformed, type Malformed } from '@apogee/base'
import { type buildSubscription, isTagType } from '@apogee/protocol'
import type { MessageFilter } from '@apogee/store'
import type { GroupCounters } from '../stats/topic-counters.ts'
import type { FilterCompiler } from './filter-compiler.ts'

/** A subscription as heartbeats carry it and as expressions make it. */
export type SubscriptionFields = Exclude<ReturnType<typeof buildSubscription>, Malformed>

/**
 * What a group reads of a topic, ready for pulls: compiled once, when the subscription arrives. Java: SubscriptionData and
 * ConsumerFilterData.
 */
export class Subscription {
  readonly data: SubscriptionFields
  /** `null`: every message passes. Meaningless while there is a `problem`. */
  readonly filter: MessageFilter | null
  /** Why the expression cannot be used; pulls are refused. */
  readonly problem: Malformed | null
  /** Whether the filter is by properties: pulls need enablePropertyFilter. */
  readonly byProperties: boolean
  /** Shared by the successive subscriptions of a group to a topic. */
  readonly counters: GroupCounters
  /** When a pull last brought it; only for subscriptions that come with pulls. */
  usedMs = 0

  constructor(data: SubscriptionFields, compiler: FilterCompiler, counters: GroupCounters) {
    const filter = compiler.filterOf(data)
    this.data = data
    this.filter = isMalformed(filter) ? null : filter
    this.problem = isMalformed(filter) ? filter : null
    this.byProperties = !isTagType(data.expressionType)
    this.counters = counters
  }
}
