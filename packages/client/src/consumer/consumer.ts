import type { AckableMessage, BatchHandler, MessageHandler } from '../api/consume.ts'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import type { Subscription } from '../api/options.ts'
import { ConcurrentMode } from './concurrent-mode.ts'
import type { ConsumeMode } from './consume-mode.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { ConsumerEngine } from './consumer-engine.ts'
import { withoutNamespace } from './names.ts'
import { OrderedMode } from './ordered-mode.ts'
import { SendBack } from './send-back.ts'
import { StreamMode } from './stream-mode.ts'

/** Messages of one call of a batch handler, at most. */
export const BATCH_MAX = 1_024

/**
 * A member of a consumer group. It joins the group with the first call of one of `run`, `runBatch`, `runOrdered`
 * and `messages`, of which a consumer has exactly one, and leaves it with `close`.
 */
export class Consumer<T = Buffer> {
  private readonly context: ConsumerContext<T>
  private engine: ConsumerEngine<T> | null = null
  private stream: StreamMode<T> | null = null
  private closing: Promise<void> | null = null
  private isDraining = false
  private readonly ended: Promise<void>
  private end!: () => void

  /** Made by `startConsumer`. */
  constructor(context: ConsumerContext<T>) {
    this.context = context
    this.ended = new Promise((resolve) => {
      this.end = resolve
    })
  }

  /** As it was given, without the namespace. */
  get group(): string {
    return withoutNamespace(this.context.client.namespace, this.context.group)
  }

  /** Resolves when the consumer has left its group, however that came. */
  get closed(): Promise<void> {
    return this.ended
  }

  /**
   * Calls `handler` with each message, up to `concurrency` at once, in no order. Returning (or resolving) means
   * consumed; a throw sends the message back: it comes again after a delay, after `maxRetries` it goes to the dead
   * letters. RetryLater and Unrecoverable choose. Resolves once the first queues are assigned. Rejects with
   * RMQ_INVALID_ARGUMENT when the consumer runs already, RMQ_CLOSED.
   */
  async run(handler: MessageHandler<T>): Promise<void> {
    checkHandler(handler)
    await this.begin((context, sendBack) => new ConcurrentMode(context, sendBack, { one: handler }))
  }

  /** The same with up to `max` (default 32) messages of one queue per call: as many as wait, it does not wait for more. */
  async runBatch(options: { max?: number }, handler: BatchHandler<T>): Promise<void> {
    checkHandler(handler)
    const { max = 32 } = options
    if (!Number.isInteger(max) || max < 1 || max > BATCH_MAX) {
      const text = `max is ${max}, not a whole number from 1 to ${BATCH_MAX}`
      throw new RocketMQError(ErrorCode.INVALID_ARGUMENT, text)
    }
    await this.begin(
      (context, sendBack) => new ConcurrentMode(context, sendBack, { batch: handler, max }),
    )
  }

  /**
   * Calls `handler` with the messages of each queue in their order, one at a time per queue. A throw lets the queue
   * rest for `suspendMs` and hands it the same message again; with `maxRetries` set it is dead after so many.
   */
  async runOrdered(handler: MessageHandler<T>): Promise<void> {
    checkHandler(handler)
    await this.begin((context, sendBack) => new OrderedMode(context, sendBack, handler), true)
  }

