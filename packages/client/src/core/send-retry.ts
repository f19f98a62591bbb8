import { ResponseCode } from '@apogee/protocol'
import type { SendStatus } from '../api/message.ts'

/** Refusals after which another attempt makes sense (Java: retryResponseCodes). */
const RETRIED: ReadonlySet<number> = new Set([
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.NO_PERMISSION,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
])

/** Pauses before an attempt that can only go where the last one failed: at once again would fail again. */
const PAUSES_MS = [100, 400, 1_000, 2_000]

/** No attempt gets less, unless less is left: a broker that only forces its disk is not hung. */
export const ATTEMPT_MIN_MS = 200

export function isRetriedCode(responseCode: number): boolean {
  return RETRIED.has(responseCode)
}

/** The code of a stored message as its status; null for codes that say that it was not stored. */
export function sendStatusOf(responseCode: number): SendStatus | null {
  switch (responseCode) {
    case ResponseCode.SUCCESS:
      return 'SEND_OK'
    case ResponseCode.FLUSH_DISK_TIMEOUT:
      return 'FLUSH_DISK_TIMEOUT'
    case ResponseCode.FLUSH_SLAVE_TIMEOUT:
      return 'FLUSH_SLAVE_TIMEOUT'
    case ResponseCode.SLAVE_NOT_AVAILABLE:
      return 'SLAVE_NOT_AVAILABLE'
    default:
      return null
  }
}

/**
 * How long to wait before the next attempt; null when there is none any more. `failures` counts the attempts so far,
 * `isElsewhere` says that the next one goes to another broker.
 */
export function pauseBeforeAttempt(
  failures: number,
  retries: number,
  isElsewhere: boolean,
  remainingMs: number,
): number | null {
  if (failures > retries || remainingMs <= 0) return null
  if (isElsewhere) return 0
  const pauseMs = PAUSES_MS[Math.min(failures, PAUSES_MS.length) - 1]!
  return pauseMs < remainingMs ? pauseMs : null
}

/**
 * How long the next attempt waits for its answer. A broker that hangs keeps its connections open and says nothing, so
 * an attempt that could wait until the deadline would use it up, and the other brokers would never be asked. While
 * another attempt could go to another broker, one gets half of what is left (Java: sendMsgMaxTimeoutPerRequest).
 * `failures` counts the attempts so far.
 */
export function attemptTimeoutMs(
  failures: number,
  retries: number,
  hasOtherBroker: boolean,
  remainingMs: number,
): number {
  if (!hasOtherBroker || failures >= retries) return remainingMs
  return Math.min(remainingMs, Math.max(Math.floor(remainingMs / 2), ATTEMPT_MIN_MS))
}
