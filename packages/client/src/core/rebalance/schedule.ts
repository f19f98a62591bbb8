import { assert } from '@apogee/base'

export interface RebalanceScheduleLimits {
  /** From the end of a complete round to the next, when nothing happens. Java's default: 20,000. */
  readonly intervalMs: number
  /** From the end of a round to the next at the earliest, whatever happens. Java's default: 1,000. */
  readonly minGapMs: number
  /** From the end of an incomplete round to the next. At least minGapMs. Java's default: 1,000. */
  readonly retryMs: number
}

export const DEFAULT_REBALANCE_LIMITS: RebalanceScheduleLimits = {
  intervalMs: 20_000,
  minGapMs: 1_000,
  retryMs: 1_000,
}

/**
 * When to rebalance next (Java: RebalanceService). Events go in with their time; `dueAtMs` is when the driver has to
 * begin a round. One round runs at a time: what happens during one asks for another.
 *
 *     idle ──begin()──► running ──end(complete | incomplete)──► idle
 */
export class RebalanceSchedule {
  private readonly limits: RebalanceScheduleLimits
  /** Of the next round. While one runs: of what was asked for meanwhile, else Infinity. */
  private wantedAtMs: number
  /** End of the last round; −Infinity before the first. */
  private lastEndMs = Number.NEGATIVE_INFINITY
  private running = false

  /** The first round is due at once. */
  constructor(limits: RebalanceScheduleLimits, nowMs: number) {
    assert(limits.minGapMs >= 0, 'minGapMs is negative', limits.minGapMs)
    assert(limits.intervalMs > 0, 'intervalMs is not positive', limits.intervalMs)
    this.limits = limits
    this.wantedAtMs = nowMs
  }

  get isRunning(): boolean {
    return this.running
  }

  /** When `begin` is due: Infinity while a round runs. It may lie in the past. */
  get dueAtMs(): number {
    if (this.running) return Number.POSITIVE_INFINITY
    return Math.max(this.wantedAtMs, this.lastEndMs + this.limits.minGapMs)
  }

  /**
   * Members have changed (code 40), a route has changed, a subscription was added or ended, or an offset was
   * corrected: a round as soon as the gap allows. Returns the new `dueAtMs`.
   */
  request(nowMs: number): number {
    this.wantedAtMs = Math.min(this.wantedAtMs, nowMs)
    return this.dueAtMs
  }

  /** True when a round is due now; it then runs, until `end`. */
  begin(nowMs: number): boolean {
    if (nowMs < this.dueAtMs) return false
    this.running = true
    this.wantedAtMs = Number.POSITIVE_INFINITY
    return true
  }

  /**
   * The round is over. Incomplete: a part could not be told, a lock was refused, a start offset not found, a release
   * not finished. Returns the new `dueAtMs`.
   */
  end(nowMs: number, outcome: 'complete' | 'incomplete'): number {
    assert(this.running, 'a round ends that did not begin')
    this.running = false
    this.lastEndMs = nowMs
    const afterMs = outcome === 'complete' ? this.limits.intervalMs : this.limits.retryMs
    this.wantedAtMs = Math.min(this.wantedAtMs, nowMs + afterMs)
    return this.dueAtMs
  }
}
