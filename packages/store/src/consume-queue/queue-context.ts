import { ApogeeError, assert } from '@apogee/base'
import type { Clock, Disk } from '@apogee/env'
import type { StoreLogger } from '../store-logger.ts'
import { BlockCache } from './block-cache.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import { fileName, UNIT_SIZE } from './layout.ts'
import { QueueUnit } from './queue-units.ts'
import { UnitBuffers } from './unit-buffers.ts'

export interface ConsumeQueuesOptions {
  /** The `consumequeue` folder of the store. */
  folder: string
  /** Of a slave's store: units go where the master's records say. Default false. */
  replica?: boolean
  /** Bytes of one queue file (mappedFileSizeConsumeQueue as Apache counts it: whole units). Default 6,000,000. */
  fileSize?: number
  /** A partial flush writes queues whose oldest unwritten unit is at least this old, ms. Default 1,000. */
  flushAfterMs?: number
  /** … and queues with at least this many unwritten units. Default 400 (Apache's two pages). */
  flushUnits?: number
  /** Most bytes copied for one trip to the disk. Default 1 MiB. */
  flushBatchBytes?: number
  /** Most pieces (files) of one trip. Default 1,024. */
  flushBatchPieces?: number
  /** Unwritten bytes beyond which `full` asks the dispatcher to wait. Default 256 MiB. */
  dirtyBytesMax?: number
  /** Memory for the newest units of queues in use, beyond which written ones are dropped. Default 32 MiB. */
  cacheBytesMax?: number
  /** Blocks of 800 units kept from disk reads. Default 256 (4 MB). */
  blocksMax?: number
  /** Block reads on their way at once; more wait. Default 32. */
  blockReadsMax?: number
  /** Most time one turn spends on folder syncs and on looking for expired files, ms. Default 4. */
  turnMs?: number
  /** Units missing inside a queue (its records were lost in the log) that are bridged by fillers. Default 10,000. */
  holeUnitsMax?: number
}

export interface ConsumeQueuesDeps {
  disk: Disk
  clock: Clock
  log: StoreLogger
  /**
   * Whether the log has, at `physicalOffset`, a record of `size` bytes of this queue with this queueOffset. Asked for the
   * last unit of each queue that is loaded: what a crash tore can look like a unit. Anything may be passed.
   */
  verify?: (
    physicalOffset: number,
    size: number,
    topic: string,
    queueId: number,
    queueOffset: number,
  ) => boolean
}

/** Units in one block of the cache: 375 blocks make an Apache file. */
const BLOCK_UNITS = 800
/** Blocks that one queue can number: the room between the cache keys of two queues. */
const BLOCKS_PER_QUEUE = 2 ** 26
const TICK_MS = 100

/** What all queues of a store share. */
export class QueueContext {
  readonly options: Required<ConsumeQueuesOptions>
  readonly disk: Disk
  readonly clock: Clock
  readonly log: StoreLogger
  readonly verify: ConsumeQueuesDeps['verify']
  readonly unitsPerFile: number
  readonly buffers: UnitBuffers
  readonly blocks: BlockCache
  /** Where `unitNow` of any queue puts its answer. */
  readonly unit: QueueUnit = new QueueUnit()
  /** Queues with units that are not on disk and synced; each knows its place. */
  readonly unsynced: ConsumeQueue[] = []
  /** Queues that hold a buffer; each knows its place. */
  readonly buffered: ConsumeQueue[] = []
  /** Folders with names that are not durable yet. */
  readonly foldersToSync: Set<string> = new Set()
  /** Queues cut back in recovery, and where they ended on disk. */
  readonly cutBack: Map<ConsumeQueue, number> = new Map()
  /** Units appended and not written, over all queues. */
  dirtyUnits = 0
  dirtyQueues = 0
  /** Everything below this log offset has been put. */
  dispatchedOffset = 0
  /** A sync failed after its units had left memory: nothing here counts as synced until the log is dispatched again. */
  syncLost = false
  logMin = 0
  /** Changes with logMin, so that a queue knows when its minimum must be looked at again. */
  logMinVersion = 0
  /** Where the log ended when this process recovered it: a unit loaded from disk that points beyond is not valid. */
  loadEnd: number = Number.MAX_SAFE_INTEGER
  recovering = false
  /** Units are on their way to their files. */
  flushing = false
  /** Recovery dispatches the whole log: what is on disk counts for nothing. */
  recoveringWhole = false
  gapFound = false
  /** Counts how often units were taken away from a queue. */
  cuts = 0
  /** Counts recoveries. */
  recoveryPass = 0
  /** Coarse time in ticks of 100 ms: small enough to stay a small integer in each queue. */
  tick = 0

