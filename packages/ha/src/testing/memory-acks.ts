import type { Clock } from '@apogee/env'
import { STORED, STORED_NO_SLAVE, STORED_SLAVE_TIMEOUT } from '@apogee/store'

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
    if (this.isRequired) this.clock.after(this.timeoutMs, this.drain)
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

  private readonly drain = (): void => {
    if (this.closed) return
    while (this.early.length > 0 && this.early[0]!.end <= this.written) {
      this.early.shift()!.answer(STORED)
    }
    while (this.waiting.length > 0) {
      const outcome = this.outcomeOf(this.waiting[0]!)
      if (outcome < 0) return
      this.waiting.shift()!.answer(outcome)
    }
  }

  /** −1: it waits. */
  private outcomeOf({ end, atMs }: Waiting): number {
    if (end > this.local) return -1
    if (!this.isRequired || end <= this.replicated) return STORED
    if (!this.isAvailable) return STORED_NO_SLAVE
    const isLate = this.clock.monotonicMs() - atMs >= this.timeoutMs
    return isLate ? STORED_SLAVE_TIMEOUT : -1
  }
}
