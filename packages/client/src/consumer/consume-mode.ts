import type { Acknowledger } from './message-page.ts'
import type { PulledMessage } from './pulled-message.ts'
import type { QueueReader } from './queue-reader.ts'

/** One way to hand messages to the user: handlers, ordered handlers, `for await`. */
export interface ConsumeMode<T> {
  readonly isOrdered: boolean
  /** Whether messages are handed out, or their failures under way, right now. */
  readonly inFlight: number
  /** Messages wait in `reader.process`. Never throws. */
  arrived(reader: QueueReader<T>): void
  acknowledgerOf(reader: QueueReader<T>): Acknowledger<T> | null
  /** The queue is given up: handlers of its messages hear it by their signals. */
  lost(reader: QueueReader<T>, reason: unknown): void
  /** Acknowledgements of this queue's messages do not count any more. */
  dropped(reader: QueueReader<T>): void
  /** Resolves when nothing of this queue is in the hands of a handler. */
  quiet(reader: QueueReader<T>): Promise<void>
  /** Hands out nothing any more. */
  stop(): void
  /** Resolves when `inFlight` is 0. */
  idle(): Promise<void>
  /** The time of a drain is over: what still runs is aborted and, where that is possible, sent back. */
  abandon(reason: unknown): Promise<void>
  /** Called every second or so: time-outs. */
  tick(nowMs: number): void
  /** CONSUME_MESSAGE_DIRECTLY (309): one message through the handler, outside of every queue. */
  direct(message: PulledMessage<T>): Promise<void>
}
