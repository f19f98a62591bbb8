/** Who waits for a record. `stored` is called exactly once for each token, in log order, never from inside `append`. */
export interface AckSink {
  stored(token: number, outcome: number): void
}

export const STORED = 0
/** The record is in the log and not yet on disk after syncFlushTimeout: FLUSH_DISK_TIMEOUT(10). */
export const STORED_FLUSH_TIMEOUT = 1
/** Refused: no space on the device. Nothing of it is or becomes visible. */
export const NOT_STORED_DISK_FULL = 2
/** A write or sync failed: whether the record survives is unknown. */
export const STORE_FAILED = 3
/** Stored here, and not with enough replicas within slaveTimeout: FLUSH_SLAVE_TIMEOUT(12). */
export const STORED_SLAVE_TIMEOUT = 4
/** Stored here, while too few replicas are in sync: SLAVE_NOT_AVAILABLE(11). */
export const STORED_NO_SLAVE = 5

/** Whether the message is in the log and will be seen by consumers, whatever is not known about its safety. */
export function isStored(outcome: number): boolean {
  return (
    outcome === STORED ||
    outcome === STORED_FLUSH_TIMEOUT ||
    outcome === STORED_SLAVE_TIMEOUT ||
    outcome === STORED_NO_SLAVE
  )
}

/** Acknowledgements in log order: a ring of parallel arrays, so that a waiting message costs no object. */
export class AckQueue {
  private sinks: (AckSink | null)[]
  private tokens: Float64Array
  private ends: Float64Array
  private times: Float64Array
  private head = 0
  private count = 0

  constructor(capacity = 1024) {
    this.sinks = new Array<AckSink | null>(capacity).fill(null)
    this.tokens = new Float64Array(capacity)
    this.ends = new Float64Array(capacity)
    this.times = new Float64Array(capacity)
  }

  get size(): number {
    return this.count
  }

  /** `end` is the offset behind the record: it is acknowledged once the watermark reaches it. */
  push(sink: AckSink, token: number, end: number, now: number): void {
    if (this.count === this.sinks.length) this.grow()
    const slot = (this.head + this.count) & (this.sinks.length - 1)
    this.sinks[slot] = sink
    this.tokens[slot] = token
    this.ends[slot] = end
    this.times[slot] = now
    this.count++
  }

  /** Acknowledges everything up to `watermark`. */
  drainTo(watermark: number, outcome: number): void {
    while (this.count > 0 && this.ends[this.head]! <= watermark) this.shift(outcome)
  }

  /** Gives up on what has waited since `deadline` or longer, up to the first whose record ends at or below `above`. */
  expire(deadline: number, above: number, outcome: number): void {
    while (this.count > 0 && this.times[this.head]! <= deadline) {
      if (this.ends[this.head]! <= above) return
      this.shift(outcome)
    }
  }

  /** Where the newest record ends that has waited since `deadline` or longer; −1 when there is none. */
  endBefore(deadline: number): number {
    const mask = this.sinks.length - 1
    let end = -1
    for (let i = 0; i < this.count; i++) {
      const slot = (this.head + i) & mask
      if (this.times[slot]! > deadline) break
      end = this.ends[slot]!
    }
    return end
  }

  /** When the oldest whose record ends above `offset` was pushed; −1 when none waits. */
  oldestAbove(offset: number): number {
    const { count, ends, head } = this
    if (count === 0) return -1
    if (ends[head]! > offset) return this.times[head]!
    const mask = ends.length - 1
    let low = 1
    let high = count
    while (low < high) {
      const middle = (low + high) >> 1
      if (ends[(head + middle) & mask]! > offset) high = middle
      else low = middle + 1
    }
    return low === count ? -1 : this.times[(head + low) & mask]!
  }

  /** Gives `outcome` to those whose records end above `offset`; the others go on waiting. */
  failAbove(offset: number, outcome: number): void {
    let keep = 0
    const mask = this.sinks.length - 1
    while (keep < this.count && this.ends[(this.head + keep) & mask]! <= offset) keep++
    const failed = this.count - keep
    this.count = keep
    for (let i = keep; i < keep + failed; i++) {
      const slot = (this.head + i) & mask
      const sink = this.sinks[slot]!
      this.sinks[slot] = null
      sink.stored(this.tokens[slot]!, outcome)
    }
  }

  /** Everything that waits gets `outcome`. */
  failAll(outcome: number): void {
    while (this.count > 0) this.shift(outcome)
  }

  private shift(outcome: number): void {
    const slot = this.head
    const sink = this.sinks[slot]!
    this.sinks[slot] = null
    this.head = (slot + 1) & (this.sinks.length - 1)
    this.count--
    sink.stored(this.tokens[slot]!, outcome)
  }

  private grow(): void {
    const old = this.sinks.length
    const sinks = new Array<AckSink | null>(old * 2).fill(null)
    const tokens = new Float64Array(old * 2)
    const ends = new Float64Array(old * 2)
    const times = new Float64Array(old * 2)
    for (let i = 0; i < this.count; i++) {
      const from = (this.head + i) & (old - 1)
      sinks[i] = this.sinks[from]!
      tokens[i] = this.tokens[from]!
      ends[i] = this.ends[from]!
      times[i] = this.times[from]!
    }
    this.sinks = sinks
    this.tokens = tokens
    this.ends = ends
    this.times = times
    this.head = 0
  }
}
