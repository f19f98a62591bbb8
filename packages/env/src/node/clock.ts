import type { Clock, Timer } from '../ports.ts'

/** The longest delay setTimeout takes; it fires at once on a longer one. */
const TIMEOUT_MAX_MS = 0x7fff_ffff

/** The machine's time. Timers never keep the process alive. */
export class NodeClock implements Clock {
  monotonicMs(): number {
    return performance.now()
  }

  wallMs(): number {
    return Date.now()
  }

  after(delayMs: number, task: () => void): Timer {
    return new NodeTimer(performance.now() + Math.max(0, delayMs), task)
  }

  soon(task: () => void): void {
    setImmediate(task)
  }

  endOfEvent(task: () => void): void {
    queueMicrotask(task)
  }
}

class NodeTimer implements Timer {
  private readonly dueMs: number
  private readonly task: () => void
  private handle: NodeJS.Timeout

  constructor(dueMs: number, task: () => void) {
    this.dueMs = dueMs
    this.task = task
    this.handle = this.arm()
  }

  cancel(): void {
    clearTimeout(this.handle)
  }

  private arm(): NodeJS.Timeout {
    // Node warns of a negative delay: what fell due in the meantime is due now.
    const leftMs = Math.max(0, Math.ceil(this.dueMs - performance.now()))
    const delayMs = Math.min(leftMs, TIMEOUT_MAX_MS)
    return setTimeout(fire, delayMs, this).unref()
  }

  /** setTimeout counts whole milliseconds of the loop's own clock, so it can be early by one; the port never is. */
  fire(): void {
    if (performance.now() < this.dueMs) this.handle = this.arm()
    else this.task()
  }
}

function fire(timer: NodeTimer): void {
  timer.fire()
}
