import { RingQueue } from '@apogee/base'
import type { QueueReader } from './queue-reader.ts'

/** Messages that one queue gives in a row while others have some too. */
export const TURN = 32

/** The queues that have something to hand out, each once, in the order in which they came. */
export class ReadyQueues<T> {
  private readonly readers = new RingQueue<QueueReader<T>>()
  /** How many the first one has given in a row. */
  private given = 0

  get size(): number {
    return this.readers.size
  }

  /** Whose turn it is. */
  get first(): QueueReader<T> | undefined {
    return this.readers.peek()
  }

  add(reader: QueueReader<T>): void {
    if (reader.isListed) return
    reader.isListed = true
    this.readers.push(reader)
  }

  /** The first one has given a message; when its turn is over it stands last. */
  gave(): void {
    this.given++
    if (this.given < TURN || this.readers.size < 2) return
    this.given = 0
    this.readers.push(this.readers.shift()!)
  }

  /** Takes the first one off: it has nothing more, or somebody serves it. */
  shift(): QueueReader<T> | undefined {
    const reader = this.readers.shift()
    if (reader !== undefined) reader.isListed = false
    this.given = 0
    return reader
  }
}
