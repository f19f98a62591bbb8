import { LatencyHistogram } from '../metrics/latency-histogram.ts'

/** Bounds of the time from a message's birth to its commit, s (Java: BrokerMetricsManager, commitLatencyBuckets). */
const FINISH_BOUNDS_S: readonly number[] = [5, 60, 600, 3600, 43_200, 86_400]

/** What a topic's transactions came to. */
export class TopicTransactions {
  committed = 0
  rolledBack = 0
  /** From birth to commit, s. */
  readonly finish: LatencyHistogram = new LatencyHistogram(FINISH_BOUNDS_S)
}

/** Counts by real topic; at most as many as the broker may have topics. */
export class TransactionCounters {
  readonly topics: Map<string, TopicTransactions> = new Map()
  /** Checks sent to producers. */
  checksSent = 0
  /** Half messages given up. */
  discarded = 0
  private readonly topicsMax: () => number

  constructor(topicsMax: () => number) {
    this.topicsMax = topicsMax
  }

  committed(topic: string, latencyMs: number): void {
    const counts = this.of(topic)
    if (counts === null) return
    counts.committed++
    // Whole seconds, as Apache records them.
    counts.finish.add(Math.max(0, Math.floor(latencyMs / 1000)))
  }

  rolledBack(topic: string): void {
    const counts = this.of(topic)
    if (counts !== null) counts.rolledBack++
  }

  private of(topic: string): TopicTransactions | null {
    const known = this.topics.get(topic)
    if (known !== undefined) return known
    if (this.topics.size >= this.topicsMax()) return null
    const counts = new TopicTransactions()
    this.topics.set(topic, counts)
    return counts
  }
}
