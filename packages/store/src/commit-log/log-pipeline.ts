import { ApogeeError, assert } from '@apogee/base'
import type { DiskError, DiskFile } from '@apogee/env'
import { AckGate } from './ack-gate.ts'
import { NOT_STORED_DISK_FULL, STORE_FAILED } from './ack-queue.ts'
import type { CommitLogDeps, CommitLogOptions } from './commit-log-options.ts'
import { BLANK_SIZE, encodeBlank } from './encode-record.ts'
import type { TailChunk } from './tail.ts'

// The log as a pipeline of watermarks, each an offset that only moves forward:
//
//   append ──► appended ──(one pwrite per batch, off the loop)──► written ──(fdatasync)──► flushed
//
// `local` is the one the flush mode names: ASYNC_FLUSH written, SYNC_FLUSH flushed. Acknowledgements and dispatch wait for
// it, and for replicas where they are required (AckGate). While one batch is on its way to disk the next one fills; under
// load batches grow by themselves, with one message in flight they hold one.
//
// A failed write or sync is final (reliability: a second fsync lies). The one exception is a full device: the write
// reports it before anything was promised, so the unwritten records are refused and taken back.

const DISK_PROBE_MS = 200
/** A batch of this many bytes is worth a write of its own. */
const EAGER_BYTES = 32 * 1024

/** From the records in the tail to the disk, and to those who wait for it. What a record is, is decided above. */
export class LogPipeline {
  appended = 0
  written = 0
  flushed = 0
  /** Below this the tail may forget. Moved by the dispatcher. */
  dispatched = 0
  failure: ApogeeError | null = null
  /** Batches written and bytes in them: what group commit achieved. */
  batches = 0
  /** Set from outside: the disk-ratio rule refuses writes. */
  refusing = false
  readonly gate: AckGate

  protected readonly options: CommitLogOptions
  protected readonly deps: CommitLogDeps
  protected readonly sync: boolean
  /** Monotonic, for what waits: a jump of the wall clock must not time anything out. */
  protected eventMs = 0
  protected inEvent = false
  private readonly pieces: Uint8Array[] = []
  private fileEnd = 0
  private batchEnd = 0
  private lastBatchRecords = 1
  private unbatchedRecords = 0
  private scheduled = false
  /** An event is bringing records; where they begin, and the wall time. */
  private eventStart = 0
  private nowMs = 0
  private busy = false
  private flushing = false
  private closed = true
  private deviceFull = false
  private takenBack: () => void = () => {}

  constructor(options: CommitLogOptions, deps: CommitLogDeps) {
    this.options = options
    this.deps = deps
    this.sync = options.flushDiskType === 'SYNC_FLUSH'
    this.gate = new AckGate(this.sync)
  }

  /** Acknowledged, and visible once it is dispatched. */
  get confirmed(): number {
    return this.gate.confirmed
  }

  /** How far this node vouches for the log by its flush mode. */
  get stored(): number {
    return this.sync ? this.flushed : this.written
  }

  /** Closed, or failed for good. */
  get ended(): boolean {
    return this.closed || this.failure !== null
  }

  /** The device, or the share of it that may be used, is full. */
  get full(): boolean {
    return this.deviceFull || this.refusing
  }

  /** Bytes that the newest file has left. */
  get left(): number {
    return this.fileEnd - this.appended
  }

  /** Wall time of the last event that brought records; 0 before the first. */
  get lastAppendMs(): number {
    return this.nowMs
  }

  /** `listener` hears when a full device has made the log take records back. */
  onTakenBack(listener: () => void): void {
    this.takenBack = listener
  }

  /**
   * Starts at the end that recovery found. `cut`: what lay behind it was erased. Under ASYNC_FLUSH that and what was found
   * above `flushed` is synced before the first write: a power cut must not bring old records back behind new ones.
   */
  openAt(end: number, flushed: number, cut: boolean): void {
    const { files } = this.deps
    this.appended = this.written = this.dispatched = end
    this.gate.openAt(end)
    this.flushed = flushed
    this.fileEnd = files.startOf(end) + files.fileSize
    this.closed = false
    if (this.sync || files.empty || (flushed === end && !cut)) return
    files.reopenFrom(flushed)
    this.busy = this.flushing = true
    this.syncFiles((error) => {
      this.busy = this.flushing = false
      if (error !== null) return this.fail('sync', error)
      this.flushed = end
      this.startBatch()
      this.deps.progress()
    })
  }

