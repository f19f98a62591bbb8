import { assert } from '@apogee/base'

/** First window that is compared, bytes. */
const WINDOW_START = 64 * 1024

/** What the search wants next. */
export type PrefixStep =
  /** Compare [from, from + length) of both logs, and `answer`. */
  | { readonly kind: 'compare'; readonly from: number; readonly length: number }
  /** Ours is a prefix of the master's, or the same. */
  | { readonly kind: 'agreed' }
  /** The logs are the same below `at`, and differ from there on: by a byte, or since the master's ends there. */
  | { readonly kind: 'differs'; readonly at: number }
  /** Nothing in common within `tailMax`, or nothing at all. */
  | { readonly kind: 'too-far' }

export interface PrefixBounds {
  /** First offset that both hold. */
  readonly floor: number
  /** End of our log, and of the master's. */
  readonly end: number
  readonly masterEnd: number
  /** haDivergedTailMax: the search ends once more than this would have to be cut, bytes. */
  readonly tailMax: number
  /** Largest window, bytes. */
  readonly windowMax: number
}

/**
 * Where a slave's log leaves its master's. Windows are compared backwards from the lower of both ends, each twice the one
 * before, until one agrees: what is below it is the same, since a record names its offset and time, and logs that agree in
 * one grew from there. Then halving finds the first byte that differs.
 *
 *   floor ────────────── agrees ─┬── differs ──┬── differs ──┐ lower end ┈┈ end
 *                                 low        high
 */
export class PrefixSearch {
  private readonly bounds: PrefixBounds
  private readonly commonEnd: number
  /** The window to compare, or what is known to differ. */
  private low: number
  private high: number
  /** The part of [low, high) that is being compared when halving. */
  private middle = -1
  /** Upper end of the window before this one, which differs. */
  private differsTo: number
  private window = WINDOW_START
  private outcome: PrefixStep | null = null

  constructor(bounds: PrefixBounds) {
    this.bounds = bounds
    this.commonEnd = Math.min(bounds.end, bounds.masterEnd)
    this.low = this.commonEnd
    this.high = this.commonEnd
    this.differsTo = this.commonEnd
    if (this.commonEnd <= bounds.floor) this.outcome = { kind: 'too-far' }
    else this.stepBack()
  }

  /** What to do now; the same until `answer`. */
  get step(): PrefixStep {
    if (this.outcome !== null) return this.outcome
    const to = this.middle >= 0 ? this.middle : this.high
    return { kind: 'compare', from: this.low, length: to - this.low }
  }

  /** Whether the range that `step` named is the same in both logs. */
  answer(isSame: boolean): void {
    assert(this.outcome === null, 'an answer that nobody asked for')
    if (this.middle >= 0) this.halve(isSame)
    else if (!isSame && this.low === this.bounds.floor) this.startHalving(this.low, this.high)
    else if (!isSame) this.stepBack()
    else if (this.high === this.commonEnd) this.finish(this.commonEnd)
    else this.startHalving(this.high, this.differsTo)
  }

  private stepBack(): void {
    const { end, floor, tailMax, windowMax } = this.bounds
    if (end - this.high > tailMax) this.outcome = { kind: 'too-far' }
    this.differsTo = this.high
    this.high = this.low
    this.low = Math.max(floor, this.high - Math.min(this.window, windowMax))
    this.window *= 2
  }

  /** The first byte that differs is in [low, high). */
  private startHalving(low: number, high: number): void {
    this.low = low
    this.high = high
    this.chooseMiddle()
  }

  private halve(isSame: boolean): void {
    if (isSame) this.low = this.middle
    else this.high = this.middle
    this.chooseMiddle()
  }

  private chooseMiddle(): void {
    if (this.high - this.low === 1) this.finish(this.low)
    else this.middle = this.low + ((this.high - this.low) >> 1)
  }

  private finish(at: number): void {
    const { end, floor, tailMax } = this.bounds
    if (at === end) this.outcome = { kind: 'agreed' }
    else if (at === floor || end - at > tailMax) this.outcome = { kind: 'too-far' }
    else this.outcome = { kind: 'differs', at }
  }
}
