/** Promises that all resolve at one call: for moments that are waited for seldom. */
export class Waiters {
  private waiting: (() => void)[] = []

  wait(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  wakeAll(): void {
    if (this.waiting.length === 0) return
    const { waiting } = this
    this.waiting = []
    for (const resolve of waiting) resolve()
  }
}
