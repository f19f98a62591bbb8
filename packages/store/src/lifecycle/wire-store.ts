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
import { LogReader } from '../read/log-reader.ts'
import { recordVerifier } from '../recovery/verify-record.ts'
import { runCheckpoint } from './checkpointing.ts'
import { Maintenance } from './maintenance.ts'
import type { OpenStore, StoreDeps } from './store-parts.ts'

/** Makes the parts of a store and lets them know of each other. Nothing is read but the names of the log files. */
export function wireStore(
  options: MessageStoreOptions,
  deps: StoreDeps,
  lock: { release(): void },
  failed: (error: ApogeeError) => void,
): OpenStore {
  const { clock, disk, log } = deps
  const { root } = options
  const files = new LogFiles(
    options.commitLogFolder ?? `${root}/commitlog`,
    options.commitLogFileSize,
    disk,
  )
  files.load()
  const tail = new Tail(options.tailChunkSize, options.tailBytes)
  const verify = recordVerifier(files)
  const queues = new ConsumeQueues(
    { folder: `${root}/consumequeue`, fileSize: options.consumeQueueFileSize },
    { disk, clock, log, verify },
  )
  const index = new IndexService(
    { folder: `${root}/index`, slots: options.indexSlots, entries: options.indexEntries },
    { disk, clock, log },
  )
  const dispatcher = new RecordDispatcher(
    queues,
    options.indexEnabled ? index : null,
    options.delayMs,
  )
  const tailDispatcher = new TailDispatcher(tail, dispatcher)
  const parts = {
    options,
    deps,
    files,
    tail,
    queues,
    index,
    tailDispatcher,
    lock,
  } as unknown as OpenStore
  parts.log = new CommitLog(
    { ...options, storeHost: hostBytes(options), bodySizeMax: options.maxMessageSize },
    {
      disk,
      clock,
      files,
      tail,
      queues,
      failed,
      confirmed: () => confirmed(parts),
      diskFull: (full) => diskFull(parts, full),
    },
  )
  parts.reader = new LogReader(
    { blockSize: options.readBlockSize, blocksMax: options.readBlocksMax },
    files,
    tail,
    () => parts.log.written,
  )
  parts.readDeps = { reader: parts.reader, queues, minPhysicalOffset: () => files.minOffset }
  parts.checkpoint = new Checkpoint(`${root}/checkpoint`, disk)
  parts.sidecar = new ApogeeCheckpoint(`${root}/apogee.checkpoint`, disk)
  parts.configFile = (name, onError) =>
    new ConfigFile(`${root}/config/${name}.json`, { disk, clock, onError })
  parts.stopping = false
  parts.dispatchScheduled = false
  parts.dispatch = () => dispatch(parts)
  parts.savedFlushed = 0
  parts.checkpointing = null
  parts.maintenance = new Maintenance({
    options,
    disk,
    clock,
    log,
    files,
    queues,
    index,
    commitLog: parts.log,
    reader: parts.reader,
    checkpoint: (done) => runCheckpoint(parts, done),
  })
  parts.catchUp = new IndexCatchUp({
    files,
    dispatcher,
    index,
    reader: parts.reader,
    dispatched: () => tailDispatcher.dispatched,
    stopped: () => parts.stopping,
  })
  return parts
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
  tailDispatcher.run(log.confirmed, catchUp.live)
  log.dispatched = tailDispatcher.dispatched
  parts.queues.dispatched(tailDispatcher.dispatched)
  if (catchUp.live) catchUp.followed(tailDispatcher.dispatched)
}

function diskFull(parts: OpenStore, full: boolean): void {
  const { log } = parts.deps
  if (full)
    log.error({ event: 'disk_full' }, 'no space on the device: messages are refused, reads go on')
  else log.info({ event: 'disk_space_back' }, 'the device has space again: messages are taken')
}

function hostBytes(options: MessageStoreOptions): Uint8Array {
  const bytes = new Uint8Array(options.storeHost.length + 4)
  bytes.set(options.storeHost)
  writeInt32(bytes, options.storeHost.length, options.storePort)
  return bytes
}
