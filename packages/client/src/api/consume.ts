import type { MessageQueue, ReceivedMessage } from './message.ts'

/** What a handler gets besides its message. */
export interface HandlerContext {
  /** Aborted when the queue is lost, the consume time-out has passed, or a drain has run out of time. */
  readonly signal: AbortSignal
}

/** Returning means consumed; a throw means again later, after `maxRetries` the dead letters. */
export type MessageHandler<T = Buffer> = (
  message: ReceivedMessage<T>,
  context: HandlerContext,
) => unknown

/** Messages of one queue that a batch handler gets in one call, in their order. */
export interface MessageBatch<T = Buffer> {
  readonly messages: readonly ReceivedMessage<T>[]
  readonly queue: MessageQueue
  /** Messages up to this index are consumed, the rest fails. Without it, returning consumes all, a throw fails all. */
  ackUpTo(index: number): void
}

/** Returning means that all are consumed, or those up to `ackUpTo`; a throw means that none is, or those. */
export type BatchHandler<T = Buffer> = (batch: MessageBatch<T>, context: HandlerContext) => unknown

/**
 * What `for await (const message of consumer.messages())` gives. One neither acked nor nacked blocks its queue's
 * offset.
 */
export interface AckableMessage<T = Buffer> extends ReceivedMessage<T> {
  /** Consumed. Idempotent. */
  ack(): Promise<void>
  /** Again later. Idempotent. */
  retryLater(options?: { delayLevel?: number }): Promise<void>
}

/** One thing that happened to a client; `mq.status()` iterates over them. */
export type ClientStatus =
  | { readonly type: 'connected'; readonly address: string }
  | { readonly type: 'disconnected'; readonly address: string; readonly reason: string }
  | { readonly type: 'nameserver-changed'; readonly address: string }
  | { readonly type: 'route-changed'; readonly topic: string; readonly brokers: readonly string[] }
  | { readonly type: 'broker-avoided'; readonly brokerName: string; readonly forMs: number }
  | {
      readonly type: 'rebalanced'
      readonly group: string
      readonly topic: string
      readonly queues: readonly MessageQueue[]
    }
  | {
      readonly type: 'queue-lost'
      readonly group: string
      readonly queue: MessageQueue
      readonly reason: string
    }
  | {
      readonly type: 'slow'
      readonly group: string
      readonly queue: MessageQueue
      readonly waitingMs: number
    }
  | { readonly type: 'dead-letter'; readonly group: string; readonly messageId: string }
  | { readonly type: 'closed' }
