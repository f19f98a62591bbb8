import type { Clock, Timer } from '../ports.ts'
import { EventQueue, type SimEvent } from './event-queue.ts'

export interface SimClockOptions {
  /** Wall time at the start. Default 2024-01-01T00:00:00Z. */
  wallStartMs?: number
  /** Events one run may handle: more means a loop that never rests. Default 50,000,000. */
  eventsMax?: number
}

const WALL_START_MS = 1_704_067_200_000
/** How long simulated time may pass until a promise settles. */
const SETTLE_LIMIT_MS = 120_000
const RANK_EVENT = 0
const RANK_SOON = 1

/**
 * Virtual time, and the one queue that orders everything in a simulation: it stands still until a test runs it, and
 * jumps from event to event. Same calls, same order, every time.
 */
export class SimClock implements Clock {
  private readonly queue = new EventQueue()
  private readonly eventsMax: number
  private wallOffsetMs: number
  private nowMs = 0
  private handled = 0

  constructor(options: SimClockOptions = {}) {
    this.wallOffsetMs = options.wallStartMs ?? WALL_START_MS
    this.eventsMax = options.eventsMax ?? 50_000_000
  }

  monotonicMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return Math.floor(this.wallOffsetMs + this.nowMs)
  }

  after(delayMs: number, task: () => void): Timer {
    return new SimTimer(this.queue.add(this.nowMs + Math.max(0, delayMs), RANK_EVENT, task))
  }

  soon(task: () => void): void {
    this.queue.add(this.nowMs, RANK_SOON, task)
  }

  endOfEvent(task: () => void): void {
    this.soon(task)
  }

  /** The wall clock is set forward (or back) by an operator or NTP. */
  jumpWall(byMs: number): void {
    this.wallOffsetMs += byMs
  }

  /** Events handled since the start; part of what two runs of one seed must agree on. */
  get eventCount(): number {
    return this.handled
  }

  /** What is going to happen: timers that run and events under way. What stays level over time does not leak. */
  get pendingCount(): number {
    return this.queue.count((event) => event.task !== null)
  }

  /** Nothing is going to happen any more. */
  get isIdle(): boolean {
    this.skipCancelled()
    return this.queue.size === 0
  }

  /** Handles the next event; false when there is none. */
  step(): boolean {
    this.skipCancelled()
    const event = this.queue.take()
    const task = event?.task
    if (event === undefined || task === undefined || task === null) return false
    this.nowMs = Math.max(this.nowMs, event.atMs)
    this.handled++
    event.task = null
    task()
    return true
  }

  /** Lets `durationMs` pass. */
  runFor(durationMs: number): void {
    const endMs = this.nowMs + durationMs
    this.run(() => false, endMs)
    this.nowMs = Math.max(this.nowMs, endMs)
  }

  /** Runs until `reached`, which is asked after each event; false when `timeoutMs` pass, or nothing is left, first. */
  runUntil(reached: () => boolean, timeoutMs = 60_000): boolean {
    return reached() || this.run(reached, this.nowMs + timeoutMs)
  }

  /** Runs until nothing is left to happen; false when `timeoutMs` pass first. */
  runUntilIdle(timeoutMs = 60_000): boolean {
    this.run(() => false, this.nowMs + timeoutMs)
    return this.isIdle
  }

  /**
   * Lets `durationMs` pass for code that uses promises: `drain` is awaited after each event and must let every
   * continuation run (in Node: setImmediate of node:timers/promises).
   */
  async runForAsync(durationMs: number, drain: () => Promise<void>): Promise<void> {
    const endMs = this.nowMs + durationMs
    await drain()
    while (this.nextBefore(endMs)) {
      this.step()
      await drain()
    }
    this.nowMs = Math.max(this.nowMs, endMs)
  }

  /**
   * Lets time pass until `promise` settles, to the millisecond, and gives its result. Rejects when that takes more than
   * `limitMs`: a test that would hang says so. `drain` as for runForAsync.
   */
  async settle<T>(
    promise: Promise<T>,
    drain: () => Promise<void>,
    limitMs: number = SETTLE_LIMIT_MS,
  ): Promise<T> {
    let isDone = false
    const end = (): void => {
      isDone = true
    }
    promise.then(end, end)
    for (let passed = 0; !isDone && passed < limitMs; passed++) await this.runForAsync(1, drain)
    if (!isDone) throw new Error(`not settled within ${limitMs} ms`)
    return promise
  }

  private run(reached: () => boolean, endMs: number): boolean {
    const limit = this.handled + this.eventsMax
    while (this.nextBefore(endMs)) {
      if (this.handled >= limit) throw new Error(`no rest after ${this.eventsMax} events`)
      this.step()
      if (reached()) return true
    }
    return false
  }

  private nextBefore(endMs: number): boolean {
    this.skipCancelled()
    const next = this.queue.peek()
    return next !== undefined && next.atMs <= endMs
  }

  private skipCancelled(): void {
    while (this.queue.peek()?.task === null) this.queue.take()
  }
}

class SimTimer implements Timer {
  private readonly event: SimEvent

  constructor(event: SimEvent) {
    this.event = event
  }

  cancel(): void {
    this.event.task = null
  }
}
