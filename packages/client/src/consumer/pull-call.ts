import { isMalformed } from '@apogee/base'
import {
  decodeHeader,
  encodeHeader,
  PullMessageRequestHeader,
  PullMessageResponseHeader,
  PullSysFlag,
  RequestCode,
  ResponseCode,
  type SubscriptionData,
} from '@apogee/protocol'
import type { ClientRequest, Response } from '@apogee/remoting'
import type { MessageQueue } from '../api/message.ts'
import { malformed } from './broker-requests.ts'

/** How long a broker may hold a pull that finds nothing, and how long its answer is waited for (Java's push consumer). */
export const PULL_SUSPEND_MS = 15_000
export const PULL_TIMEOUT_MS = 30_000
/** Java's hint of how much one answer may carry. */
const PULL_BYTES_MAX = 256 * 1024

export interface PullCall {
  readonly group: string
  readonly queue: MessageQueue
  readonly offset: number
  readonly max: number
  /** Offset that the broker keeps along the way; null when it is a slave or there is none. */
  readonly commitOffset: number | null
  readonly subscription: SubscriptionData
  /** Sends the expression along, for consumers that brokers do not know by a heartbeat. */
  readonly withExpression: boolean
  readonly isLite: boolean
}

/** PULL_MESSAGE (11). */
export function pullRequest(call: PullCall): ClientRequest {
  const { subscription: data, withExpression } = call
  let sysFlag: number = PullSysFlag.SUSPEND
  if (call.commitOffset !== null) sysFlag |= PullSysFlag.COMMIT_OFFSET
  if (withExpression) sysFlag |= PullSysFlag.SUBSCRIPTION
  if (call.isLite) sysFlag |= PullSysFlag.LITE_PULL
  const fields = encodeHeader(PullMessageRequestHeader, {
    consumerGroup: call.group,
    topic: call.queue.topic,
    queueId: call.queue.queueId,
    queueOffset: call.offset,
    maxMsgNums: call.max,
    sysFlag,
    commitOffset: call.commitOffset ?? 0,
    suspendTimeoutMillis: PULL_SUSPEND_MS,
    subscription: withExpression ? data.subString : null,
    subVersion: data.subVersion,
    expressionType: data.expressionType,
    maxMsgBytes: PULL_BYTES_MAX,
  })
  return { code: RequestCode.PULL_MESSAGE, fields }
}

export type PullOutcome =
  /** Messages, or none that match: go on at `nextOffset`. */
  | 'found'
  | 'empty'
  /** The offset is not in the queue: `nextOffset` is. */
  | 'illegal'

export interface PullAnswer {
  readonly outcome: PullOutcome
  readonly nextOffset: number
  readonly suggestedBrokerId: number
}

/** Reads the answer to a pull; null when it is a refusal. Throws RMQ_PROTOCOL. */
export function pullAnswer(address: string, response: Response): PullAnswer | null {
  const outcome = outcomeOf(response.code)
  if (outcome === null) return null
  const header = decodeHeader(PullMessageResponseHeader, response.fields)
  if (isMalformed(header)) throw malformed(address, header.detail)
  const { nextBeginOffset: nextOffset, suggestWhichBrokerId } = header
  return { outcome, nextOffset, suggestedBrokerId: suggestWhichBrokerId }
}

function outcomeOf(code: number): PullOutcome | null {
  switch (code) {
    case ResponseCode.SUCCESS:
      return 'found'
    case ResponseCode.PULL_NOT_FOUND:
    case ResponseCode.PULL_RETRY_IMMEDIATELY:
      return 'empty'
    case ResponseCode.PULL_OFFSET_MOVED:
      return 'illegal'
    default:
      return null
  }
}
