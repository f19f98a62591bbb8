/** How a round of asking the master for its tables went. */
export interface RoundOutcome {
  /** It answered everything. */
  readonly isDone: boolean
  /** Its answers say which version of a table they are, so that an unchanged one costs nothing: a master of ours. */
  readonly isOurs: boolean
  /** How long reading and taking over the answers kept this broker from all else, ms. */
  readonly busyMs: number
}

/** A master of Apache's sends all tables whole each time; its own slaves ask every 60 s. */
const APACHE_INTERVAL_MS = 10_000
/** A master that does not answer is asked again after this, when it is not asked more often anyway. */
const RETRY_MS = 1000
/** The share of the time that large tables may take: one part in so many. */
const BUSY_PARTS = 33

/** When the next round begins, ms after the last one ended. `intervalMs`: haMetadataIntervalMs. Without I/O. */
export function nextRoundMs(outcome: RoundOutcome, intervalMs: number): number {
  const { busyMs, isDone, isOurs } = outcome
  const usualMs = isOurs ? intervalMs : Math.max(intervalMs, APACHE_INTERVAL_MS)
  const waitMs = isDone ? usualMs : Math.min(usualMs, Math.max(intervalMs, RETRY_MS))
  return Math.max(waitMs, busyMs * BUSY_PARTS)
}
