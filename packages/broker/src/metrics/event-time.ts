import type { Clock } from '@apogee/env'

/** The time of the event that is handled now: one look at the clock for all the answers that an event brings. */
export class EventTime {
  private readonly clock: Clock
  private ms = 0
  private known = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Monotonic, ms. */
  nowMs(): number {
    if (this.known) return this.ms
    this.known = true
    this.ms = this.clock.monotonicMs()
    this.clock.endOfEvent(this.forget)
    return this.ms
  }

  private readonly forget = (): void => {
    this.known = false
  }
}
