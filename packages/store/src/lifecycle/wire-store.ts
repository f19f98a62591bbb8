import { type ApogeeError, writeInt32 } from '@apogee/base'
import { ApogeeCheckpoint } from '../checkpoint/apogee-checkpoint.ts'
import { Checkpoint } from '../checkpoint/checkpoint.ts'
import { CommitLog } from '../commit-log/commit-log.ts'
import { LogFiles } from '../commit-log/log-files.ts'
import { Tail } from '../commit-log/tail.ts'
import { ConfigFile } from '../config-file/config-file.ts'
import { ConsumeQueues } from '../consume-queue/consume-queues.ts'
import { IndexCatchUp } from '../dispatch/index-catch-up.ts'
import { RecordDispatcher } from '../dispatch/record-dispatcher.ts'
import { TailDispatcher } from '../dispatch/tail-dispatcher.ts'
import { IndexService } from '../index-file/index-service.ts'
import type { MessageStoreOptions } from '../options.ts'
import { ColdReads } from '../read/cold-reads.ts'
import { LogReader } from '../read/log-reader.ts'
import { recordVerifier } from '../recovery/verify-record.ts'
import { AbortFile } from './abort-file.ts'
import { runCheckpoint } from './checkpointing.ts'
import { Maintenance } from './maintenance.ts'
import type { OpenStore, StoreDeps } from './store-parts.ts'
import { wireReplication } from './wire-replication.ts'

const DISPATCH_RETRY_MS = 500

/** Makes the parts of a store and lets them know of each other. Nothing is read but the names of the log files. */
export function wireStore(
  options: MessageStoreOptions,
  deps: StoreDeps,
  lock: { release(): void },
  failed: (error: ApogeeError) => void,
): OpenStore {
  const { clock, disk } = deps
  const { root } = options
  const derived = wireDerived(options, deps)
  // The rest follows one by one below: the log and what runs by the clock call back into the whole.
  const parts = { ...derived, options, deps, lock } as unknown as OpenStore
  parts.stopping = false
  parts.saved = null
  parts.checkpointing = null
  parts.dispatchScheduled = false
  parts.dispatch = () => dispatch(parts)
  parts.log = wireLog(parts, failed)
  const { files, queues } = derived
  parts.reader = new LogReader(
    { blockSize: options.readBlockSize, blocksMax: options.readBlocksMax },
    files,
    derived.tail,
    () => parts.log.written,
  )
  parts.readDeps = {
    reader: parts.reader,
    coldReads: new ColdReads(options.coldReadShare, clock, () => parts.log.lastAppendMs),
    queues,
    minPhysicalOffset: () => files.minOffset,
  }
  parts.checkpoint = new Checkpoint(`${root}/checkpoint`, disk)
  parts.sidecar = new ApogeeCheckpoint(`${root}/apogee.checkpoint`, disk)
  parts.abort = new AbortFile(disk, root)
  parts.configFile = (name, onError) =>
    new ConfigFile(`${root}/config/${name}.json`, { disk, clock, onError })
  parts.maintenance = wireMaintenance(parts)
  parts.replication = wireReplication(parts)
  parts.catchUp = new IndexCatchUp({
    files,
    dispatcher: derived.dispatcher,
    index: derived.index,
    reader: parts.reader,
    dispatched: () => derived.tailDispatcher.dispatched,
    stopped: () => parts.stopping,
  })
  return parts
}

interface Derived {
  files: LogFiles
  tail: Tail
  queues: ConsumeQueues
  index: IndexService
  dispatcher: RecordDispatcher
  tailDispatcher: TailDispatcher
}