  /** An empty log begins at `offset`, the start of a file. False: not now, since its file is being synced or erased. */
  startAt(offset: number): boolean {
    const { files } = this.deps
    if (this.busy) return false
    const isEmpty = files.empty || this.appended === files.minOffset
    assert(isEmpty && this.appended === this.flushed, 'a log with records')
    assert(offset % files.fileSize === 0, 'not the start of a file', offset)
    // Made for records that a full device or a power cut did not let come.
    if (!files.empty) files.removeOnly()
    this.appended = this.written = this.flushed = this.dispatched = offset
    this.gate.openAt(offset)
    this.fileEnd = offset + files.fileSize
    return true
  }

  /** To be called before the first record of an event: its time serves all of them, the batch begins with its end. */
  beginEvent(): void {
    if (this.inEvent) return
    this.inEvent = true
    this.eventStart = this.appended
    this.nowMs = this.deps.clock.wallMs()
    this.eventMs = this.deps.clock.monotonicMs()
    this.deps.clock.endOfEvent(this.eventEnded)
  }

  /** A chunk of the tail with room for `size` bytes at the end of the log. */
  room(size: number): TailChunk {
    return this.deps.tail.room(this.appended, size, Math.min(this.written, this.dispatched))
  }

  /** `count` records of `size` bytes together were put into the room there was. */
  grew(size: number, count: number): void {
    this.appended += size
    this.unbatchedRecords += count
  }

  /** The disk can begin while the rest of a big lump is still being taken in. */
  startIfMuch(): void {
    if (!this.sync && this.appended - this.eventStart >= EAGER_BYTES) this.startBatch()
  }

  /** Ends the file with a blank record. */
  roll(): void {
    const chunk = this.room(BLANK_SIZE)
    encodeBlank(this.fileEnd - this.appended, chunk.buffer, chunk.used)
    chunk.used += BLANK_SIZE
    this.appended = this.fileEnd
    this.fileEnd += this.deps.files.fileSize
  }

  /** Gives up on acknowledgements that waited too long; see AckGate.expire. */
  expireAcks(syncFlushTimeoutMs: number): void {
    const now = this.deps.clock.monotonicMs()
    if (this.gate.expire(now, this.appended, syncFlushTimeoutMs)) this.deps.confirmed()
  }

  /** See LogReplication.setReplicated. */
  setReplicated(offset: number, available: boolean): void {
    assert(offset <= this.written, 'replicated what was never written', offset, this.written)
    if (this.gate.setReplicated(offset, available)) this.deps.confirmed()
  }

  /**
   * Makes what is written durable; one at a time. `done` also when there is nothing to do: under SYNC_FLUSH batches see to
   * themselves.
   */
  flush(done: () => void = () => {}): void {
    const idle = this.flushed === this.written || this.failure !== null
    if (this.flushing || this.sync || idle) return done()
    this.flushing = true
    const target = this.written
    this.syncFiles((error) => {
      this.flushing = false
      if (error !== null) this.fail('sync', error)
      else this.flushed = target
      this.deps.progress()
      done()
    })
  }

  /** Waits for everything appended, makes it durable, closes the files. */
  close(done: () => void): void {
    const wait = (): void => {
      const quiet = !this.busy && !this.flushing && this.written === this.appended
      if (this.failure === null && !quiet) {
        this.deps.clock.after(1, wait)
        return
      }
      if (this.failure === null && this.flushed < this.written) return this.flush(wait)
      if (this.failure === null) this.gate.giveUpReplicas()
      this.deps.files.closeAll()
      done()
    }
    this.closed = true
    wait()
  }

  private readonly eventEnded = (): void => {
    this.inEvent = false
    if (!this.scheduled) this.startOrGather()
  }

  /**
   * When a batch begins. A message that comes alone should not wait for others, and a big lump need not (`append`);
   * otherwise all that can be read from sockets now goes along. A sync is dear: it always gathers.
   */
  private readonly startOrGather = (): void => {
    if (this.busy || this.written === this.appended) {
      this.scheduled = false
      return
    }
    const eager = this.lastBatchRecords === 1 || this.appended - this.written >= EAGER_BYTES
    if (eager && !this.sync) return this.startBatch()
    this.scheduled = true
    this.deps.clock.soon(this.startBatch)
  }

