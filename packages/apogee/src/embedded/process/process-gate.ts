import type { Clock } from '@apogee/env'

/**
 * Whether things happen to one embedded process: they do, they wait (SIGSTOP), or they never happen again (SIGKILL). Every
 * timer, end of I/O and event of a socket passes through here.
 */
export class ProcessGate {
  private state: 'open' | 'held' | 'shut' = 'open'
  private waiting: (() => void)[] = []

  get isHeld(): boolean {
    return this.state === 'held'
  }

  get isShut(): boolean {
    return this.state === 'shut'
  }

  run(task: () => void): void {
    if (this.state === 'open') task()
    else if (this.state === 'held') this.waiting.push(task)
  }

  hold(): void {
    if (this.state === 'open') this.state = 'held'
  }

  /** What waited happens in a bunch and in its order, before anything else does. */
  release(clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      clock.soon(() => {
        if (this.state === 'held') this.state = 'open'
        const waiting = this.waiting
        this.waiting = []
        for (const task of waiting) this.run(task)
        resolve()
      })
    })
  }

  shut(): void {
    this.state = 'shut'
    this.waiting = []
  }
}
