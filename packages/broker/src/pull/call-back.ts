/** Queues of groups whose offsets are remembered; beyond that all are forgotten, and learnt again. */
const QUEUES_MAX = 100_000

/** A consumer offset as it was last seen, and whether its reader was called because of it. */
interface Seen {
  committed: number
  isCalled: boolean
}

/**
 * Finds readers of a slave that belong at its master. An operator's reset waits at the master for the reader's next pull
 * there, which who is far behind would not make for long. But the slave has the master's consumer offsets: one that is
 * ahead of its reader was set forward, one that went back was set back. A reader is called once for an offset: a wrong
 * guess costs one pull, and who cannot reach the master reads on.
 */
export class CallBack {
  private readonly seen = new Map<string, Seen>()

  /**
   * `committed`: the offset that the master has for this reader, −1 for none; `offset`: where it reads. True: it had better
   * ask the master.
   */
  wants(group: string, topic: string, queueId: number, committed: number, offset: number): boolean {
    if (committed < 0) return false
    const seen = this.seenOf(`${topic}@${group}@${queueId}`, committed)
    const isBack = committed < seen.committed
    if (committed !== seen.committed) {
      seen.committed = committed
      seen.isCalled = false
    }
    if (seen.isCalled || (!isBack && committed <= offset)) return false
    seen.isCalled = true
    return true
  }

  private seenOf(key: string, committed: number): Seen {
    const found = this.seen.get(key)
    if (found !== undefined) return found
    if (this.seen.size >= QUEUES_MAX) this.seen.clear()
    const seen = { committed, isCalled: false }
    this.seen.set(key, seen)
    return seen
  }
}
