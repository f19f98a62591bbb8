import { ResponseCode } from '@apogee/protocol'

/** A broker that sheds pulls is asked again after this (Java: PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL). */
export const PULL_RETRY_FLOW_CONTROL_MS = 20
/** After the first failure of a queue. It doubles with each further one. */
export const PULL_RETRY_MIN_MS = 100
/** Java's wait after every failure. */
export const PULL_RETRY_MAX_MS = 1_000
/** An answer that came at once and brought nothing is not followed by a question at once; it doubles up to … */
const FRUITLESS_REST_MIN_MS = 50
/** … this: slaves of Apache's answer so for as long as their master is dead (PULL_RETRY_IMMEDIATELY). */
const FRUITLESS_REST_MAX_MS = 1_000
/** A consumer that is paused looks again after this. */
export const PULL_PAUSED_MS = 1_000

/** What a driver does about a pull that failed. */
export interface PullRetry {
  /** The next pull of this queue. */
  readonly delayMs: number
  /** The route may be old: `routes.refresh(topic)`. */
  readonly refreshRoute: boolean
  /** PullSource.failed for this replica: another one may have what this one does not give. */
  readonly elsewhere: boolean
  /** The broker does not know this group or subscription (any more): heartbeats now. */
  readonly heartbeat: boolean
}

/**
 * After a pull that failed `failures` times in a row, this one included. `responseCode` is null when no broker
 * answered (not reached, no answer in time, connection lost). A master's PULL_OFFSET_MOVED is an answer, not a failure; a
 * slave's is one: it may be behind, and must not move anybody's offset. So are other refusals of a slave, which may not
 * serve reads at all (Apache's slaveReadEnable).
 */
export function decidePullRetry(
  responseCode: number | null,
  failures: number,
  isSlave: boolean,
): PullRetry {
  const growing = Math.min(PULL_RETRY_MAX_MS, PULL_RETRY_MIN_MS * 2 ** Math.max(0, failures - 1))
  const stay = { refreshRoute: false, elsewhere: false, heartbeat: false }
  switch (responseCode) {
    case null:
      return { delayMs: growing, refreshRoute: true, elsewhere: true, heartbeat: false }
    case ResponseCode.FLOW_CONTROL:
      return { ...stay, delayMs: PULL_RETRY_FLOW_CONTROL_MS }
    case ResponseCode.SUBSCRIPTION_NOT_EXIST:
    case ResponseCode.SUBSCRIPTION_NOT_LATEST:
    case ResponseCode.SUBSCRIPTION_PARSE_FAILED:
      return { ...stay, delayMs: growing, heartbeat: true }
    case ResponseCode.TOPIC_NOT_EXIST:
    case ResponseCode.NO_PERMISSION:
      return { ...stay, delayMs: PULL_RETRY_MAX_MS, refreshRoute: true, elsewhere: isSlave }
    default:
      return { ...stay, delayMs: PULL_RETRY_MAX_MS, elsewhere: isSlave }
  }
}

/** The rest after so many answers in a row that came at once and brought nothing, this one included. */
export function fruitlessRestMs(answers: number): number {
  return Math.min(FRUITLESS_REST_MAX_MS, FRUITLESS_REST_MIN_MS * 2 ** Math.max(0, answers - 1))
}
