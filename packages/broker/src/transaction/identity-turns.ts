/** Lets one task at a time work on a transaction, in the order in which they came. */
export class IdentityTurns {
  private readonly last = new Map<number, Promise<unknown>>()

  /** Whether a task works on it, or waits to. */
  isBusy(identity: number): boolean {
    return this.last.has(identity)
  }

  /** Runs `task` when those before it have ended, however they did. */
  async run<T>(identity: number, task: () => Promise<T>): Promise<T> {
    const before = this.last.get(identity)
    const mine = before === undefined ? task() : before.then(task, task)
    this.last.set(identity, mine)
    try {
      return await mine
    } finally {
      if (this.last.get(identity) === mine) this.last.delete(identity)
    }
  }
}
