import type { Clock } from '@apogee/env'

/** Handlers that never wait let sockets and timers have their turn after this. */
const SLICE_MS = 5

/** Keeps a row of handlers from holding the event loop: `async () => {}` comes back without ever leaving it. */
export class HandlerSlices {
  private readonly clock: Clock
  private startMs: number
  private pause: Promise<void> | null = null

  constructor(clock: Clock) {
    this.clock = clock
    this.startMs = clock.monotonicMs()
  }

  /** Nothing ran: what comes now has a whole slice. */
  begin(): void {
    if (this.pause === null) this.startMs = this.clock.monotonicMs()
  }

  /** Null while the slice lasts; else what to await before the next handler. */
  wait(nowMs: number): Promise<void> | null {
    if (this.pause === null && nowMs - this.startMs < SLICE_MS) return null
    this.pause ??= new Promise((resolve) => {
      this.clock.soon(() => {
        this.pause = null
        this.startMs = this.clock.monotonicMs()
        resolve()
      })
    })
    return this.pause
  }
}
