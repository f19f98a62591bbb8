import type { AckableMessage } from '../api/consume.ts'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { AckedMessage } from './acked-message.ts'
import type { ConsumeMode } from './consume-mode.ts'
import type { ConsumerContext } from './consumer-context.ts'
import type { Acknowledger } from './message-page.ts'
import type { QueueReader } from './queue-reader.ts'
import { ReadyQueues } from './ready-queues.ts'
import { reportSlow, SLOW_AFTER_MS } from './running-handlers.ts'
import type { SendBack } from './send-back.ts'
import { Waiters } from './waiters.ts'

type Result<T> = IteratorResult<AckableMessage<T>, undefined>
type Resolve<T> = (result: Result<T>) => void

const DONE = { done: true, value: undefined } as const

/**
 * `for await`: messages are taken by the user, and acknowledged one by one. What is not stays in the prefetch of
 * its queue.
 */
export class StreamMode<T> implements ConsumeMode<T> {
  readonly isOrdered = false
  private readonly context: ConsumerContext<T>
  private readonly sendBack: SendBack<T>
  private readonly ready = new ReadyQueues<T>()
  private readonly waiting = new Set<MessageStream<T>>()
  private readonly streams = new Set<MessageStream<T>>()
  private readonly idleWaiters = new Waiters()
  /** Offsets handed out and neither acknowledged nor handed back. */
  private readonly open = new Map<QueueReader<T>, Set<number>>()
  private openCount = 0
  /** When it was last told that a queue is slow. */
  private readonly toldMs = new WeakMap<QueueReader<T>, number>()
  private isStopped = false

  constructor(context: ConsumerContext<T>, sendBack: SendBack<T>) {
    this.context = context
    this.sendBack = sendBack
  }

  get inFlight(): number {
    return this.openCount
  }

  /** One more loop over the messages; several share them. */
  stream(signal: AbortSignal | undefined): MessageStream<T> {
    const stream = new MessageStream<T>(this, signal)
    if (this.isStopped) stream.end()
    else this.streams.add(stream)
    return stream
  }

  arrived(reader: QueueReader<T>): void {
    this.ready.add(reader)
    for (const stream of this.waiting) {
      const message = this.take()
      if (message === null) return
      stream.give(message)
      if (!stream.isWaiting) this.waiting.delete(stream)
    }
  }

  acknowledgerOf(reader: QueueReader<T>): Acknowledger<T> {
    return {
      ack: (message) => this.ack(reader, message.queueOffset),
      retryLater: (message, level) => this.retryLater(reader, message, level),
    }
  }

  lost(): void {}

  dropped(reader: QueueReader<T>): void {
    this.openCount -= this.open.get(reader)?.size ?? 0
    this.open.delete(reader)
    this.checkIdle()
  }

  async quiet(reader: QueueReader<T>): Promise<void> {
    while ((this.open.get(reader)?.size ?? 0) > 0) await this.idleWaiters.wait()
  }

  /** Loops end with their next step; messages at hand can still be acknowledged. */
  stop(): void {
    this.isStopped = true
    for (const stream of this.streams) stream.end()
    this.streams.clear()
  }

  async idle(): Promise<void> {
    while (this.openCount > 0) await this.idleWaiters.wait()
  }

  abandon(): Promise<void> {
    this.open.clear()
    this.openCount = 0
    this.idleWaiters.wakeAll()
    return Promise.resolve()
  }

  /** Tells once in a while of queues whose oldest message at hand is not acknowledged. */
  tick(nowMs: number): void {
    for (const [reader, offsets] of this.open) {
      const { oldestPutMs } = reader.process
      const since = Math.max(oldestPutMs ?? nowMs, this.toldMs.get(reader) ?? 0)
      if (offsets.size === 0 || nowMs - since < SLOW_AFTER_MS) continue
      this.toldMs.set(reader, nowMs)
      reportSlow(this.context, reader.queue, nowMs - (oldestPutMs ?? nowMs))
    }
  }

  direct(): Promise<void> {
    const text = 'this consumer has no handler: its messages are iterated over'
    return Promise.reject(new RocketMQError(ErrorCode.INVALID_ARGUMENT, text))
  }

