import { ApogeeError, assert, RingQueue } from '@apogee/base'
import type { Clock, Disk, DiskError, Done } from '@apogee/env'
import { folderOf } from '../checkpoint/paths.ts'
import type { StoreLogger } from '../store-logger.ts'
import { indexName, timeOfName } from './file-name.ts'
import { IndexFile } from './index-file.ts'
import { IndexFlush } from './index-flush.ts'
import { type IndexLoadOptions, loadIndexFiles } from './index-load.ts'
import { IndexQuery, type IndexQueryOptions } from './index-query.ts'
import type { IndexSizes } from './layout.ts'
import { SlotLoader } from './slot-loader.ts'

export interface IndexServiceOptions {
  /** The `index` folder of the store. */
  folder: string
  /** maxHashSlotNum. Default 5,000,000. */
  slots?: number
  /** maxIndexNum: entries of a file, the first of which is not used. Default 20,000,000. */
  entries?: number
  /**
   * `flush` does nothing until the last one is this old, ms: slots are scattered, so a flush can write 20 MB.
   * Default 10,000.
   */
  flushAfterMs?: number
  /** … or until this many bytes of entries wait. Default 8 MiB. */
  flushBytes?: number
  /** Entries waiting for the disk beyond which the index stops until `resume`, bytes. Default 64 MiB. */
  pendingBytesMax?: number
  /** Most bytes of one trip to the disk. Default 1 MiB. */
  flushBatchBytes?: number
  /** Most offsets of one query (Apache's maxMsgsNumBatch). Default 64. */
  queryCountMax?: number
  /** Most entries one query looks at. Default 100,000. */
  queryStepsMax?: number
  /** Queries that run at once, and that wait; more get INDEX_BUSY. Default 32 and 1,024. */
  queriesMax?: number
  queriesWaitingMax?: number
  /** What is added to a wall time to get the local time for a file name, ms. Default 0: names in UTC. */
  utcOffsetMs?: number
}

export interface IndexServiceDeps {
  disk: Disk
  clock: Clock
  log: StoreLogger
}

/** The newest indexed message: a query can tell its client how far the index reaches. */
export interface IndexLastUpdate {
  timestamp: number
  physicalOffset: number
}

type QueryDone = (
  error: DiskError | ApogeeError | null,
  offsets: number[],
  lastUpdate: IndexLastUpdate,
) => void

/** The key index (IndexService.java): from the hash of `topic#key` to log offsets. Derived from the log, in log order. */
export class IndexService {
  private readonly options: Required<IndexServiceOptions>
  private readonly deps: IndexServiceDeps
  private readonly sizes: IndexSizes
  /** From the oldest. Only the last takes entries; the one before it can still be on its way to disk. */
  private files: IndexFile[] = []
  private current: IndexFile | null = null
  private staging: Buffer | null = null
  private end = 0
  private synced = 0
  private syncedTime = 0
  /** Where indexing goes on after a start: keys of the record there may be in already. */
  private redo = -1
  private isStalled = false
  private lastFlushMs: number
  /** Files were written whose names are perhaps not durable. */
  private namesToSync = false
  private flushDone: Done | null = null
  private closing: Done | null = null
  private closed = false
  private queries = 0
  private readonly waiting = new RingQueue<() => void>()

  constructor(options: IndexServiceOptions, deps: IndexServiceDeps) {
    this.options = withDefaults(options)
    this.deps = deps
    this.sizes = { slots: this.options.slots, entries: this.options.entries }
    this.lastFlushMs = deps.clock.monotonicMs()
  }

  /** Keys of all records below are in the index, in memory or on disk; `put` ignores them. */
  get endPhysicalOffset(): number {
    return this.end
  }

  /** … and safely on disk. */
  get syncedThrough(): number {
    return this.synced
  }

  /** Store time of the newest message that is safely in the index, ms: Apache's indexMsgTimestamp. */
  get syncedTimestamp(): number {
    return this.syncedTime
  }

  /** Too many entries wait for a disk that does not take them. `put` ignores everything until `resume`. */
  get stalled(): boolean {
    return this.isStalled
  }

  /** Bytes of entries in memory only. */
  get pendingBytes(): number {
    let bytes = 0
    for (const file of this.files) bytes += file.pendingBytes
    return bytes
  }

