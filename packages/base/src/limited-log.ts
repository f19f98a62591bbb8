/** One warning a second of each event, with the number of those left out: what a flood of bad peers may write. */
export class LimitedLog {
  private readonly log: { warn(fields: object): void }
  private readonly nowMs: () => number
  private readonly everyMs: number
  private readonly events = new Map<string, { loggedAtMs: number; suppressed: number }>()

  /** `nowMs` is monotonic. */
  constructor(log: { warn(fields: object): void }, nowMs: () => number, everyMs = 1_000) {
    this.log = log
    this.nowMs = nowMs
    this.everyMs = everyMs
  }

  /** `event` is one of a fixed set, never text from a peer: it is remembered. */
  warn(event: string, fields: object): void {
    const nowMs = this.nowMs()
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
