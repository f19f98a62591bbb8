import type { Clock, Timer } from '../ports.ts'

/**
 * The time of one simulated process: a view of the shared clock with a wall clock of its own, that can be paused (what
 * falls due meanwhile happens in a bunch at the end, as after SIGSTOP) and stopped for good.
 */
export class HostClock implements Clock {
  private readonly clock: Clock
  private wallSkewMs: number
  private paused = false
  private stopped = false
  private late: (() => void)[] = []

  constructor(clock: Clock, options: { wallSkewMs?: number } = {}) {
    this.clock = clock
    this.wallSkewMs = options.wallSkewMs ?? 0
  }

  monotonicMs(): number {
    return this.clock.monotonicMs()
  }

  wallMs(): number {
    return Math.floor(this.clock.wallMs() + this.wallSkewMs)
  }

  after(delayMs: number, task: () => void): Timer {
    let cancelled = false
    const timer = this.clock.after(delayMs, () => {
      this.run(() => {
        if (!cancelled) task()
      })
    })
    return {
      cancel(): void {
        cancelled = true
        timer.cancel()
      },
    }
  }

  soon(task: () => void): void {
    this.clock.soon(() => this.run(task))
  }

  endOfEvent(task: () => void): void {
    this.soon(task)
  }

  jumpWall(byMs: number): void {
    this.wallSkewMs += byMs
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    // What else falls due at this moment must not overtake what waited, so the pause ends with the bunch.
    this.clock.after(0, () => {
      this.paused = false
      const late = this.late
      this.late = []
      for (const task of late) this.run(task)
    })
  }

  /** The process is gone: nothing of it happens any more. */
  stop(): void {
    this.stopped = true
    this.late = []
  }

  get isStopped(): boolean {
    return this.stopped
  }

  private run(task: () => void): void {
    if (this.stopped) return
    if (this.paused) this.late.push(task)
    else task()
  }
}