  private readonly startBatch = (): void => {
    this.scheduled = false
    if (this.busy || this.written === this.appended || this.failure !== null) return
    const from = this.written
    const { files, tail } = this.deps
    const start = files.startOf(from)
    const limit = Math.min(this.appended, start + files.fileSize)
    this.batchEnd = tail.views(from, limit, this.options.batchBytesMax, this.pieces)
    assert(this.batchEnd > from, 'nothing to write', from)
    let file: DiskFile
    try {
      file = files.writable(from)
    } catch (error) {
      return this.writeFailed(error as DiskError)
    }
    this.busy = true
    this.batches++
    this.lastBatchRecords = this.unbatchedRecords
    this.unbatchedRecords = 0
    file.write(this.pieces, from - start, this.batchWritten)
  }

  private readonly batchWritten = (error: DiskError | null): void => {
    this.pieces.length = 0
    if (error !== null) {
      this.busy = false
      return this.writeFailed(error)
    }
    // Behind a blank record the log goes on in the next file.
    const next = this.deps.tail.find(this.batchEnd)
    this.written = Math.max(this.batchEnd, next === null ? this.appended : next.start)
    this.gate.writtenTo(this.written)
    if (this.sync) this.syncFiles(this.batchSynced)
    else {
      this.busy = false
      this.startOrGather()
      this.confirm(this.written)
    }
    this.deps.progress()
  }

  private readonly batchSynced = (error: DiskError | null): void => {
    this.busy = false
    if (error !== null) return this.fail('sync', error)
    this.flushed = this.written
    this.startOrGather()
    this.confirm(this.flushed)
    this.deps.progress()
  }

  private confirm(stored: number): void {
    if (this.gate.storedTo(stored)) this.deps.confirmed()
  }

  /** Syncs the files that were written since the last sync, oldest first. */
  private syncFiles(done: (error: DiskError | null) => void): void {
    const { files } = this.deps
    const retired = files.retired()
    if (retired === null) return files.newest().sync(done)
    retired.sync((error) => {
      if (error !== null) return done(error)
      files.closeRetired(retired)
      this.syncFiles(done)
    })
  }

  private writeFailed(error: DiskError): void {
    if (this.failure !== null) return
    if (error.code === 'ENOSPC' || error.code === 'EDQUOT') this.refuseUnwritten()
    else this.fail('write', error)
  }

  /** The device is full: takes back what it did not take, tells the senders once it is gone, and waits for space. */
  private refuseUnwritten(): void {
    const from = this.written
    this.deviceFull = true
    this.takeBackOffsets(from)
    this.deps.tail.rewind(from)
    this.appended = from
    this.fileEnd = this.deps.files.startOf(from) + this.deps.files.fileSize
    this.deps.diskFull(true)
    this.takenBack()
    this.busy = true
    this.erase(from, (error) => {
      this.busy = false
      if (error !== null) return this.fail('write', error)
      this.gate.failAbove(from, NOT_STORED_DISK_FULL)
      this.deps.clock.after(DISK_PROBE_MS, this.probeSpace)
    })
  }

  /** Any part of the refused batch may be on disk: it must not come back, whatever is written there later. */
  private erase(from: number, done: (error: DiskError | null) => void): void {
    try {
      const file = this.deps.files.eraseFrom(from)
      if (file !== null) file.sync(done)
      else this.deps.clock.soon(() => done(null))
    } catch (error) {
      done(error as DiskError)
    }
  }

  private readonly probeSpace = (): void => {
    if (this.failure !== null || this.closed) return
    const { free } = this.deps.disk.space(this.deps.files.folder)
    if (free < this.options.diskFullResumeBytes) {
      this.deps.clock.after(DISK_PROBE_MS, this.probeSpace)
      return
    }
    this.deviceFull = false
    this.deps.diskFull(false)
    this.deps.progress()
  }

  private takeBackOffsets(from: number): void {
    // A slave's queues learn of records when these are dispatched.
    if (this.options.replica) return
    this.deps.tail.eachRecord(from, this.appended, (topic, queueId, queueOffset, sysFlag) => {
      if ((sysFlag & 4) !== 0) return
      const queue = this.deps.queues.queue(topic, queueId)
      queue.nextOffset = Math.min(queue.nextOffset, queueOffset)
    })
  }

  private fail(what: 'write' | 'sync', cause: DiskError): void {
    if (this.failure !== null) return
    const code = what === 'write' ? 'STORE_WRITE_FAILED' : 'STORE_SYNC_FAILED'
    this.failure = new ApogeeError(code, `commit log ${what} failed: ${cause.message}`, { cause })
    this.deps.failing()
    // Not here: this may be inside the append of one of those who wait.
    this.deps.clock.soon(() => {
      this.gate.failAll(STORE_FAILED)
      this.deps.failed(this.failure!)
    })
  }
}
