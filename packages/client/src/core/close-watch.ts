/** Routes that sharding keys depend on are asked for this often … */
export const CLOSE_LOOK_MS = 500
/** … for so long after the last use. */
export const CLOSE_KEEP_MS = 5_000

/**
 * Topics whose routes must be fresh. A broker that leaves in a planned way gives up its write permission a second before
 * it is gone: whoever has not seen it by then takes it for dead, and keeps its queues in the ring of sharding keys. One
 * topic tells of all its brokers, so that of many topics few are asked for. Times are monotonic ms.
 */
export class CloseWatch {
  private readonly usedMs = new Map<string, number>()

  get isEmpty(): boolean {
    return this.usedMs.size === 0
  }

  /** The route of this topic decides where a key goes. */
  used(topic: string, nowMs: number): void {
    this.usedMs.set(topic, nowMs)
  }

  /** Topics to ask for now: together they have all brokers. `brokersOf` gives those of a topic's route. */
  due(nowMs: number, brokersOf: (topic: string) => readonly string[]): string[] {
    const seen = new Set<string>()
    const asked: string[] = []
    for (const [topic, usedMs] of this.usedMs) {
      if (nowMs - usedMs >= CLOSE_KEEP_MS) {
        this.usedMs.delete(topic)
        continue
      }
      const brokers = brokersOf(topic)
      if (brokers.every((name) => seen.has(name))) continue
      for (const name of brokers) seen.add(name)
      asked.push(topic)
    }
    return asked
  }
}