  constructor(options: ConsumeQueuesOptions, deps: ConsumeQueuesDeps) {
    this.options = withDefaults(options)
    this.disk = deps.disk
    this.clock = deps.clock
    this.log = deps.log
    this.verify = deps.verify
    this.unitsPerFile = this.options.fileSize / UNIT_SIZE
    this.buffers = new UnitBuffers()
    this.blocks = new BlockCache(
      {
        blockBytes: BLOCK_UNITS * UNIT_SIZE,
        blocksMax: this.options.blocksMax,
        readsMax: this.options.blockReadsMax,
      },
      deps.disk,
    )
    this.lookAtClock()
  }

  lookAtClock(): void {
    this.tick = Math.floor(this.clock.monotonicMs() / TICK_MS)
  }

  /** How many ticks make `ms`, rounded down. */
  ticks(ms: number): number {
    return Math.floor(ms / TICK_MS)
  }

  folderOf(topic: string, queueId: number): string {
    return `${this.options.folder}/${topic}/${queueId}`
  }

  pathOf(topic: string, queueId: number, file: number): string {
    return `${this.folderOf(topic, queueId)}/${fileName(file, this.options.fileSize)}`
  }

  fileOf(offset: number): number {
    return Math.floor(offset / this.unitsPerFile)
  }

  /** First unit of the cache block with `offset`; blocks do not cross files. */
  blockStart(offset: number): number {
    const inFile = offset % this.unitsPerFile
    return offset - (inFile % BLOCK_UNITS)
  }

  blockEnd(blockStart: number): number {
    const fileEnd = (this.fileOf(blockStart) + 1) * this.unitsPerFile
    return Math.min(blockStart + BLOCK_UNITS, fileEnd)
  }

  blockKey(serial: number, offset: number): number {
    const perFile = Math.ceil(this.unitsPerFile / BLOCK_UNITS)
    const inFile = Math.floor((offset % this.unitsPerFile) / BLOCK_UNITS)
    return serial * BLOCKS_PER_QUEUE + this.fileOf(offset) * perFile + inFile
  }

  /** Forgets cached blocks of a queue from the one with `offset` on. */
  forgetBlocks(serial: number, offset: number): void {
    this.blocks.forget(this.blockKey(serial, offset), (serial + 1) * BLOCKS_PER_QUEUE)
  }
}

function withDefaults(options: ConsumeQueuesOptions): Required<ConsumeQueuesOptions> {
  const all = {
    folder: options.folder,
    replica: options.replica ?? false,
    fileSize: options.fileSize ?? 6_000_000,
    flushAfterMs: options.flushAfterMs ?? 1000,
    flushUnits: options.flushUnits ?? 400,
    flushBatchBytes: options.flushBatchBytes ?? 1024 * 1024,
    flushBatchPieces: options.flushBatchPieces ?? 1024,
    dirtyBytesMax: options.dirtyBytesMax ?? 256 * 1024 * 1024,
    cacheBytesMax: options.cacheBytesMax ?? 32 * 1024 * 1024,
    blocksMax: options.blocksMax ?? 256,
    blockReadsMax: options.blockReadsMax ?? 32,
    turnMs: options.turnMs ?? 4,
    holeUnitsMax: options.holeUnitsMax ?? 10_000,
  }
  if (!Number.isSafeInteger(all.fileSize / UNIT_SIZE) || all.fileSize <= 0) {
    throw new ApogeeError(
      'CONSUME_QUEUE_FILE_SIZE',
      `${all.fileSize} is not a whole number of units`,
    )
  }
  assert(all.flushBatchBytes >= UNIT_SIZE, 'flush batch below one unit', all.flushBatchBytes)
  assert(all.flushBatchPieces >= 1, 'flush batch without pieces', all.flushBatchPieces)
  return all
}
