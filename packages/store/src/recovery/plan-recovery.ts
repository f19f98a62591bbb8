import type { LogFiles } from '../commit-log/log-files.ts'

/** Apache steps back this far from its checkpoint times (StoreCheckpoint.getMinTimestamp). */
const CHECKPOINT_SLACK_MS = 3000

export interface RecoveryInput {
  /** Our own checkpoint; `null` when there is none, or an Apache broker has written since. */
  sidecar: { dispatchedThrough: number; flushedThrough: number } | null
  /** Apache's checkpoint, ms; 0 when there is none. */
  physicMsgTimestamp: number
  logicsMsgTimestamp: number
  /** Whether consume queues exist at all. */
  hasQueues: boolean
  /** The last run did not stop cleanly. */
  crashed: boolean
  /** Store time of the record at the start of a log file, ms; −1 when there is none. */
  firstStoreTime: (start: number) => number
}

export interface RecoveryPlan {
  /** Where the walk starts: a record boundary. */
  from: number
  /** The walk covers the whole log: what queues hold counts for nothing. */
  whole: boolean
  /** The log is known to be on disk up to here: a bad record below is damage, not a torn tail. */
  durableThrough: number
  /** … and records up to this store time are, wherever they lie; ms, 0 when nothing is known. */
  durableTime: number
}

/** Where recovery starts and what it may take for granted. */
export function planRecovery(files: LogFiles, input: RecoveryInput): RecoveryPlan {
  const first = files.minOffset
  const { sidecar } = input
  if (sidecar !== null) {
    const durableThrough = Math.min(Math.max(first, sidecar.flushedThrough), files.endOffset)
    // Queues can be ahead of a log that lost its unflushed end.
    const dispatched = input.hasQueues ? Math.min(sidecar.dispatchedThrough, durableThrough) : first
    const from = Math.max(first, dispatched)
    return { from, whole: from === first, durableThrough, durableTime: 0 }
  }
  const from = input.hasQueues ? startByTime(files, input) : first
  // Where the log of an Apache broker ends, or how far it is flushed, is written nowhere: only until when it was.
  const durableTime = input.physicMsgTimestamp
  return { from, whole: from === first, durableThrough: from, durableTime }
}

/** The newest file whose first record is older than both checkpoint times (CommitLog.recoverAbnormally). */
function startByTime(files: LogFiles, input: RecoveryInput): number {
  const { physicMsgTimestamp, logicsMsgTimestamp } = input
  const limit = Math.min(physicMsgTimestamp, logicsMsgTimestamp) - CHECKPOINT_SLACK_MS
  const starts = files.fileStarts()
  for (let i = starts.length - 1; i > 0; i--) {
    const time = input.firstStoreTime(starts[i]!)
    if (time > 0 && time <= limit) return starts[i]!
  }
  return files.minOffset
}
