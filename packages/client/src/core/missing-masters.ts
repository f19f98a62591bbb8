/** A master that is missing from routes is looked for so often … */
export const LOOK_FOR_MS = 1_000
/** … for so long; after that the ordinary poll of routes is enough. */
export const LOOK_FOR_UNTIL_MS = 600_000

interface Missing {
  readonly untilMs: number
  /** Topics whose routes had the master, in the order in which they lost it. */
  readonly topics: Set<string>
}

/**
 * Masters that routes had and have no more. One that returns must be found soon, and not by the next poll only; but with
 * thousands of topics not all routes can be asked for all the time. So one topic of each missing master is asked for,
 * and when it has the master again all the others that lost it. Times are monotonic ms.
 */
export class MissingMasters {
  private readonly byBroker = new Map<string, Missing>()

  get isEmpty(): boolean {
    return this.byBroker.size === 0
  }

  /**
   * The route of a topic is another. Returns the topics whose routes are old now, because a master is back that they had
   * lost too.
   */
  routeChanged(
    topic: string,
    before: ReadonlySet<string>,
    after: ReadonlySet<string>,
    nowMs: number,
  ): string[] {
    for (const brokerName of before) {
      if (after.has(brokerName)) continue
      let missing = this.byBroker.get(brokerName)
      if (missing === undefined) {
        missing = { untilMs: nowMs + LOOK_FOR_UNTIL_MS, topics: new Set() }
        this.byBroker.set(brokerName, missing)
      }
      missing.topics.add(topic)
    }
    const old = new Set<string>()
    for (const brokerName of after) {
      for (const other of this.byBroker.get(brokerName)?.topics ?? []) old.add(other)
      this.byBroker.delete(brokerName)
    }
    old.delete(topic)
    return [...old]
  }

  /** Topics to ask for now: one for each missing master. `isWatched`: others do not matter any more. */
  due(nowMs: number, isWatched: (topic: string) => boolean): string[] {
    const asked = new Set<string>()
    for (const [brokerName, { untilMs, topics }] of this.byBroker) {
      for (const topic of topics) if (!isWatched(topic)) topics.delete(topic)
      const [first] = topics
      if (first === undefined || nowMs >= untilMs) this.byBroker.delete(brokerName)
      else asked.add(first)
    }
    return [...asked]
  }
}
