// What happens to a message whose handler has ended, and to a request that has failed.
import { RetryLater, Unrecoverable } from '../api/errors.ts'

/** Deliveries after the first in concurrent consumption, when `maxRetries` is −1 (Java: getMaxReconsumeTimes). */
export const MAX_RETRIES_CONCURRENT = 16
/** The same in ordered consumption: without limit, as Java says it on the wire. */
export const MAX_RETRIES_ORDERED: number = 2 ** 31 - 1
/** Delay level of CONSUMER_SEND_MSG_BACK (36) that lets the broker choose: 3 + reconsumeTimes. */
export const DELAY_LEVEL_BY_BROKER = 0
/** The one that sends a message to the dead letters at once. */
export const DELAY_LEVEL_DEAD = -1
/** For a message whose handler has run out of time: Java's choice. */
export const DELAY_LEVEL_EXPIRED = 3
/** How long CONSUMER_SEND_MSG_BACK may take. */
export const SEND_BACK_TIMEOUT_MS = 5_000
/** When a message could not be sent back in any way, its handler gets it again after this. */
export const LOCAL_RETRY_MS = 5_000
/** Bounds of how long an ordered queue rests. */
export const SUSPEND_MIN_MS = 10
export const SUSPEND_MAX_MS = 30_000

/** `maxReconsumeTimes` as headers and properties carry it. −1 is the default of the kind of consumption. */
export function maxReconsumeTimes(maxRetries: number, isOrdered: boolean): number {
  if (maxRetries !== -1) return maxRetries
  return isOrdered ? MAX_RETRIES_ORDERED : MAX_RETRIES_CONCURRENT
}

/** What to do with a message that a concurrent handler has not consumed. */
export type ConcurrentDecision =
  /** Broadcasting has no way back: it is done, and its failure reported. */
  | { readonly action: 'drop' }
  /** CONSUMER_SEND_MSG_BACK with this level; done once the broker has it. */
  | { readonly action: 'sendBack'; readonly delayLevel: number }

const DROP: ConcurrentDecision = { action: 'drop' }

/** After a handler that threw `error`: RetryLater names the level, Unrecoverable is dead, else the broker chooses. */
export function decideFailed(
  error: unknown,
  model: 'clustering' | 'broadcasting',
): ConcurrentDecision {
  if (model === 'broadcasting') return DROP
  return { action: 'sendBack', delayLevel: delayLevelOf(error) }
}

/**
 * After a handler that has had its message for longer than `consumeTimeoutMs`. It may still run: its own end changes
 * nothing then.
 */
export function decideExpired(model: 'clustering' | 'broadcasting'): ConcurrentDecision {
  if (model === 'broadcasting') return DROP
  return { action: 'sendBack', delayLevel: DELAY_LEVEL_EXPIRED }
}

function delayLevelOf(error: unknown): number {
  if (error instanceof Unrecoverable) return DELAY_LEVEL_DEAD
  if (!(error instanceof RetryLater)) return DELAY_LEVEL_BY_BROKER
  // Only `Unrecoverable` says dead; a level that makes no sense is left to the broker.
  const { delayLevel } = error
  return Number.isInteger(delayLevel) && delayLevel > 0 ? delayLevel : DELAY_LEVEL_BY_BROKER
}

/** Of a message that is sent to `%RETRY%group` as an ordinary one. */
export interface RetryMessageFields {
  /** RECONSUME_TIME; brokers put a message with more than `maxReconsumeTimes` into the dead letters. */
  readonly reconsumeTimes: number
  /** MAX_RECONSUME_TIMES. */
  readonly maxReconsumeTimes: number
  /** DELAY. Levels above the broker's last count as the last. */
  readonly delayLevel: number
}

/** `reconsumeTimes` is what the message has, with local failures. `delayLevel` is that of the decision. */
export function retryMessageFields(
  reconsumeTimes: number,
  maxTimes: number,
  delayLevel: number,
): RetryMessageFields {
  if (delayLevel === DELAY_LEVEL_DEAD) return deadLetterFields(reconsumeTimes, maxTimes)
  return {
    reconsumeTimes: reconsumeTimes + 1,
    maxReconsumeTimes: maxTimes,
    delayLevel: delayLevel > 0 ? delayLevel : 3 + reconsumeTimes,
  }
}

/**
 * The same for one that shall end in the dead letters: its own count is named as the limit, so that the broker sees
 * it exceeded whatever the consumer's limit is.
 */
export function deadLetterFields(reconsumeTimes: number, maxTimes: number): RetryMessageFields {
  return {
    reconsumeTimes: reconsumeTimes + 1,
    maxReconsumeTimes: Math.min(reconsumeTimes, maxTimes),
    delayLevel: 3 + reconsumeTimes,
  }
}

/** What to do with an ordered queue after a handler that has failed. */
export type OrderedDecision =
  /** What was taken waits again, and the queue rests. */
  | { readonly action: 'suspend'; readonly suspendMs: number }
  /**
   * Retries are used up: a message with deadLetterFields to the retry topic, then commit. When that fails: suspend,
   * and again. In broadcasting commit alone.
   */
  | { readonly action: 'dead' }

export interface OrderedRetryContext {
  /** Deliveries before this one: the message's reconsumeTimes and the failures since it came. */
  readonly reconsumeTimes: number
  /** As `maxReconsumeTimes` tells it. */
  readonly maxReconsumeTimes: number
  /** The consumer's. */
  readonly suspendMs: number
}

const DEAD: OrderedDecision = { action: 'dead' }

/**
 * After an ordered handler that threw. A RetryLater counts as a delivery like every other failure, but may name its
 * own rest.
 */
export function decideOrderedFailed(error: unknown, context: OrderedRetryContext): OrderedDecision {
  if (error instanceof Unrecoverable) return DEAD
  if (context.reconsumeTimes >= context.maxReconsumeTimes) return DEAD
  const own = error instanceof RetryLater ? error.suspendMs : null
  return { action: 'suspend', suspendMs: clampSuspendMs(own ?? context.suspendMs) }
}

export function clampSuspendMs(suspendMs: number): number {
  return Math.min(SUSPEND_MAX_MS, Math.max(SUSPEND_MIN_MS, suspendMs))
}
