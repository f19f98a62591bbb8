import type { Clock, Timer } from '@apogee/env'
import type { Activity } from './activity.ts'
import type { ProcessGate } from './process-gate.ts'

/** The time of one embedded process: its timers end with it. */
export class ProcessClock implements Clock {
  private readonly base: Clock
  private readonly gate: ProcessGate
  private readonly activity: Activity
  private readonly timers = new Set<Timer>()

  constructor(base: Clock, gate: ProcessGate, activity: Activity) {
    this.base = base
    this.gate = gate
    this.activity = activity
  }

  monotonicMs(): number {
    return this.base.monotonicMs()
  }

  wallMs(): number {
    return this.base.wallMs()
  }

  after(delayMs: number, task: () => void): Timer {
    if (this.gate.isShut) return { cancel() {} }
    let isCancelled = false
    const timer = this.base.after(delayMs, () => {
      this.timers.delete(timer)
      this.gate.run(() => {
        if (!isCancelled) task()
      })
    })
    this.timers.add(timer)
    return {
      cancel: () => {
        isCancelled = true
        timer.cancel()
        this.timers.delete(timer)
      },
    }
  }

  soon(task: () => void): void {
    this.activity.begin()
    this.base.soon(() => {
      this.activity.end()
      this.gate.run(task)
    })
  }

  endOfEvent(task: () => void): void {
    this.base.endOfEvent(() => this.gate.run(task))
  }

  /** No timer is left. */
  cancelAll(): void {
    for (const timer of this.timers) timer.cancel()
    this.timers.clear()
  }
}
