import type { Clock, Timer } from '../ports.ts'
import { EventQueue, type SimEvent } from '../sim/event-queue.ts'

/** What a step of `advance` waits for: everything that the timers have set off is done. */
export interface Quiet {
  /** Nothing is under way that ends without the clock's help. */
  isQuiet(): boolean
  /** Lets what is under way end; resolves after some time in any case. */
  settle(): Promise<void>
}

/** An advance takes about this many steps, so that two hours are no slower than two minutes. */
const STEPS = 10_000
const STEP_MIN_MS = 1
/** Between two steps a timer can be this late: as on a machine that is busy. */
const STEP_MAX_MS = 1000

/**
 * Time that passes as it does in the world, and in jumps besides: `advance` moves it forward and runs, in the order of
 * their times, the timers that fall due. Monotonic and wall time jump together, so stored times, time-outs and delays
 * agree.
 *
 *     monotonicMs = real monotonic + offset      wallMs = real wall + offset      advance(ms): offset += ms
 *
 * A timer is never early. During an advance it may be late by a ten-thousandth of the advance (1 ms to 1 s), which is what
 * makes hours pass in a moment: a busy machine does the same.
 */
export class VirtualClock implements Clock {
  private readonly base: Clock
  private readonly queue = new EventQueue()
  private offsetMs = 0
  /** The timer of `base` for the earliest event, and when that is due. */
  private armed: Timer | null = null
  private armedMs = Number.POSITIVE_INFINITY
  private advances: Promise<void> = Promise.resolve()
  private isStopped = false

  constructor(base: Clock) {
    this.base = base
  }

  monotonicMs(): number {
    return this.base.monotonicMs() + this.offsetMs
  }

  wallMs(): number {
    return Math.floor(this.base.wallMs() + this.offsetMs)
  }

  after(delayMs: number, task: () => void): Timer {
    const event = this.queue.add(this.monotonicMs() + Math.max(0, delayMs), 0, task)
    this.arm()
    return new VirtualTimer(event)
  }

  soon(task: () => void): void {
    this.base.soon(task)
  }

  endOfEvent(task: () => void): void {
    this.base.endOfEvent(task)
  }

  /** Lets `durationMs` pass at once. Calls follow each other. */
  advance(durationMs: number, quiet: Quiet): Promise<void> {
    const turn = this.advances.then(() => this.run(durationMs, quiet))
    // The next one goes on when a task of this one has thrown; its caller is told.
    this.advances = turn.catch(() => undefined)
    return turn
  }

  /** Nothing falls due any more, and no timer of `base` is left. */
  stop(): void {
    this.isStopped = true
    this.armed?.cancel()
    this.armed = null
    for (let event = this.queue.take(); event !== undefined; event = this.queue.take()) {
      event.task = null
    }
  }

  private async run(durationMs: number, quiet: Quiet): Promise<void> {
    await quiet.settle()
    const endMs = this.monotonicMs() + Math.max(0, durationMs)
    const stepMs = Math.min(Math.max(durationMs / STEPS, STEP_MIN_MS), STEP_MAX_MS)
    while (!this.isStopped) {
      const nextMs = this.nextMs()
      if (nextMs > endMs) break
      this.jumpTo(Math.min(endMs, nextMs + stepMs))
      this.runDue()
      // What the tasks' promises go on with belongs to this moment too.
      await this.turn()
      if (!quiet.isQuiet()) await quiet.settle()
    }
    this.jumpTo(endMs)
    this.arm()
    await quiet.settle()
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => this.base.soon(resolve))
  }

  private jumpTo(timeMs: number): void {
    this.offsetMs += Math.max(0, timeMs - this.monotonicMs())
  }

  /** When the earliest event is due; Infinity when there is none. */
  private nextMs(): number {
    while (this.queue.peek()?.task === null) this.queue.take()
    return this.queue.peek()?.atMs ?? Number.POSITIVE_INFINITY
  }

  /** Tasks set meanwhile for a time that has come wait for the next call: a task that comes again at once must not stay. */
  private runDue(): void {
    const nowMs = this.monotonicMs()
    const due: SimEvent[] = []
    while (this.nextMs() <= nowMs) due.push(this.queue.take()!)
    const failures: unknown[] = []
    for (const event of due) {
      const task = event.task
      event.task = null
      try {
        task?.()
      } catch (error) {
        failures.push(error)
      }
    }
    this.arm()
    // One task that throws is no reason to lose the others.
    if (failures.length > 0) throw failures[0]
  }

  private arm(): void {
    const nextMs = this.nextMs()
    if (this.armed !== null && this.armedMs <= nextMs) return
    this.armed?.cancel()
    this.armed = null
    if (this.isStopped || nextMs === Number.POSITIVE_INFINITY) return
    this.armedMs = nextMs
    this.armed = this.base.after(nextMs - this.monotonicMs(), () => {
      this.armed = null
      this.runDue()
    })
  }
}

class VirtualTimer implements Timer {
  private readonly event: SimEvent

  constructor(event: SimEvent) {
    this.event = event
  }

  cancel(): void {
    this.event.task = null
  }
}
