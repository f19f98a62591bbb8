import type { SendResult } from './message.ts'

/**
 * Every error that this client throws or rejects with has one of these codes. They are stable; messages are for people.
 * Codes of servers travel beside them, as `responseCode`.
 */
export const ErrorCode = {
  /** An option, a topic, a group or a message that can never be right. Not retriable. */
  INVALID_ARGUMENT: 'RMQ_INVALID_ARGUMENT',
  /** Body and properties together exceed `maxMessageSize`, before or after compression. */
  MESSAGE_TOO_LARGE: 'RMQ_MESSAGE_TOO_LARGE',
  /** The object was closed, or is closing. */
  CLOSED: 'RMQ_CLOSED',
  /** The caller's AbortSignal ended the wait. `cause` is its reason. */
  ABORTED: 'RMQ_ABORTED',
  /** No NameServer of the list answered. */
  NAMESERVER_UNREACHABLE: 'RMQ_NAMESERVER_UNREACHABLE',
  /** No NameServer knows the topic, and it is not made by itself. */
  TOPIC_NOT_FOUND: 'RMQ_TOPIC_NOT_FOUND',
  /** The topic exists, but none of its queues can be written to (or read from) now. */
  NO_QUEUE: 'RMQ_NO_QUEUE',
  /**
   * The queue of a sharding key, or one that was chosen, lies on a broker that cannot be reached; `broker` names it. The
   * message was not sent to another queue, which would be another order. Retriable: the broker may come back.
   */
  QUEUE_UNAVAILABLE: 'RMQ_QUEUE_UNAVAILABLE',
  /** No connection to the broker, or it was lost before the answer came. */
  BROKER_UNREACHABLE: 'RMQ_BROKER_UNREACHABLE',
  /** The broker did not answer in time. The request may have been served. */
  TIMEOUT: 'RMQ_TIMEOUT',
  /** A send did not succeed within its deadline; `cause` is the last attempt's error, `attempts` all of them. */
  SEND_FAILED: 'RMQ_SEND_FAILED',
  /** A send's deadline passed; whether a copy was stored is not known. */
  SEND_TIMEOUT: 'RMQ_SEND_TIMEOUT',
  /** The broker refused the request: `responseCode` and its remark say why. */
  BROKER_REFUSED: 'RMQ_BROKER_REFUSED',
  /** The broker has more to do than it can: try again later. */
  BROKER_BUSY: 'RMQ_BROKER_BUSY',
  /** Access denied, or the signature is wrong. */
  NO_PERMISSION: 'RMQ_NO_PERMISSION',
  /** An answer that is not of the protocol. */
  PROTOCOL: 'RMQ_PROTOCOL',
  /** Too many sends wait already: `maxInFlight` of the producer. */
  TOO_MANY_IN_FLIGHT: 'RMQ_TOO_MANY_IN_FLIGHT',
  /** No reply to a request (`producer.request`) within its time. */
  REQUEST_TIMEOUT: 'RMQ_REQUEST_TIMEOUT',
  /** The half message of a transaction was not stored, or the local part failed. */
  TRANSACTION_FAILED: 'RMQ_TRANSACTION_FAILED',
  /** A codec could not make bytes of a value, or a value of bytes. */
  CODEC: 'RMQ_CODEC',
  /** A subscription expression that cannot be read. */
  BAD_EXPRESSION: 'RMQ_BAD_EXPRESSION',
  /** The queue does not belong to this consumer any more; the message will come again, here or elsewhere. */
  QUEUE_LOST: 'RMQ_QUEUE_LOST',
  /** Offsets on disk could not be read or written. */
  OFFSET_STORE: 'RMQ_OFFSET_STORE',
} as const
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]

/** What a RocketMQError is made with besides its code and message. */
export interface RocketMQErrorDetails {
  /** ResponseCode of the server, when one answered. */
  responseCode?: number
  /** Name or address of the broker that the error is about. */
  broker?: string
  /** Whether the same call may succeed later without a change by the caller. */
  retriable?: boolean
  cause?: unknown
  /** Of SEND_FAILED and SEND_TIMEOUT: one error per attempt, in order. */
  attempts?: readonly RocketMQError[]
}

/** What all calls of this client fail with. */
export class RocketMQError extends Error {
  override readonly name: string = 'RocketMQError'
  readonly code: ErrorCode
  readonly responseCode: number | null
  readonly broker: string | null
  readonly retriable: boolean
  readonly attempts: readonly RocketMQError[]

  constructor(code: ErrorCode, message: string, details: RocketMQErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause })
    this.code = code
    this.responseCode = details.responseCode ?? null
    this.broker = details.broker ?? null
    this.retriable = details.retriable ?? false
    this.attempts = details.attempts ?? []
  }
}

/** What a handler may ask for with `new RetryLater(options)`. */
export interface RetryLaterOptions {
  /** 1 to 18 of the broker's delay levels; 0 lets the broker choose by how often the message has failed. Default 0. */
  delayLevel?: number
  /** Ordered consumption: how long the queue rests, 10 to 30,000 ms. Default: the consumer's `suspendMs`. */
  suspendMs?: number
  cause?: unknown
}

/** Thrown by a handler that wants the message again at a time of its choice, without counting as a surprise. */
export class RetryLater extends Error {
  override readonly name: string = 'RetryLater'
  readonly delayLevel: number
  readonly suspendMs: number | null

  constructor(options: RetryLaterOptions = {}) {
    super('retry later', options.cause === undefined ? {} : { cause: options.cause })
    this.delayLevel = options.delayLevel ?? 0
    this.suspendMs = options.suspendMs ?? null
  }
}

/** Thrown by a handler that knows that no later attempt can succeed: the message goes to the dead letters at once. */
export class Unrecoverable extends Error {
  override readonly name: string = 'Unrecoverable'
}

/**
 * Of `producer.send` with several messages: some are stored, some are not. `results` has one entry for each message,
 * in order; `attempts` has the errors among them.
 */
export class PartialSendError extends RocketMQError {
  override readonly name: string = 'PartialSendError'
  readonly results: readonly (SendResult | RocketMQError)[]

  constructor(results: readonly (SendResult | RocketMQError)[]) {
    const errors = results.filter((result) => result instanceof RocketMQError)
    const text = `${errors.length} of ${results.length} messages were not stored: ${errors[0]?.message}`
    const retriable = errors.every((error) => error.retriable)
    super(ErrorCode.SEND_FAILED, text, { cause: errors[0], attempts: errors, retriable })
    this.results = results
  }
}
