import type { Clock } from '@apogee/env'
import { STORED } from '@apogee/store'

// As the store has them; named here until a node of either kind can be asked.
export const STORED_SLAVE_TIMEOUT = 4
export const STORED_NO_SLAVE = 5

interface Waiting {
  end: number
  atMs: number
  answer: (outcome: number) => void
}

/** Who waits on a master in memory, and for which watermark. */
export class MemoryAcks {
  private readonly clock: Clock
  private waiting: Waiting[] = []
  private early: Waiting[] = []
  private timeoutMs = 0
  private isRequired = false
  private isAvailable = false
  private replicated = 0
  private local = 0
  private written = 0
  private closed = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  get size(): number {
    return this.waiting.length + this.early.length
  }

  requireReplicas(timeoutMs: number): void {
    this.isRequired = true
    this.timeoutMs = timeoutMs
  }

  push(end: number, waits: boolean, answer: (outcome: number) => void): void {
    const waiting = { end, atMs: this.clock.monotonicMs(), answer }
    if (!waits) {
      this.early.push(waiting)
      return
    }
    this.waiting.push(waiting)
    if (this.isRequired) this.clock.after(this.timeoutMs, this.expire)
  }

  setReplicated(offset: number, available: boolean): void {
    this.replicated = offset
    this.isAvailable = available
    this.drain()
  }

  moved(written: number, local: number): void {
    this.written = written
    this.local = local
    this.drain()
  }

  stop(): void {
    this.closed = true
    this.waiting = this.early = []
  }

  private drain(): void {
    if (this.closed) return
    while (this.early.length > 0 && this.early[0]!.end <= this.written) {
      this.early.shift()!.answer(STORED)
    }
    while (this.waiting.length > 0) {
      const { end, answer } = this.waiting[0]!
      if (end > this.local) return
      const hasReplicas = !this.isRequired || end <= this.replicated
      if (!hasReplicas && this.isAvailable) return
      this.waiting.shift()
      answer(hasReplicas ? STORED : STORED_NO_SLAVE)
    }
  }

  private readonly expire = (): void => {
    const deadline = this.clock.monotonicMs() - this.timeoutMs
    while (!this.closed && this.waiting.length > 0) {
      const { end, atMs, answer } = this.waiting[0]!
      if (atMs > deadline || end > this.local) return
      this.waiting.shift()
      answer(STORED_SLAVE_TIMEOUT)
    }
  }
}
