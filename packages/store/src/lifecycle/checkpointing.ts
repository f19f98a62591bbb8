import type { ApogeeCheckpointValues } from '../checkpoint/apogee-checkpoint.ts'
import type { OpenStore } from './store-parts.ts'

/** Makes derived data durable, then writes the files that say how far it reaches: these never run ahead. */
export function runCheckpoint(parts: OpenStore, done: () => void): void {
  parts.checkpointing = checkpointOnce(parts)
    .catch((error: unknown) => {
      const fields = { event: 'checkpoint_failed', err: error }
      parts.deps.log.warn(fields, 'a crash will have more to redo')
    })
    .then(() => {
      parts.checkpointing = null
      done()
    })
}

/** Between two tries to read what the index needs, ms. */
const CATCH_UP_RETRY_MS = 500

/** Lets the key index catch up; a disk that cannot do it now is asked again. */
export function runCatchUp(parts: OpenStore): void {
  parts.catchUp.run().catch((error: unknown) => {
    // Anything else is a bug.
    if (typeof (error as { code?: unknown }).code !== 'string') throw error
    const { clock, log } = parts.deps
    log.error({ event: 'index_not_caught_up', err: error }, 'tried again in a moment')
    clock.after(CATCH_UP_RETRY_MS, () => {
      if (!parts.stopping) runCatchUp(parts)
    })
  })
}

async function checkpointOnce(parts: OpenStore): Promise<void> {
  const { index, log, options, queues, tailDispatcher } = parts
  if (log.failure !== null) return
  const { dispatched, lastStoreTimestamp } = tailDispatcher
  const indexBehind = options.indexEnabled && index.syncedThrough < index.endPhysicalOffset
  if (queues.syncedThrough === dispatched && !indexBehind && isSaved(parts)) return
  await new Promise<void>((resolve) => log.flush(resolve))
  await promised((finished) => queues.flush({ sync: true, all: true }, finished))
  if (indexBehind) await promised((finished) => index.flush(finished))
  if (index.stalled && index.resume()) runCatchUp(parts)
  if (log.flushed >= dispatched) parts.checkpoint.physicMsgTimestamp = lastStoreTimestamp
  parts.checkpoint.logicsMsgTimestamp = lastStoreTimestamp
  // The index is flushed more rarely: nothing may have moved.
  if (!isSaved(parts)) await saveCheckpoint(parts, null)
}

function isSaved({ index, log, queues, saved }: OpenStore): boolean {
  return (
    saved !== null &&
    saved.logEnd === null &&
    saved.dispatchedThrough === queues.syncedThrough &&
    saved.flushedThrough === log.flushed &&
    saved.indexedThrough === index.syncedThrough
  )
}

/** `logEnd`: the log is closed and ends there; `null` while it grows. */
export async function saveCheckpoint(parts: OpenStore, logEnd: number | null): Promise<void> {
  const { checkpoint, index, log, queues, sidecar, tailDispatcher } = parts
  const values: ApogeeCheckpointValues = {
    dispatchedThrough: queues.syncedThrough,
    flushedThrough: log.flushed,
    indexedThrough: index.syncedThrough,
    logEnd,
  }
  if (logEnd !== null) {
    checkpoint.physicMsgTimestamp = tailDispatcher.lastStoreTimestamp
    checkpoint.logicsMsgTimestamp = tailDispatcher.lastStoreTimestamp
  }
  checkpoint.indexMsgTimestamp = index.syncedTimestamp
  await promised((finished) => sidecar.save(values, checkpoint, finished))
  await promised((finished) => checkpoint.save(finished))
  parts.saved = values
}

/** Rejects with the error that `done` gets. */
export function promised(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null ? resolve() : reject(error)))
  })
}