/** The files of the log, and what is derived from it. */
function wireDerived(options: MessageStoreOptions, deps: StoreDeps): Derived {
  const { root } = options
  const folder = options.commitLogFolder ?? `${root}/commitlog`
  const files = new LogFiles(folder, options.commitLogFileSize, deps.disk)
  files.load()
  const queues = new ConsumeQueues(
    {
      folder: `${root}/consumequeue`,
      fileSize: options.consumeQueueFileSize,
      replica: options.replica,
    },
    { ...deps, verify: recordVerifier(files) },
  )
  const index = new IndexService(
    { folder: `${root}/index`, slots: options.indexSlots, entries: options.indexEntries },
    deps,
  )
  const indexed = options.indexEnabled ? index : null
  const dispatcher = new RecordDispatcher(queues, indexed, options.delayMs)
  const tail = new Tail(options.tailChunkSize, options.tailBytes)
  const tailDispatcher = new TailDispatcher(tail, dispatcher)
  return { files, tail, queues, index, dispatcher, tailDispatcher }
}

function wireLog(parts: OpenStore, failed: (error: ApogeeError) => void): CommitLog {
  const { deps, files, options, queues, tail } = parts
  const { clock, disk } = deps
  return new CommitLog(
    { ...options, storeHost: hostBytes(options), bodySizeMax: options.maxMessageSize },
    {
      disk,
      clock,
      files,
      tail,
      queues,
      failing: () => markFailed(parts),
      failed,
      queueFailed: (error) => deps.log.error({ event: 'consume_queue_unreadable', err: error }),
      confirmed: () => confirmed(parts),
      progress: () => parts.replication.progress(),
      diskFull: (full) => diskFull(parts, full),
    },
  )
}

function wireMaintenance(parts: OpenStore): Maintenance {
  const { deps, files, index, log, options, queues, reader } = parts
  return new Maintenance({
    ...deps,
    options,
    files,
    queues,
    index,
    reader,
    commitLog: log,
    checkpoint: (done) => runCheckpoint(parts, done),
    progress: () => parts.replication.progress(),
  })
}

/**
 * Acknowledgements first: they leave for the network at the end of this turn, and what they promised becomes visible right
 * after, while the client reads them.
 */
function confirmed(parts: OpenStore): void {
  if (parts.dispatchScheduled) return
  parts.dispatchScheduled = true
  parts.deps.clock.soon(parts.dispatch)
}

function dispatch(parts: OpenStore): void {
  const { catchUp, log, tailDispatcher } = parts
  parts.dispatchScheduled = false
  try {
    tailDispatcher.run(log.confirmed, catchUp.live)
  } catch (error) {
    dispatchLater(parts, error as Error)
  }
  log.dispatched = tailDispatcher.dispatched
  parts.queues.dispatched(tailDispatcher.dispatched)
  if (catchUp.live) catchUp.followed(tailDispatcher.dispatched)
  // A writer that was full of what waited for this has room again.
  if (parts.options.replica) parts.replication.progress()
}

/**
 * A slave loads a queue only when its record is dispatched (`append` does on a master), and slots of the key index are read
 * on first use: a disk that cannot do it now is asked again. Until then nothing behind the record is visible, and the
 * writer is full once too much waits.
 */
function dispatchLater(parts: OpenStore, error: Error): void {
  const { code } = error as { code?: unknown }
  // Anything else is a bug.
  if (typeof code !== 'string' || code.startsWith('ERR_')) throw error
  parts.deps.log.error({ event: 'dispatch_failed', err: error }, 'tried again in a moment')
  parts.dispatchScheduled = true
  parts.deps.clock.after(DISPATCH_RETRY_MS, () => {
    if (parts.stopping) return
    parts.dispatch()
    parts.replication.progress()
  })
}

/** For the next start of this store on a machine that did not go down. */
function markFailed(parts: OpenStore): void {
  try {
    parts.abort.markFailed()
  } catch (error) {
    parts.deps.log.error({ event: 'failure_not_marked', err: error }, 'the disk fails altogether')
  }
}

function diskFull(parts: OpenStore, full: boolean): void {
  const { log } = parts.deps
  const text = full ? 'messages are refused, reads go on' : 'messages are taken again'
  if (full) log.error({ event: 'disk_full' }, text)
  else log.info({ event: 'disk_space_back' }, text)
}

function hostBytes(options: MessageStoreOptions): Uint8Array {
  const bytes = new Uint8Array(options.storeHost.length + 4)
  bytes.set(options.storeHost)
  writeInt32(bytes, options.storeHost.length, options.storePort)
  return bytes
}
