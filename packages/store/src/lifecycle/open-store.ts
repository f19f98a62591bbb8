import { ApogeeError } from '@apogee/base'
import { RecordDispatcher } from '../dispatch/record-dispatcher.ts'
import type { MessageStoreOptions } from '../options.ts'
import { planRecovery } from '../recovery/plan-recovery.ts'
import { type RecoveredLog, recoverLog } from '../recovery/recover-log.ts'
import { storeTimeNow } from '../recovery/verify-record.ts'
import { saveCheckpoint } from './checkpointing.ts'
import type { OpenStore, StoreDeps } from './store-parts.ts'
import { wireStore } from './wire-store.ts'

export function openStore(
  options: MessageStoreOptions,
  deps: StoreDeps,
  failed: (error: ApogeeError) => void,
): OpenStore {
  const { clock, disk } = deps
  const startedMs = clock.monotonicMs()
  disk.makeFolder(options.root)
  const lock = disk.lock(`${options.root}/lock`)
  if (lock === null)
    throw new ApogeeError('STORE_LOCKED', `${options.root} is in use by another broker`)
  try {
    const parts = wireStore(options, deps, lock, failed)
    const crashed = disk.exists(abortPath(options))
    const recovered = recover(parts, crashed)
    const { from, end, records, damaged } = recovered
    parts.report = { crashed, from, end, records, damaged, tookMs: clock.monotonicMs() - startedMs }
    start(parts, recovered)
    return parts
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Everything appended goes to disk, derived data too; the abort file goes, so that the next start trusts the checkpoint. */
export async function closeStore(parts: OpenStore): Promise<void> {
  const { disk, log: logger } = parts.deps
  parts.stopping = true
  parts.maintenance.stop()
  await parts.checkpointing
  await new Promise<void>((resolve) => parts.log.close(resolve))
  if (parts.log.failure === null) {
    await new Promise<void>((resolve) => parts.index.close(() => resolve()))
    const error = await new Promise<Error | null>((resolve) => parts.queues.close(resolve))
    if (error === null) {
      await saveCheckpoint(parts, parts.log.flushed)
      disk.remove(abortPath(parts.options))
      disk.syncDirectory(parts.options.root)
    } else logger.error({ event: 'store_close_incomplete', err: error }, 'the next start recovers')
  }
  parts.lock.release()
}

function recover(
  parts: OpenStore,
  crashed: boolean,
): RecoveredLog & { from: number; flushed: number } {
  const { files, queues, checkpoint, sidecar, deps, options } = parts
  checkpoint.load()
  const own = sidecar.load(checkpoint)
  const plan = planRecovery(files, {
    sidecar: own,
    physicMsgTimestamp: checkpoint.physicMsgTimestamp,
    logicsMsgTimestamp: checkpoint.logicsMsgTimestamp,
    hasQueues: deps.disk.list(`${options.root}/consumequeue`).length > 0,
    crashed,
    firstStoreTime: (start) => storeTimeNow(files, start),
  })
  queues.setLogRange(files.minOffset, files.endOffset)
  queues.startFrom(plan.from)
  const recovered = recoverLog(
    files,
    queues,
    new RecordDispatcher(queues, null, options.delayMs),
    plan,
    deps.log,
  )
  // Under SYNC_FLUSH what recovery found becomes visible only once it is on disk.
  const sync = options.flushDiskType === 'SYNC_FLUSH'
  if (own === null || own.logEnd !== recovered.end) files.cutAt(recovered.end, sync)
  if (sync && plan.durableThrough < recovered.end) files.syncFrom(plan.durableThrough)
  queues.setLogRange(files.minOffset, recovered.end)
  parts.index.load({ crashed, sidecar: own, indexMsgTimestamp: checkpoint.indexMsgTimestamp })
  const flushed = sync ? recovered.end : Math.min(plan.durableThrough, recovered.end)
  return { ...recovered, from: plan.from, flushed }
}

function start(parts: OpenStore, recovered: RecoveredLog & { flushed: number }): void {
  const { deps, files, options, tailDispatcher } = parts
  parts.log.openAt(recovered.end, recovered.flushed)
  tailDispatcher.dispatched = recovered.end
  tailDispatcher.lastStoreTimestamp =
    recovered.lastStoreTimestamp || parts.checkpoint.logicsMsgTimestamp
  const abort = deps.disk.open(abortPath(options), { create: true })
  abort.writeNow(Buffer.from(String(options.processId)), 0)
  abort.close()
  parts.catchUp.startAt(Math.max(files.minOffset, parts.index.endPhysicalOffset))
  if (options.indexEnabled) void parts.catchUp.run()
  parts.maintenance.start()
}

function abortPath(options: MessageStoreOptions): string {
  return `${options.root}/abort`
}
