import type { MessageBatch } from '../api/consume.ts'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import type { PulledMessage } from './pulled-message.ts'

/** What a batch handler gets. */
export class HandedBatch<T> implements MessageBatch<T> {
  readonly messages: readonly PulledMessage<T>[]
  readonly queue: MessageQueue
  /** Index of the last message that the handler has acknowledged by itself; null as long as it has not. */
  ackedIndex: number | null = null

  constructor(messages: readonly PulledMessage<T>[], queue: MessageQueue) {
    this.messages = messages
    this.queue = queue
  }

  ackUpTo(index: number): void {
    if (!Number.isInteger(index) || index < -1 || index >= this.messages.length) {
      const text = `ackUpTo(${index}) of a batch of ${this.messages.length}`
      throw new RocketMQError(ErrorCode.INVALID_ARGUMENT, text)
    }
    this.ackedIndex = index
  }

  /** How many of the messages, from the first, are consumed once the handler has ended. */
  consumedCount(hasFailed: boolean): number {
    if (this.ackedIndex !== null) return this.ackedIndex + 1
    return hasFailed ? 0 : this.messages.length
  }
}