  /** The next message for a stream that asks; null when none is there: it will be given one. */
  next(stream: MessageStream<T>): AckableMessage<T> | null {
    const message = this.take()
    if (message === null) this.waiting.add(stream)
    return message
  }

  /** The stream gives nothing any more. */
  ended(stream: MessageStream<T>): void {
    this.waiting.delete(stream)
  }

  /** The user has left the loop: a drain does not wait for what nobody is going to acknowledge. */
  left(stream: MessageStream<T>): void {
    this.streams.delete(stream)
    if (this.streams.size === 0 && !this.isStopped) void this.abandon()
  }

  private take(): AckedMessage<T> | null {
    const nowMs = this.context.client.env.clock.monotonicMs()
    for (let { first } = this.ready; first !== undefined; first = this.ready.first) {
      const message = first.take(nowMs) as AckedMessage<T> | undefined
      if (message !== undefined) {
        this.opened(first, message)
        this.ready.gave()
        return message
      }
      this.ready.shift()
    }
    return null
  }

  private opened(reader: QueueReader<T>, message: AckedMessage<T>): void {
    let offsets = this.open.get(reader)
    if (offsets === undefined) {
      offsets = new Set()
      this.open.set(reader, offsets)
    }
    offsets.add(message.queueOffset)
    this.openCount++
  }

  private ack(reader: QueueReader<T>, offset: number): Promise<void> {
    if (reader.isFinal) return Promise.reject(queueLost())
    this.settled(reader, offset)
    this.context.stats.consumed(reader.queue.topic, 1, 0)
    return Promise.resolve()
  }

  private async retryLater(
    reader: QueueReader<T>,
    message: AckedMessage<T>,
    delayLevel: number,
  ): Promise<void> {
    if (reader.isFinal) throw queueLost()
    this.context.stats.failed(reader.queue.topic, 1)
    const isSentBack = this.context.settings.model === 'clustering'
    if (isSentBack) await this.sendBack.send(message, delayLevel)
    this.settled(reader, message.queueOffset)
  }

  private settled(reader: QueueReader<T>, offset: number): void {
    const nowMs = this.context.client.env.clock.monotonicMs()
    reader.handled(reader.process.done(offset, nowMs))
    if (this.open.get(reader)?.delete(offset) !== true) return
    this.openCount--
    this.checkIdle()
  }

  private checkIdle(): void {
    this.idleWaiters.wakeAll()
  }
}

/** One `for await` loop. */
export class MessageStream<T> implements AsyncIterableIterator<AckableMessage<T>, undefined> {
  private readonly mode: StreamMode<T>
  private readonly signal: AbortSignal | undefined
  private readonly onAbort = (): void => this.end()
  private readonly asking: Resolve<T>[] = []
  private isEnded = false

  constructor(mode: StreamMode<T>, signal: AbortSignal | undefined) {
    this.mode = mode
    this.signal = signal
    if (signal?.aborted === true) this.isEnded = true
    else signal?.addEventListener('abort', this.onAbort, { once: true })
  }

  get isWaiting(): boolean {
    return this.asking.length > 0
  }

  give(message: AckableMessage<T>): void {
    this.asking.shift()?.({ done: false, value: message })
  }

  end(): void {
    this.isEnded = true
    this.mode.ended(this)
    this.signal?.removeEventListener('abort', this.onAbort)
    for (const resolve of this.asking.splice(0)) resolve(DONE)
  }

  next(): Promise<Result<T>> {
    if (this.isEnded) return Promise.resolve(DONE)
    const message = this.mode.next(this)
    if (message !== null) return Promise.resolve({ done: false, value: message })
    return new Promise((resolve) => this.asking.push(resolve))
  }

  return(): Promise<Result<T>> {
    this.end()
    this.mode.left(this)
    return Promise.resolve(DONE)
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

function queueLost(): RocketMQError {
  const text = 'the queue belongs to another member by now: its message comes again'
  return new RocketMQError(ErrorCode.QUEUE_LOST, text, { retriable: false })
}
