import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ConsumeMode } from './consume-mode.ts'
import type { ConsumerContext } from './consumer-context.ts'
import type { PulledMessage } from './pulled-message.ts'
import type { QueueReader } from './queue-reader.ts'
import { ReadyQueues, TURN } from './ready-queues.ts'

interface Waiting {
  /** Ends the wait: messages have come, or its time is over. */
  wake(): void
}

/** Messages wait until somebody polls, and count as consumed from then on (Java: DefaultLitePullConsumerImpl). */
export class PollMode<T> implements ConsumeMode<T> {
  readonly isOrdered = false
  readonly inFlight = 0
  private readonly context: ConsumerContext<T>
  private readonly ready = new ReadyQueues<T>()
  private readonly waiting: Waiting[] = []
  private isStopped = false

  constructor(context: ConsumerContext<T>) {
    this.context = context
  }

  /** Up to `max` messages, as soon as there is one; none after `timeoutMs`. Rejects with RMQ_ABORTED, RMQ_CLOSED. */
  async poll(
    max: number,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<PulledMessage<T>[]> {
    const { clock } = this.context.client.env
    const deadlineMs = clock.monotonicMs() + timeoutMs
    for (;;) {
      if (this.isStopped) throw new RocketMQError(ErrorCode.CLOSED, 'the consumer is closed')
      if (signal?.aborted === true) throw aborted(signal)
      const page = this.page(max)
      const leftMs = deadlineMs - clock.monotonicMs()
      if (page.length > 0 || leftMs <= 0) {
        // What is left is for whoever polls beside us.
        if (this.ready.size > 0) this.waiting.shift()?.wake()
        return page
      }
      await this.wait(leftMs, signal)
    }
  }

  arrived(reader: QueueReader<T>): void {
    this.ready.add(reader)
    this.waiting.shift()?.wake()
  }

  acknowledgerOf(): null {
    return null
  }

  lost(): void {}

  dropped(): void {}

  quiet(): Promise<void> {
    return Promise.resolve()
  }

  stop(): void {
    this.isStopped = true
    for (const waiting of this.waiting.splice(0)) waiting.wake()
  }

  idle(): Promise<void> {
    return Promise.resolve()
  }

  abandon(): Promise<void> {
    return Promise.resolve()
  }

  tick(): void {}

  direct(): Promise<void> {
    const text = 'this consumer has no handler: its messages are polled'
    return Promise.reject(new RocketMQError(ErrorCode.INVALID_ARGUMENT, text))
  }

  private page(max: number): PulledMessage<T>[] {
    const nowMs = this.context.client.env.clock.monotonicMs()
    const page: PulledMessage<T>[] = []
    while (page.length < max) {
      const reader = this.ready.shift()
      if (reader === undefined) break
      const turn = Math.min(TURN, max - page.length)
      const before = page.length
      for (let i = 0; i < turn; i++) {
        const message = reader.take(nowMs)
        if (message === undefined) break
        page.push(message)
        reader.handled(reader.process.done(message.queueOffset, nowMs))
      }
      if (page.length - before === turn) this.ready.add(reader)
    }
    if (page.length > 0) this.count(page)
    return page
  }

  private count(page: readonly PulledMessage<T>[]): void {
    for (const { queue } of page) this.context.stats.consumed(queue.topic, 1, 0)
  }

  private wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.context.client.env
    return new Promise((resolve) => {
      const entry = {
        wake: (): void => {
          timer.cancel()
          signal?.removeEventListener('abort', entry.wake)
          const index = this.waiting.indexOf(entry)
          if (index >= 0) this.waiting.splice(index, 1)
          resolve()
        },
      }
      const timer = clock.after(ms, entry.wake)
      signal?.addEventListener('abort', entry.wake, { once: true })
      this.waiting.push(entry)
    })
  }
}

function aborted(signal: AbortSignal): RocketMQError {
  return new RocketMQError(ErrorCode.ABORTED, 'the poll was aborted', { cause: signal.reason })
}
