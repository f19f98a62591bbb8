import type { Clock, Timer } from '@apogee/env'

interface Task {
  atMs: number
  order: number
  run: () => void
}

/** A clock that tests move by hand. `soon` tasks run at `turn()` or before time moves. */
export class ManualClock implements Clock {
  private nowMs = 0
  private wallOffsetMs: number
  private tasks: Task[] = []
  private soonTasks: (() => void)[] = []
  private order = 0

  constructor(wallMs = 1_700_000_000_000) {
    this.wallOffsetMs = wallMs
  }

  monotonicMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return this.nowMs + this.wallOffsetMs
  }

  /** Moves the wall clock alone. */
  jump(ms: number): void {
    this.wallOffsetMs += ms
  }

  after(delayMs: number, task: () => void): Timer {
    const entry = { atMs: this.nowMs + delayMs, order: this.order++, run: task }
    this.tasks.push(entry)
    return {
      cancel: () => {
        this.tasks = this.tasks.filter((other) => other !== entry)
      },
    }
  }

  soon(task: () => void): void {
    this.soonTasks.push(task)
  }

  endOfEvent(task: () => void): void {
    this.soon(task)
  }

  /** Timers that wait. */
  get timers(): number {
    return this.tasks.length
  }

  /** Runs what `soon` was given, and what that gives. */
  turn(): void {
    while (this.soonTasks.length > 0) {
      const tasks = this.soonTasks
      this.soonTasks = []
      for (const task of tasks) task()
    }
  }

  /** Moves time, running timers at their moments. */
  advance(ms: number): void {
    const end = this.nowMs + ms
    this.turn()
    for (;;) {
      const due = this.tasks
        .filter((task) => task.atMs <= end)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
      if (due === undefined) break
      this.tasks = this.tasks.filter((task) => task !== due)
      this.nowMs = Math.max(this.nowMs, due.atMs)
      due.run()
      this.turn()
    }
    this.nowMs = end
    this.turn()
  }

  /** Moves time in steps, with turns of the microtask queue between: for code that awaits. */
  async advanceAsync(ms: number, stepMs = 10): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.advance(Math.min(stepMs, left))
      for (let i = 0; i < 5; i++) await Promise.resolve()
      this.turn()
    }
  }
}
