import type { ClientStatus } from '../api/consume.ts'
import type { StatusSink } from '../remote/contract.ts'

/** What one reader of `mq.status()` may be behind; of more, the oldest are dropped. */
export const STATUS_BUFFER_MAX = 256

/** Hands what happens to everybody who iterates over `mq.status()`. Costs nothing while nobody does. */
export class StatusHub implements StatusSink {
  private readonly readers = new Set<StatusReader>()
  private isClosed = false

  emit(status: ClientStatus): void {
    for (const reader of this.readers) reader.take(status)
  }

  /** Ends by `return()` (leaving the loop), or after 'closed'. */
  iterate(): AsyncIterableIterator<ClientStatus> {
    const reader = new StatusReader((gone) => this.readers.delete(gone))
    if (this.isClosed) reader.end()
    else this.readers.add(reader)
    return reader
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.emit({ type: 'closed' })
    for (const reader of this.readers) reader.end()
    this.readers.clear()
  }
}

type Take = (result: IteratorResult<ClientStatus>) => void

class StatusReader implements AsyncIterableIterator<ClientStatus> {
  private readonly buffer: ClientStatus[] = []
  private readonly waiting: Take[] = []
  private readonly left: (reader: StatusReader) => void
  private isEnded = false

  constructor(left: (reader: StatusReader) => void) {
    this.left = left
  }

  take(status: ClientStatus): void {
    const waiting = this.waiting.shift()
    if (waiting !== undefined) {
      waiting({ done: false, value: status })
      return
    }
    this.buffer.push(status)
    if (this.buffer.length > STATUS_BUFFER_MAX) this.buffer.shift()
  }

  end(): void {
    this.isEnded = true
    for (const waiting of this.waiting.splice(0)) waiting({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<ClientStatus>> {
    const value = this.buffer.shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    if (this.isEnded) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  return(): Promise<IteratorResult<ClientStatus>> {
    this.left(this)
    this.buffer.length = 0
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
