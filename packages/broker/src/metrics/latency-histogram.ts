/** Counts by upper bound, sum and count: what a Prometheus histogram needs. Adding is a short loop and no allocation. */
export class LatencyHistogram {
  readonly bounds: readonly number[]
  /** One place per bound, and one for larger values; not cumulative. */
  readonly counts: Float64Array
  sum = 0
  count = 0
  max = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  add(value: number): void {
    const { bounds } = this
    let place = 0
    while (place < bounds.length && value > bounds[place]!) place++
    this.counts[place]!++
    this.sum += value
    this.count++
    if (value > this.max) this.max = value
  }

  /** The value below which `share` (0 to 1) of all lie, as the upper bound of its place; `max` beyond the last bound. */
  quantile(share: number): number {
    let left = this.count * share
    for (const [place, count] of this.counts.entries()) {
      left -= count
      if (left <= 0) return Math.min(this.bounds[place] ?? this.max, this.max)
    }
    return this.max
  }
}
