import type { AckableMessage } from '../api/consume.ts'
import { PulledMessage } from './pulled-message.ts'

/** What `for await` gives: a message that is consumed when its owner says so. */
export class AckedMessage<T> extends PulledMessage<T> implements AckableMessage<T> {
  private settled: Promise<void> | null = null

  /** Rejects with RMQ_QUEUE_LOST when the message will come again anyway. */
  ack(): Promise<void> {
    this.settled ??= this.page.acknowledger!.ack(this)
    return this.settled
  }

  /** Rejects when the message could not be handed back; it then counts as not acknowledged. */
  retryLater(options: { delayLevel?: number } = {}): Promise<void> {
    this.settled ??= this.page.acknowledger!.retryLater(this, options.delayLevel ?? 0)
    return this.settled
  }
}