  /**
   * `for await (const message of consumer.messages())`: each message has to be acknowledged (`ack`) or handed back
   * (`retryLater`). As long as it is neither, it holds its queue's offset and a place of the prefetch, which is the
   * back-pressure. The loop ends with `signal`, or when the consumer closes. Several loops share the messages.
   * Throws RMQ_INVALID_ARGUMENT when a handler runs already, RMQ_CLOSED.
   */
  messages(
    options: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<AckableMessage<T>, undefined> {
    if (this.stream === null) {
      const joined = this.begin((context, sendBack) => {
        this.stream = new StreamMode(context, sendBack)
        return this.stream
      })
      // What can fail here is misuse, and it is thrown below.
      joined.catch((error: unknown) => {
        this.context.client.log.error({
          event: 'consumer_not_started',
          group: this.group,
          err: error,
        })
        this.stream?.stop()
      })
    }
    if (this.stream === null) throw this.misuse()
    return this.stream.stream(options.signal)
  }

  /** Adds a topic, or changes what is wanted of it. Throws RMQ_INVALID_ARGUMENT, RMQ_BAD_EXPRESSION, RMQ_CLOSED. */
  subscribe(topic: string, wanted: string | Subscription = '*'): void {
    if (this.isDraining) throw closedError()
    this.context.subscriptions.set(topic, wanted, this.context.client.env.clock.wallMs())
    this.engine?.topicsChanged()
  }

  /** Its queues go to the other members; messages at hand are still handled. */
  unsubscribe(topic: string): void {
    if (this.context.subscriptions.delete(topic) !== null) this.engine?.topicsChanged()
  }

  /** Neither reads these queues nor hands their messages out; without `queues` all, and those that come. */
  pause(queues?: readonly MessageQueue[]): void {
    this.needEngine().assignment.pause(queues)
  }

  resume(queues?: readonly MessageQueue[]): void {
    this.needEngine().assignment.resume(queues)
  }

  /** The queues that this member reads now, those of the retry topic included. */
  queues(): MessageQueue[] {
    const readers = this.engine?.assignment.all() ?? []
    return readers.map(({ queue: { topic, brokerName, queueId } }) => ({
      topic,
      brokerName,
      queueId,
    }))
  }

  /** What was read and is not done yet: messages, and their bytes as `prefetch` counts them. */
  cached(): { messages: number; bytes: number } {
    const cached = { messages: 0, bytes: 0 }
    for (const { process } of this.engine?.assignment.all() ?? []) {
      cached.messages += process.count
      cached.bytes += process.bytes
    }
    return cached
  }

  /**
   * Stops reading, waits for the handlers up to `drainTimeoutMs` (then their signals abort and, where no order
   * forbids it, their messages are sent back), has the offsets confirmed, returns locks and leaves the group:
   * nothing is lost, and nothing acknowledged comes again. Rejects when an offset could not be stored; the consumer
   * is closed then too. Idempotent.
   */
  drain(): Promise<void> {
    this.closing ??= this.closeNow()
    return this.closing
  }

  /** The same as `drain`. */
  close(): Promise<void> {
    return this.drain()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  private async begin(
    makeMode: (context: ConsumerContext<T>, sendBack: SendBack<T>) => ConsumeMode<T>,
    isOrdered = false,
  ): Promise<void> {
    if (this.isDraining || this.context.client.isClosing) throw closedError()
    if (this.engine !== null) throw this.misuse()
    const context = { ...this.context, settings: { ...this.context.settings, isOrdered } }
    const mode = makeMode(context, new SendBack(context))
    const engine = new ConsumerEngine(context, mode)
    this.engine = engine
    await engine.start()
  }

  private async closeNow(): Promise<void> {
    this.isDraining = true
    try {
      await this.engine?.stop(this.context.settings.drainTimeoutMs)
      await this.context.trace?.flush()
    } finally {
      this.end()
    }
  }

  private needEngine(): ConsumerEngine<T> {
    if (this.engine !== null) return this.engine
    throw new RocketMQError(ErrorCode.INVALID_ARGUMENT, 'the consumer does not run yet')
  }

  private misuse(): RocketMQError {
    if (this.isDraining || this.context.client.isClosing) return closedError()
    const text = `consumer ${this.group} runs already: it has one of run, runBatch, runOrdered, messages`
    return new RocketMQError(ErrorCode.INVALID_ARGUMENT, text)
  }
}

function checkHandler(handler: unknown): void {
  if (typeof handler === 'function') return
  throw new RocketMQError(ErrorCode.INVALID_ARGUMENT, 'the handler is not a function')
}

function closedError(): RocketMQError {
  return new RocketMQError(ErrorCode.CLOSED, 'the consumer is closed')
}
