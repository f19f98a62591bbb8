import type { Clock } from '@apogee/env'
import type { HaLogger } from './ha-deps.ts'

const EVERY_MS = 1_000

/** One warning a second of each event, with the number of those left out: what a flood of strangers may write. */
export class LimitedLog {
  private readonly log: HaLogger
  private readonly clock: Clock
  private readonly events = new Map<string, { loggedAtMs: number; suppressed: number }>()

  constructor(log: HaLogger, clock: Clock) {
    this.log = log
    this.clock = clock
  }

  /** `event` is one of a fixed set, never text from a peer: it is remembered. */
  warn(event: string, fields: object): void {
    const nowMs = this.clock.monotonicMs()
    const last = this.events.get(event)
    if (last !== undefined && nowMs - last.loggedAtMs < EVERY_MS) {
      last.suppressed++
      return
    }
    this.events.set(event, { loggedAtMs: nowMs, suppressed: 0 })
    const suppressed = last?.suppressed ?? 0
    this.log.warn(suppressed === 0 ? { event, ...fields } : { event, ...fields, suppressed })
  }
}
