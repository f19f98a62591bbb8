/** When the next send is due, for a rate in all. A pause of the machine is caught up, so that its victims are counted. */
export class Pace {
  private readonly intervalMs: number
  private readonly startMs: number
  private taken = 0

  /** `perSecond` sends from `startMs` on. */
  constructor(perSecond: number, startMs: number) {
    this.intervalMs = 1_000 / perSecond
    this.startMs = startMs
  }

  /** Takes the next place; may be in the past. */
  next(): number {
    return this.startMs + this.taken++ * this.intervalMs
  }
}
