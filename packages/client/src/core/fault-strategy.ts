/** A send that took this long (ms) or longer … */
const LATENCIES_MS = [50, 100, 550, 1_800, 3_000, 5_000, 15_000]
/** … keeps others from its broker for this long (Java: MQFaultStrategy). */
const AVOID_MS = [0, 0, 2_000, 5_000, 6_000, 10_000, 30_000]
/** A send that failed counts as one that took so long. */
const FAILURE_LATENCY_MS = 10_000

/** How long a broker is avoided after a send of this latency. */
export function avoidMsOf(latencyMs: number): number {
  for (let i = LATENCIES_MS.length - 1; i >= 0; i--) {
    if (latencyMs >= LATENCIES_MS[i]!) return AVOID_MS[i]!
  }
  return 0
}

/** Remembers which brokers answered slowly or not at all (Java: LatencyFaultTolerance). Times are monotonic ms. */
export class FaultStrategy {
  private readonly untilMs = new Map<string, number>()

  /** A send to the broker has ended. Returns for how long it is avoided from now on. */
  sent(brokerName: string, latencyMs: number, hasFailed: boolean, nowMs: number): number {
    const avoidMs = avoidMsOf(hasFailed ? FAILURE_LATENCY_MS : latencyMs)
    if (avoidMs === 0) this.untilMs.delete(brokerName)
    else this.untilMs.set(brokerName, nowMs + avoidMs)
    return avoidMs
  }

  isAvoided(brokerName: string, nowMs: number): boolean {
    const untilMs = this.untilMs.get(brokerName)
    return untilMs !== undefined && nowMs < untilMs
  }
}
