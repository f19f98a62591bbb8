/** Seconds of a tick: the finest step of a window. */
export const TICK_SECONDS = 10

const MINUTE_TICKS = 6
const HOUR_TICKS = 360
const TEN_MINUTE_TICKS = 60
const DAY_HOURS = 24

/** What happened in a window: `sum` over `times` events; Java calls the quotients tps and avgpt. */
export interface WindowSnapshot {
  readonly sum: number
  readonly tps: number
  readonly avgpt: number
}

/**
 * A counter with sums over the last minute, hour and day, in steps of 10 s, 10 min and 1 h (Java: StatsItem). `add` is
 * three additions; the rings are made when the first tick after an `add` begins, so a counter that never counts is small.
 */
export class WindowCounter {
  total = 0
  times = 0
  private tick = 0
  private pendingSum = 0
  private pendingTimes = 0
  private rings: Rings | null = null

  /** `tick` is the time now in steps of TICK_SECONDS: BrokerStats.tick. */
  add(amount: number, tick: number): void {
    if (tick !== this.tick) this.roll(tick)
    this.total += amount
    this.times++
    this.pendingSum += amount
    this.pendingTimes++
  }

  /** The last full minute, hour or day. */
  window(span: 'minute' | 'hour' | 'day', tick: number): WindowSnapshot {
    if (tick !== this.tick) this.roll(tick)
    const { rings } = this
    if (span === 'minute') return rings?.minute.snapshot(MINUTE_TICKS * TICK_SECONDS) ?? EMPTY
    // The open tick belongs to the longer windows, whose steps are too wide to wait for.
    const ring = span === 'hour' ? rings?.hour : rings?.day
    const seconds = span === 'hour' ? HOUR_TICKS * TICK_SECONDS : DAY_HOURS * 3600
    const { pendingSum, pendingTimes } = this
    if (ring !== undefined) return ring.snapshot(seconds, pendingSum, pendingTimes)
    return pendingTimes === 0 ? EMPTY : snapshotOf(pendingSum, pendingTimes, seconds)
  }

  /** Events a second over the last full minute. */
  tps(tick: number): number {
    return this.window('minute', tick).tps
  }

  private roll(tick: number): void {
    if (this.pendingTimes > 0) {
      this.rings ??= new Rings()
      this.rings.add(this.tick, this.pendingSum, this.pendingTimes)
      this.pendingSum = 0
      this.pendingTimes = 0
    }
    this.rings?.moveTo(tick)
    this.tick = tick
  }
}

const EMPTY: WindowSnapshot = { sum: 0, tps: 0, avgpt: 0 }

class Rings {
  readonly minute: Ring = new Ring(MINUTE_TICKS, 1)
  readonly hour: Ring = new Ring(HOUR_TICKS / TEN_MINUTE_TICKS, TEN_MINUTE_TICKS)
  readonly day: Ring = new Ring(DAY_HOURS, HOUR_TICKS)

  add(tick: number, sum: number, times: number): void {
    this.minute.add(tick, sum, times)
    this.hour.add(tick, sum, times)
    this.day.add(tick, sum, times)
  }

  /** After this a ring holds what lies before `tick` and inside its span. */
  moveTo(tick: number): void {
    this.minute.moveTo(tick - 1)
    this.hour.moveTo(tick)
    this.day.moveTo(tick)
  }
}

/** The last `size` steps of `width` ticks each. */
class Ring {
  private readonly width: number
  private readonly sums: Float64Array
  private readonly times: Float64Array
  private newest = -1

  constructor(size: number, width: number) {
    this.width = width
    this.sums = new Float64Array(size)
    this.times = new Float64Array(size)
  }

  add(tick: number, sum: number, times: number): void {
    this.moveTo(tick)
    const at = Math.floor(tick / this.width) % this.sums.length
    this.sums[at]! += sum
    this.times[at]! += times
  }

  /** Clears the steps between the newest one and the one that holds `tick`. */
  moveTo(tick: number): void {
    const step = Math.floor(tick / this.width)
    if (step <= this.newest) return
    const size = this.sums.length
    const first = Math.max(this.newest + 1, step - size + 1)
    for (let i = first; i <= step; i++) {
      this.sums[i % size] = 0
      this.times[i % size] = 0
    }
    this.newest = step
  }

  snapshot(seconds: number, openSum = 0, openTimes = 0): WindowSnapshot {
    let sum = openSum
    let times = openTimes
    for (const value of this.sums) sum += value
    for (const value of this.times) times += value
    return snapshotOf(sum, times, seconds)
  }
}

function snapshotOf(sum: number, times: number, seconds: number): WindowSnapshot {
  return { sum, tps: sum / seconds, avgpt: times === 0 ? 0 : sum / times }
}
