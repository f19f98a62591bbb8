import type { LogFiles } from '../commit-log/log-files.ts'
import type { ConsumeQueues } from '../consume-queue/consume-queues.ts'
import type { RecordDispatcher } from '../dispatch/record-dispatcher.ts'
import type { StoreLogger } from '../store-logger.ts'
import { LogWalker } from './log-walker.ts'

export interface RecoverLogOptions {
  /** Where to start: a record boundary, everything below is dispatched and synced. */
  from: number
  /** The walk covers the whole log: what queues hold counts for nothing. */
  whole: boolean
  /** How far the log is known to be on disk: a bad record below is corruption, one above is a torn tail. */
  durableThrough: number
  /** See RecoveryPlan. */
  durableTime: number
}

export interface RecoveredLog {
  /** End of the log: the first offset that is free. */
  end: number
  /** Records walked. */
  records: number
  /** Store time of the last record, ms; 0 when none was walked. */
  lastStoreTimestamp: number
  /** Damaged ranges inside the durable log, kept as they are. */
  damaged: { from: number; to: number }[]
}

/**
 * Finds the end of the log and dispatches what the checkpoint does not cover. A record that does not hold is the end
 * when it lies behind what was known to be on disk (a torn tail), and damage when it lies before: damage is reported,
 * stepped over and left as it is for repair; it is never cut, and nothing behind it is lost.
 */
export function recoverLog(
  files: LogFiles,
  queues: ConsumeQueues,
  dispatcher: RecordDispatcher,
  options: RecoverLogOptions,
  log: StoreLogger,
): RecoveredLog {
  const walker = new LogWalker(files, options.from, options.durableThrough)
  const result: RecoveredLog = { end: options.from, records: 0, lastStoreTimestamp: 0, damaged: [] }
  queues.beginRecovery({ whole: options.whole })
  for (;;) {
    while (walker.next()) {
      dispatcher.dispatch(walker.buffer, walker.view, false)
      result.records++
      result.lastStoreTimestamp = walker.view.storeTimestamp
    }
    if (queues.gapFound) break
    const to = findDamageEnd(walker, files, options)
    if (to < 0) break
    const damage = { from: walker.at, to }
    result.damaged.push(damage)
    log.error(
      { event: 'log_damaged', ...damage },
      'the commit log is damaged inside; kept as it is',
    )
    walker.at = damage.to
  }
  result.end = walker.at
  queues.endRecovery(result.end)
  if (!queues.gapFound || options.whole) return result
  log.warn(
    { event: 'queues_rebuilt' },
    'consume queues lack messages that the log has: building them anew',
  )
  return recoverLog(
    files,
    queues,
    dispatcher,
    { ...options, from: files.minOffset, whole: true },
    log,
  )
}

/**
 * The record that does not hold is damage when something durable stands behind it: where the log goes on. −1: it is the
 * torn end.
 */
function findDamageEnd(walker: LogWalker, files: LogFiles, options: RecoverLogOptions): number {
  const { durableThrough, durableTime } = options
  if (walker.at < durableThrough) {
    const to = walker.search(walker.at + 1, Math.min(files.endOffset, durableThrough))
    return to < 0 ? durableThrough : to
  }
  if (durableTime === 0) return -1
  const to = walker.search(walker.at + 1, files.endOffset)
  return to >= 0 && walker.view.storeTimestamp <= durableTime ? to : -1
}
