import type { Clock } from '@apogee/env'

type LogCall = (fields: object, message?: string) => void

/**
 * The pino shape: `log.info({ event: 'connection_refused', … })`. Events with fields, never prose to parse. Components take
 * a logger, they never create one.
 */
export interface Logger {
  debug: LogCall
  info: LogCall
  warn: LogCall
  error: LogCall
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** One line a second of each event, with the number of those left out: what a flood of bad clients may write. */
export class LimitedLog {
  private readonly log: Logger
  private readonly clock: Clock
  private readonly everyMs: number
  private readonly events = new Map<string, { loggedAtMs: number; suppressed: number }>()

  constructor(log: Logger, clock: Clock, everyMs = 1_000) {
    this.log = log
    this.clock = clock
    this.everyMs = everyMs
  }

  /** `event` is one of a fixed set, never text from the peer: it is remembered. */
  warn(event: string, fields: object): void {
    const nowMs = this.clock.monotonicMs()
    const last = this.events.get(event)
    if (last !== undefined && nowMs - last.loggedAtMs < this.everyMs) {
      last.suppressed++
      return
    }
    this.events.set(event, { loggedAtMs: nowMs, suppressed: 0 })
    const suppressed = last?.suppressed ?? 0
    this.log.warn(suppressed === 0 ? { event, ...fields } : { event, ...fields, suppressed })
  }
}