  /** Reads the headers; drops and reports what cannot be trusted. Throws a DiskError, or INDEX_FILE_SIZE. */
  load(options: IndexLoadOptions): void {
    assert(this.files.length === 0, 'index loaded twice')
    const { disk, log } = this.deps
    const { files, complete } = loadIndexFiles(this.options.folder, this.sizes, options, disk, log)
    this.files = files
    const last = this.files.at(-1)
    this.end = last?.header.endPhysicalOffset ?? 0
    this.redo = this.end
    // What a dropped file held is put again, although the checkpoint counts it.
    if (options.sidecar !== null && last !== undefined && complete) {
      const known = Math.min(options.sidecar.indexedThrough, options.logEnd ?? this.end)
      this.end = Math.max(this.end, known)
    }
    this.synced = this.end
    this.syncedTime = last?.header.endTimestamp ?? 0
    if (last === undefined || last.isFull) return
    last.unseal()
    this.current = last
    new SlotLoader(last, disk, this.deps.clock, log).start()
  }

  /**
   * Adds one key. `keyHash` = abs(javaHash(topic + '#' + key)), not negative. Keys come in log order; those of
   * records below `endPhysicalOffset` are there already. Throws a DiskError when, soon after a start, slots cannot be
   * read.
   */
  put(keyHash: number, physicalOffset: number, storeTimestamp: number): void {
    if (physicalOffset < this.end || this.isStalled) return
    let file = this.current
    if (file === null || file.isFull) file = this.nextFile()
    if (physicalOffset === this.redo && file.hasNewest(keyHash, physicalOffset)) return
    file.put(keyHash, physicalOffset, storeTimestamp)
    this.end = physicalOffset
    if (file.pendingBytes >= this.options.pendingBytesMax) this.stall()
  }

  /** All records below `offset` were put, those without keys too. */
  indexed(offset: number): void {
    if (offset > this.end && !this.isStalled) this.end = offset
  }

  /** Takes entries again; the caller puts everything from `endPhysicalOffset` on. False while too many still wait. */
  resume(): boolean {
    if (this.pendingBytes >= this.options.pendingBytesMax) return false
    this.isStalled = false
    return true
  }

  /** Looks a key up, newest message first. Only hashes are compared: the caller checks topic and key of each record. */
  query(keyHash: number, maxCount: number, beginMs: number, endMs: number, done: QueryDone): void {
    const { queriesMax, queriesWaitingMax, queryCountMax, queryStepsMax } = this.options
    const count = Math.min(maxCount, queryCountMax)
    const query = { keyHash, maxCount: count, beginMs, endMs, stepsMax: queryStepsMax }
    if (this.queries < queriesMax) this.runQuery(query, done)
    else if (this.waiting.size < queriesWaitingMax) {
      this.waiting.push(() => this.runQuery(query, done))
    } else {
      const error = new ApogeeError('INDEX_BUSY', 'too many queries of the key index wait')
      this.deps.clock.soon(() => done(error, [], this.lastUpdate()))
    }
  }

  /**
   * Writes and syncs what is in memory, off the loop, when there is enough of it or the last flush is long ago. `done` gets
   * the error; what was not written goes with the next flush. One at a time.
   */
  flush(done: Done): void {
    assert(this.flushDone === null && !this.closed, 'index flushed twice at once or after close')
    const now = this.deps.clock.monotonicMs()
    const { flushAfterMs, flushBytes } = this.options
    const due = now - this.lastFlushMs >= flushAfterMs || this.pendingBytes >= flushBytes
    if (due) this.flushNow(done)
    else this.deps.clock.soon(() => done(null))
  }

  /** The same whether it is due or not. */
  flushNow(done: Done): void {
    assert(this.flushDone === null && !this.closed, 'index flushed twice at once or after close')
    this.lastFlushMs = this.deps.clock.monotonicMs()
    this.flushDone = done
    const through = this.end
    const dirty = this.files.filter((file) => file.isDirty)
    this.deps.clock.soon(() => this.flushFiles(dirty, through, this.syncedTime))
  }

  /** Removes files, but never the last, whose records all lie below `logMin`. Returns how many. Throws a DiskError. */
  deleteExpired(logMin: number): number {
    let removed = 0
    while (this.files.length > 1) {
      const oldest = this.files[0]!
      if (oldest.header.endPhysicalOffset >= logMin || oldest.slots !== null) break
      this.deps.disk.remove(oldest.path)
      this.files.shift()
      removed++
      this.deps.log.info({ event: 'index-file-expired', path: oldest.path })
    }
    return removed
  }

  /** Flushes, and ends. */
  close(done: Done): void {
    assert(this.closing === null && !this.closed, 'index closed twice')
    this.closing = done
    if (this.flushDone === null) this.finishClose()
  }

