import { RingQueue } from '@apogee/base'
import type { Clock } from '@apogee/env'

/** Time saved up for reads that come in a bunch, ms. */
const CREDIT_MAX_MS = 1
/** How long after the last append the store still counts as being written to, ms. */
const SENDING_MS = 10

/**
 * Who catches up must not slow down who sends. While messages come in, answers made of old records get a share of the
 * loop's time and wait for it in order; when none come in they go at once. No more wait than there are unanswered pulls.
 */
export class ColdReads {
  private readonly clock: Clock
  /** Share of time for old records while messages come in, 0 to 1. */
  private readonly share: number
  private readonly lastAppendMs: () => number
  private readonly waiting = new RingQueue<() => void>()
  private creditMs = CREDIT_MAX_MS
  private countedMs: number
  private scheduled = false

  constructor(share: number, clock: Clock, lastAppendMs: () => number) {
    this.clock = clock
    this.share = share
    this.lastAppendMs = lastAppendMs
    this.countedMs = clock.monotonicMs()
  }

  /** Runs `read` now or in its turn. */
  run(read: () => void): void {
    if (this.waiting.size === 0 && !this.sending()) return read()
    this.waiting.push(read)
    if (!this.scheduled) this.serve()
  }

  private readonly serve = (): void => {
    this.scheduled = false
    let now = this.clock.monotonicMs()
    this.creditMs = Math.min(CREDIT_MAX_MS, this.creditMs + (now - this.countedMs) * this.share)
    const free = !this.sending()
    while (this.waiting.size > 0 && (free || this.creditMs > 0)) {
      this.waiting.shift()!()
      const after = this.clock.monotonicMs()
      this.creditMs -= after - now
      now = after
    }
    this.countedMs = now
    if (this.waiting.size === 0) return
    this.scheduled = true
    this.clock.after(1, this.serve)
  }

  private sending(): boolean {
    return this.clock.wallMs() - this.lastAppendMs() < SENDING_MS
  }
}
