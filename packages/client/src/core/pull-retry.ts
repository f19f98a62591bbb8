import { ResponseCode } from '@apogee/protocol'

/** A broker that sheds pulls is asked again after this (Java: PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL). */
export const PULL_RETRY_FLOW_CONTROL_MS = 20
/** After the first failure of a queue. It doubles with each further one. */
export const PULL_RETRY_MIN_MS = 100
/** Java's wait after every failure. */
export const PULL_RETRY_MAX_MS = 1_000
/** A consumer that is paused looks again after this. */
export const PULL_PAUSED_MS = 1_000

/** What a driver does about a pull that failed. */
export interface PullRetry {
  /** The next pull of this queue. */
  readonly delayMs: number
  /** The route may be old: `routes.refresh(topic)`, and PullSource.failed for this replica. */
  readonly refreshRoute: boolean
  /** The broker does not know this group or subscription (any more): heartbeats now. */
  readonly heartbeat: boolean
}

/**
 * After a pull that failed `failures` times in a row, this one included. `responseCode` is null when no broker
 * answered (not reached, no answer in time, connection lost). OFFSET_ILLEGAL is an answer, not a failure.
 */
export function decidePullRetry(responseCode: number | null, failures: number): PullRetry {
  const growing = Math.min(PULL_RETRY_MAX_MS, PULL_RETRY_MIN_MS * 2 ** Math.max(0, failures - 1))
  switch (responseCode) {
    case null:
      return { delayMs: growing, refreshRoute: true, heartbeat: false }
    case ResponseCode.FLOW_CONTROL:
      return { delayMs: PULL_RETRY_FLOW_CONTROL_MS, refreshRoute: false, heartbeat: false }
    case ResponseCode.SUBSCRIPTION_NOT_EXIST:
    case ResponseCode.SUBSCRIPTION_NOT_LATEST:
    case ResponseCode.SUBSCRIPTION_PARSE_FAILED:
      return { delayMs: growing, refreshRoute: false, heartbeat: true }
    case ResponseCode.TOPIC_NOT_EXIST:
    case ResponseCode.NO_PERMISSION:
      return { delayMs: PULL_RETRY_MAX_MS, refreshRoute: true, heartbeat: false }
    default:
      return { delayMs: PULL_RETRY_MAX_MS, refreshRoute: false, heartbeat: false }
  }
}