  private finishClose(): void {
    const done = this.closing!
    this.closing = null
    this.flushNow((error) => {
      this.closed = true
      for (const file of this.files) file.closeReader()
      done(error)
    })
  }

  private flushFiles(dirty: IndexFile[], through: number, time: number): void {
    const file = dirty[0]
    if (file === undefined) {
      const failure = this.namesToSync ? this.syncFolder() : null
      if (failure === null) {
        this.synced = through
        this.syncedTime = time
      }
      this.endFlush(failure)
      return
    }
    this.staging ??= Buffer.allocUnsafeSlow(this.options.flushBatchBytes)
    const end = file.header.endTimestamp
    new IndexFlush(file, this.deps.disk, this.staging, (error) => {
      if (error !== null) {
        this.endFlush(error)
        return
      }
      if (!file.isNamed) this.namesToSync = true
      file.isNamed = true
      if (file !== this.current && !file.isDirty) file.seal()
      this.flushFiles(dirty.slice(1), through, end)
    }).start()
  }

  private endFlush(error: DiskError | null): void {
    const done = this.flushDone!
    this.flushDone = null
    if (error !== null) this.deps.log.warn({ event: 'index-flush-failed', err: error })
    done(error)
    if (this.closing !== null && this.flushDone === null) this.finishClose()
  }

  private syncFolder(): DiskError | null {
    const { folder } = this.options
    try {
      this.deps.disk.syncDirectory(folder)
      this.deps.disk.syncDirectory(folderOf(folder))
      this.namesToSync = false
      return null
    } catch (error) {
      return error as DiskError
    }
  }

  /** A new file; its header begins where the one before ends. It reaches the disk with the next flush. */
  private nextFile(): IndexFile {
    const before = this.files.at(-1)
    const { folder, utcOffsetMs } = this.options
    const localMs = this.deps.clock.wallMs() + utcOffsetMs
    // A clock that was set back must not put the newest file before older ones.
    const time = before === undefined ? localMs : Math.max(localMs, timeOfName(before.name) + 1)
    const file = new IndexFile(folder, indexName(time), this.sizes, this.deps.disk, false)
    file.header.startAfter(before?.header ?? null)
    file.unseal()
    this.files.push(file)
    this.current = file
    this.deps.log.info({ event: 'index-file-started', path: file.path })
    return file
  }

  private stall(): void {
    this.isStalled = true
    const fields = { event: 'index-stalled', pendingBytes: this.pendingBytes, at: this.end }
    this.deps.log.error(fields, 'the disk does not take the key index: new keys are not indexed')
  }

  private runQuery(options: IndexQueryOptions, done: QueryDone): void {
    this.queries++
    const query = new IndexQuery([...this.files], options, this.deps.disk, (error) => {
      this.queries--
      if (query.steps >= options.stepsMax) {
        const { keyHash, stepsMax } = options
        this.deps.log.warn({ event: 'index-query-cut', keyHash, stepsMax })
      }
      done(error, query.offsets, this.lastUpdate())
      this.waiting.shift()?.()
    })
    query.next()
  }

  private lastUpdate(): IndexLastUpdate {
    const header = this.files.at(-1)?.header
    if (header === undefined) return { timestamp: 0, physicalOffset: 0 }
    return { timestamp: header.endTimestamp, physicalOffset: header.endPhysicalOffset }
  }
}

function withDefaults(options: IndexServiceOptions): Required<IndexServiceOptions> {
  const all = {
    folder: options.folder,
    slots: options.slots ?? 5_000_000,
    entries: options.entries ?? 20_000_000,
    flushAfterMs: options.flushAfterMs ?? 10_000,
    flushBytes: options.flushBytes ?? 8 * 1024 * 1024,
    pendingBytesMax: options.pendingBytesMax ?? 64 * 1024 * 1024,
    flushBatchBytes: options.flushBatchBytes ?? 1024 * 1024,
    queryCountMax: options.queryCountMax ?? 64,
    queryStepsMax: options.queryStepsMax ?? 100_000,
    queriesMax: options.queriesMax ?? 32,
    queriesWaitingMax: options.queriesWaitingMax ?? 1024,
    utcOffsetMs: options.utcOffsetMs ?? 0,
  }
  const fits = all.slots >= 1 && all.entries >= 2 && all.entries <= 0x7fffffff
  if (!fits || all.slots > 0x7fffffff) {
    throw new ApogeeError('INDEX_SIZE', `${all.slots} slots and ${all.entries} entries`)
  }
  assert(all.flushBatchBytes >= 4096, 'index flush batch below one page', all.flushBatchBytes)
  return all
}
