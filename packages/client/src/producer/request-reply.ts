import { MessageConst, replyTopicOf } from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ReceivedMessage } from '../api/message.ts'
import { invalidArgument } from '../remote/errors.ts'
import type { MoreProperties } from './prepare-message.ts'

/** Of the property MSG_TYPE. */
const REPLY_TYPE = 'reply'

/** What a request carries, so that its reply finds back (Java: RequestResponseFuture, prepareSendRequest). */
export function requestProperties(
  correlationId: string,
  clientId: string,
  timeoutMs: number,
): MoreProperties {
  return [
    [MessageConst.CORRELATION_ID, correlationId],
    [MessageConst.MESSAGE_REPLY_TO_CLIENT, clientId],
    [MessageConst.MESSAGE_TTL, String(timeoutMs)],
  ]
}

/** Where a reply goes, and what it carries (Java: MessageUtil.createReplyMessage). */
export interface ReplyAddress {
  /** `<cluster>_REPLY_TOPIC`, which every broker of the cluster has. */
  readonly topic: string
  readonly properties: MoreProperties
}

/** Throws RMQ_INVALID_ARGUMENT for a message that is no request. */
export function replyAddressOf(request: ReceivedMessage<unknown>): ReplyAddress {
  const { properties } = request
  const cluster = properties[MessageConst.CLUSTER]
  const correlationId = properties[MessageConst.CORRELATION_ID]
  const clientId = properties[MessageConst.MESSAGE_REPLY_TO_CLIENT]
  if (cluster === undefined || correlationId === undefined || clientId === undefined) {
    throw invalidArgument(`message ${request.messageId} is no request: nobody waits for a reply`)
  }
  const ttl = properties[MessageConst.MESSAGE_TTL]
  return {
    topic: replyTopicOf(cluster),
    properties: [
      [MessageConst.MESSAGE_TYPE, REPLY_TYPE],
      [MessageConst.CORRELATION_ID, correlationId],
      [MessageConst.MESSAGE_REPLY_TO_CLIENT, clientId],
      ...(ttl === undefined ? [] : [[MessageConst.MESSAGE_TTL, ttl] as const]),
    ],
  }
}

export function noReply(timeoutMs: number): RocketMQError {
  const text = `no reply within ${timeoutMs} ms`
  return new RocketMQError(ErrorCode.REQUEST_TIMEOUT, text, { retriable: true })
}
