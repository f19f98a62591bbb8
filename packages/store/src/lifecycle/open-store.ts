import { ApogeeError } from '@apogee/base'
import { RecordDispatcher } from '../dispatch/record-dispatcher.ts'
import type { MessageStoreOptions } from '../options.ts'
import { planRecovery } from '../recovery/plan-recovery.ts'
import { type RecoveredLog, recoverLog } from '../recovery/recover-log.ts'
import { storeTimeNow } from '../recovery/verify-record.ts'
import { promised, runCatchUp, saveCheckpoint } from './checkpointing.ts'
import { prepareFolders } from './prepare-folders.ts'
import type { OpenStore, StoreDeps } from './store-parts.ts'
import { wireStore } from './wire-store.ts'

export function openStore(
  options: MessageStoreOptions,
  deps: StoreDeps,
  failed: (error: ApogeeError) => void,
): OpenStore {
  const { clock, disk } = deps
  const startedMs = clock.monotonicMs()
  const inside = ['commitlog', 'consumequeue', 'index', 'config'].map(
    (it) => `${options.root}/${it}`,
  )
  prepareFolders(disk, [options.root, options.commitLogFolder ?? options.root, ...inside])
  const lock = disk.lock(`${options.root}/lock`)
  if (lock === null)
    throw new ApogeeError('STORE_LOCKED', `${options.root} is in use by another broker`)
  try {
    const parts = wireStore(options, deps, lock, failed)
    const recovered = recover(parts)
    const { crashed, from, end, records, damaged } = recovered
    parts.report = { crashed, from, end, records, damaged, tookMs: clock.monotonicMs() - startedMs }
    start(parts, recovered)
    return parts
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * Everything appended goes to disk, derived data too; the abort file goes, so that the next start trusts the checkpoint.
 * Rejects with STORE_CLOSE_INCOMPLETE when something did not get there: the abort file stays then.
 */
export async function closeStore(parts: OpenStore): Promise<void> {
  parts.stopping = true
  parts.maintenance.stop()
  await parts.checkpointing
  try {
    await new Promise<void>((resolve) => parts.log.close(resolve))
    if (parts.log.failure !== null) throw parts.log.failure
    parts.dispatch()
    if (parts.tailDispatcher.dispatched !== parts.log.confirmed) throw new Error('not dispatched')
    await closeDerived(parts)
  } catch (cause) {
    const message = `the store was not written whole, the next start recovers it: ${(cause as Error).message}`
    throw new ApogeeError('STORE_CLOSE_INCOMPLETE', message, { cause })
  } finally {
    parts.lock.release()
  }
}

async function closeDerived(parts: OpenStore): Promise<void> {
  // The queues are written whatever becomes of the index: the next start has less to do.
  const indexError = await new Promise<Error | null>((resolve) => parts.index.close(resolve))
  await promised((finished) => parts.queues.close(finished))
  if (indexError !== null) throw indexError
  await saveCheckpoint(parts, parts.log.flushed)
  parts.abort.remove()
}

interface Recovered extends RecoveredLog {
  crashed: boolean
  from: number
  flushed: number
  /** What lay behind the end was erased. */
  cut: boolean
}

function recover(parts: OpenStore): Recovered {
  const { files, queues, checkpoint, sidecar, deps, options } = parts
  checkpoint.load()
  const own = sidecar.load(checkpoint)
  const last = parts.abort.read()
  const crashed = last.crashed || own?.logEnd === null
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
  if (last.failed) files.rewrite(plan.durableThrough, recovered.end)
  const cut = crashed || own?.logEnd !== recovered.end
  if (cut) files.cutAt(recovered.end, sync)
  if (sync && plan.durableThrough < recovered.end) files.syncFrom(plan.durableThrough)
  queues.setLogRange(files.minOffset, recovered.end)
  parts.index.load({
    crashed,
    sidecar: own,
    indexMsgTimestamp: checkpoint.indexMsgTimestamp,
    logEnd: recovered.end,
  })
  const flushed = sync ? recovered.end : Math.min(plan.durableThrough, recovered.end)
  return { ...recovered, crashed, from: plan.from, flushed, cut }
}

function start(parts: OpenStore, recovered: Recovered): void {
  const { options, tailDispatcher } = parts
  parts.abort.write(options.processId)
  parts.log.openAt(recovered.end, recovered.flushed, recovered.cut)
  tailDispatcher.dispatched = recovered.end
  tailDispatcher.lastStoreTimestamp =
    recovered.lastStoreTimestamp || parts.checkpoint.logicsMsgTimestamp
  if (options.indexEnabled) runCatchUp(parts)
  parts.maintenance.start()
}
