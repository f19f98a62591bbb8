/** Ticks in the longest window (600 s). */
const TICKS = 60

/**
 * Rates of one running total over the last 10, 60 and 600 seconds, from a sample each 10 s (Java: StoreStatsService's
 * sampling lists).
 */
export class RateRing {
  /** Only grows. */
  total = 0
  private readonly samples = new Float64Array(TICKS + 1)
  private readonly times = new Float64Array(TICKS + 1)
  private taken = 0

  /** Takes a sample; `nowMs` is monotonic. */
  sample(nowMs: number): void {
    const at = this.taken % this.samples.length
    this.samples[at] = this.total
    this.times[at] = nowMs
    this.taken++
  }

  /** Per second over the last `ticks` full ticks, or over as many as there are; 0 before the second sample. */
  rate(ticks: number): number {
    const span = Math.min(ticks, this.taken - 1)
    if (span < 1) return 0
    const size = this.samples.length
    const last = (this.taken - 1) % size
    const first = (this.taken - 1 - span) % size
    const elapsedMs = this.times[last]! - this.times[first]!
    if (elapsedMs <= 0) return 0
    return ((this.samples[last]! - this.samples[first]!) * 1000) / elapsedMs
  }

  /** The three rates as RocketMQ writes them: `10 s 60 s 600 s`. */
  text(): string {
    return `${this.rate(1)} ${this.rate(6)} ${this.rate(60)}`
  }
}

/** Element-wise sum, for a rate of two totals. */
export function rateText(a: RateRing, b: RateRing): string {
  return [1, 6, 60].map((ticks) => a.rate(ticks) + b.rate(ticks)).join(' ')
}
