import { build, type Histogram } from 'hdr-histogram-js'

/** Longest latency that is told apart; longer ones count as this. */
const LATENCY_MAX_US = 600_000_000
const PERCENTILES = [50, 75, 90, 95, 99, 99.9, 99.99] as const

/** Latencies in milliseconds, with microseconds behind the point. */
export interface LatencyJson {
  readonly minMs: number
  readonly meanMs: number
  readonly stddevMs: number
  readonly p50Ms: number
  readonly p75Ms: number
  readonly p90Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly p9999Ms: number
  readonly maxMs: number
}

/** Counts messages, bytes, failures and latencies of one run. Times are of a monotonic clock, in ms. */
export class Measurement {
  messages = 0
  bytes = 0
  /** By code. */
  readonly failures: Map<string, number> = new Map<string, number>()
  private readonly histogram: Histogram
  private startedMs: number | null = null
  private lastMs = 0

  constructor() {
    this.histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: LATENCY_MAX_US,
      numberOfSignificantValueDigits: 3,
    })
  }

  /** From here on time counts; what came before does not. */
  start(nowMs: number): void {
    this.startedMs ??= nowMs
    this.lastMs = Math.max(this.lastMs, nowMs)
  }

  get isStarted(): boolean {
    return this.startedMs !== null
  }

  record(messages: number, bytes: number, latencyMs: number, nowMs: number): void {
    this.messages += messages
    this.bytes += bytes
    this.lastMs = nowMs
    const us = Math.round(Math.min(Math.max(latencyMs * 1_000, 1), LATENCY_MAX_US))
    this.histogram.recordValueWithCount(us, messages)
  }

  fail(messages: number, code: string): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + messages)
  }

  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0)
  }

  /** From the start to the last message. */
  get seconds(): number {
    return this.startedMs === null ? 0 : Math.max(0, this.lastMs - this.startedMs) / 1_000
  }

  /** Null when there was nothing. */
  latency(): LatencyJson | null {
    const { histogram } = this
    if (histogram.totalCount === 0) return null
    // A bucket ends behind the largest value in it.
    const at = (percentile: number): number =>
      ms(Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue))
    const [p50Ms, p75Ms, p90Ms, p95Ms, p99Ms, p999Ms, p9999Ms] = PERCENTILES.map(at)
    return {
      minMs: ms(histogram.minNonZeroValue),
      meanMs: ms(histogram.mean),
      stddevMs: ms(histogram.stdDeviation),
      p50Ms: p50Ms!,
      p75Ms: p75Ms!,
      p90Ms: p90Ms!,
      p95Ms: p95Ms!,
      p99Ms: p99Ms!,
      p999Ms: p999Ms!,
      p9999Ms: p9999Ms!,
      maxMs: ms(histogram.maxValue),
    }
  }
}

function ms(us: number): number {
  return Math.round(us) / 1_000
}
