import { RECORD_OVERHEAD_MAX } from '../commit-log/commit-log-options.ts'
import { ReplicaAppender } from '../replication/replica-appender.ts'
import { StoreReplication } from '../replication/store-replication.ts'
import type { OpenStore } from './store-parts.ts'

/** A master may allow larger messages than its slave is set to: none has above 16 MB. */
const BODY_SIZE_MAX = 16 << 20

export function wireReplication(parts: OpenStore): StoreReplication {
  const { files, log, options, queues, tail } = parts
  const recordSizeMax = Math.max(options.maxMessageSize, BODY_SIZE_MAX) + RECORD_OVERHEAD_MAX
  const replica = new ReplicaAppender(
    { replica: options.replica, recordSizeMax, pendingBytesMax: options.pendingBytesMax },
    { log, queuesFull: () => queues.full, startAt: (offset) => startAt(parts, offset) },
  )
  return new StoreReplication({
    files,
    tail,
    log,
    replica,
    // An empty log that begins later has no file yet.
    minOffset: () => (files.empty ? log.written : files.minOffset),
    written: () => log.written,
    keepFrom: (offset) => parts.maintenance.keepFrom(offset),
  })
}

function startAt(parts: OpenStore, offset: number): void {
  const { log, queues, tailDispatcher } = parts
  if (!log.startAt(offset)) return
  tailDispatcher.dispatched = offset
  queues.setLogRange(offset, offset)
  queues.dispatched(offset)
}
