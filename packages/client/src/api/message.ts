import type { Codec } from './codec.ts'

/** What can be sent as a body without a codec. Text is UTF-8. */
export type Body = Uint8Array | string

/** One queue of a topic, as RocketMQ names it. */
export interface MessageQueue {
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
}

/** A message to send. */
export interface Message {
  topic: string
  body: Body
  /** One tag, which subscriptions can name. */
  tag?: string
  /** The message can be found by each of these. They must not contain spaces. */
  keys?: string | readonly string[]
  /** Names that RocketMQ uses itself are refused. Values must not contain the characters 1 and 2. */
  properties?: Readonly<Record<string, string>>
  /** 32 bits of your own, which the broker keeps. */
  flag?: number
  /** SYNC_FLUSH and SYNC_MASTER do not wait for this message when false. Default true. */
  waitStoreOk?: boolean
  /** Delivered after the time of this level of the broker, 1 to 18. */
  delayLevel?: number
  /** Delivered after so many ms (TIMER_DELAY_MS; brokers with timers). */
  delayMs?: number
  /** Delivered at this time (TIMER_DELIVER_MS; brokers with timers). */
  deliverAt?: Date | number
}

/** How a send ended. All but SEND_OK mean: stored, but not (yet) as safely as configured. */
export type SendStatus =
  | 'SEND_OK'
  | 'FLUSH_DISK_TIMEOUT'
  | 'FLUSH_SLAVE_TIMEOUT'
  | 'SLAVE_NOT_AVAILABLE'

/** Where a message was stored, and how safely. */
export interface SendResult {
  readonly status: SendStatus
  /** The id the client gave it (UNIQ_KEY): what tools find it by. */
  readonly messageId: string
  /** Where it lies (broker address and log offset); of a batch the ids of all, in order. */
  readonly offsetMessageId: string
  readonly queue: MessageQueue
  readonly queueOffset: number
  readonly transactionId: string | null
  readonly regionId: string
  /** For `producer.recall`; null when the broker gave none. */
  readonly recallHandle: string | null
}

/**
 * A message as consumers get it. Its body is a view of receive memory that is the message's own: keep it as long as
 * you like.
 */
export interface ReceivedMessage<T = Buffer> {
  readonly topic: string
  /** Decoded by the subscription's codec, decompressed before. */
  readonly body: T
  /** The bytes as they were sent, decompressed. */
  readonly rawBody: Buffer
  readonly tag: string | null
  readonly keys: readonly string[]
  /** All properties, RocketMQ's own included. */
  readonly properties: Readonly<Record<string, string>>
  /** UNIQ_KEY, or the offset id when the producer gave none. */
  readonly messageId: string
  readonly offsetMessageId: string
  /** As servers name it: with its namespace, and %RETRY% and the group when it comes again. */
  readonly queue: MessageQueue
  readonly queueOffset: number
  /** 0 at the first delivery. */
  readonly reconsumeTimes: number
  readonly bornTimestamp: number
  readonly bornHost: string
  readonly storeTimestamp: number
  readonly storeHost: string
  readonly flag: number
  readonly sysFlag: number
  /** Log offset on its broker. */
  readonly physicalOffset: number
  /** The key that ordered it (SHARDING_KEY), if any. */
  readonly shardingKey: string | null
  /** Of a half message: UNIQ_KEY. */
  readonly transactionId: string | null
}

/** A topic with the codec of its bodies; what `mq.topic()` gives. */
export interface Topic<T> {
  readonly name: string
  readonly codec: Codec<T> | null
  /** A message of this topic; its body goes through the codec. */
  message(content: Omit<Message, 'topic' | 'body'> & { body: T }): Message
}
