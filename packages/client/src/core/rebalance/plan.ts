// From "which queues should be mine" to what has to be done. The driver does it, in this order: release, lock
// (ordered), start.
import type { MessageQueue } from '../../api/message.ts'
import { queueKey } from '../queue-key.ts'
import { type AllocateInput, allocate } from './allocate.ts'
import type { AllocateStrategy } from './strategy.ts'

/** A queue that this consumer has something to do with. */
export interface OwnedQueue {
  readonly queue: MessageQueue
  /** Given up, but handlers still run (or an unlock is under way): it is neither kept nor may it be started anew yet. */
  readonly isReleasing: boolean
  /** Not asked for so long that its reading must have broken (ProcessQueue.isPullExpired): given up, and started anew. */
  readonly isExpired: boolean
}

export interface RebalancePlan {
  /** To start (in ordered clustering: to lock first), in the order of the allocation. */
  readonly add: readonly MessageQueue[]
  /** To give up: handlers aborted or waited for, offset persisted, lock returned. An expired one is in `add` as well. */
  readonly release: readonly MessageQueue[]
  /** Goes on undisturbed. */
  readonly keep: readonly MessageQueue[]
  /** Ours, but still being released: the round is incomplete, the next one starts them. */
  readonly wait: readonly MessageQueue[]
}

/** Compares what is owned of one topic with what was allocated of it. Nothing is in two lists but what has expired. */
export function planRebalance(
  owned: Iterable<OwnedQueue>,
  allocated: Iterable<MessageQueue>,
): RebalancePlan {
  const wanted = new Map<string, MessageQueue>()
  for (const queue of allocated) wanted.set(queueKey(queue), queue)
  const release: MessageQueue[] = []
  const keep: MessageQueue[] = []
  const wait: MessageQueue[] = []
  for (const { queue, isReleasing, isExpired } of owned) {
    const key = queueKey(queue)
    const isWanted = wanted.has(key)
    if (isReleasing) {
      if (isWanted) wait.push(queue)
      wanted.delete(key)
    } else if (isWanted && !isExpired) {
      keep.push(queue)
      wanted.delete(key)
    } else {
      release.push(queue)
    }
  }
  return { add: [...wanted.values()], release, keep, wait }
}

/**
 * Whether the plan changes who reads what: subscriptions then get a new version and heartbeats go out (Java:
 * messageQueueChanged).
 */
export function isChange(plan: RebalancePlan): boolean {
  return plan.add.length > 0 || plan.release.length > 0
}

/** What a member needs to know to tell its part of one topic. */
export interface AllocationInput extends Omit<AllocateInput, 'queues' | 'clientIds'> {
  readonly model: 'clustering' | 'broadcasting'
  /** Readable queues of the topic's route; null when no route is known. */
  readonly queues: readonly MessageQueue[] | null
  /** GET_CONSUMER_LIST_BY_GROUP (38); null when no broker answered. Not used in broadcasting. */
  readonly clientIds: readonly string[] | null
}

/** What a member's part is, or why it cannot be told: then everything stays as it is, and the round was incomplete. */
export type Allocation =
  | { readonly kind: 'allocated'; readonly queues: readonly MessageQueue[] }
  | { readonly kind: 'unknown'; readonly reason: AllocationUnknownReason }
export type AllocationUnknownReason =
  /** No NameServer knows the topic now, or none answered. */
  | 'NO_ROUTE'
  /** The route has no readable queue. Java stops at this point too and keeps what it has. */
  | 'NO_QUEUES'
  /** No broker answered with the group's members. */
  | 'NO_MEMBERS'
  /**
   * A broker answered, and this member was not among them: it was restarted, or our heartbeat has not come yet. Java
   * gives all its queues up here, which leaves them without an owner; we keep them, send heartbeats and ask again.
   */
  | 'NOT_A_MEMBER'

/** This member's part of a topic by the strategy; in broadcasting all of it. */
export function decideAllocation(strategy: AllocateStrategy, input: AllocationInput): Allocation {
  const { group, clientId, queues, clientIds } = input
  if (queues === null) return { kind: 'unknown', reason: 'NO_ROUTE' }
  if (queues.length === 0) return { kind: 'unknown', reason: 'NO_QUEUES' }
  if (input.model === 'broadcasting') return { kind: 'allocated', queues }
  if (clientIds === null || clientIds.length === 0) return { kind: 'unknown', reason: 'NO_MEMBERS' }
  if (!clientIds.includes(clientId)) return { kind: 'unknown', reason: 'NOT_A_MEMBER' }
  return {
    kind: 'allocated',
    queues: allocate(strategy, { group, clientId, queues, clientIds }),
  }
}

/** Queues by the broker whose master has their locks (LOCK_BATCH_MQ 41 and UNLOCK_BATCH_MQ 42 go to one broker each). */
export function queuesByBroker(queues: Iterable<MessageQueue>): Map<string, MessageQueue[]> {
  const groups = new Map<string, MessageQueue[]>()
  for (const queue of queues) {
    const group = groups.get(queue.brokerName)
    if (group === undefined) groups.set(queue.brokerName, [queue])
    else group.push(queue)
  }
  return groups
}
