import { ApogeeError, assert } from '@apogee/base'
import type { DiskError, DiskFile } from '@apogee/env'
import { PROPERTIES_MAX_SIZE } from '@apogee/protocol'
import type { ConsumeQueue } from '../consume-queue/consume-queue.ts'
import {
  AckQueue,
  type AckSink,
  NOT_STORED_DISK_FULL,
  STORE_FAILED,
  STORED,
  STORED_FLUSH_TIMEOUT,
} from './ack-queue.ts'
import {
  APPEND_BUSY,
  APPEND_DISK_FULL,
  APPEND_OK,
  APPEND_PROPERTIES_TOO_LARGE,
  APPEND_TOO_LARGE,
  APPEND_UNAVAILABLE,
  type AppendStatus,
  type CommitLogDeps,
  type CommitLogOptions,
} from './commit-log-options.ts'
import { BLANK_SIZE, draftSize, encodeBlank, encodeDraft } from './encode-record.ts'
import { RecordDraft } from './record-draft.ts'

// The log as a pipeline of watermarks, each an offset that only moves forward:
//
//   append ──► appended ──(one pwrite per batch, off the loop)──► written ──(fdatasync)──► flushed
//
// `confirmed` is the one the flush mode names: ASYNC_FLUSH written, SYNC_FLUSH flushed. Acknowledgements and dispatch wait
// for it. While one batch is on its way to disk the next one fills; under load batches grow by themselves, with one
// message in flight they hold one.
//
// A failed write or sync is final (reliability: a second fsync lies). The one exception is a full device: the write
// reports it before anything was promised, so the unwritten records are refused and taken back.

/** Room for properties, topic and fixed fields above the body, as Apache allows. */
const RECORD_OVERHEAD_MAX = 64 * 1024
const DISK_PROBE_MS = 200
/** A batch of this many bytes is worth a write of its own. */
const EAGER_BYTES = 32 * 1024

export class CommitLog {
  readonly draft: RecordDraft = new RecordDraft()
  appended = 0
  written = 0
  flushed = 0
  confirmed = 0
  /** Below this the tail may forget. Moved by the dispatcher. */
  dispatched = 0
  failure: ApogeeError | null = null
  /** Batches written and bytes in them: what group commit achieved. */
  batches = 0

  private readonly options: CommitLogOptions
  private readonly deps: CommitLogDeps
  private readonly sync: boolean
  private readonly acks = new AckQueue()
  /** WAIT=false under SYNC_FLUSH: acknowledged from the page cache. */
  private readonly earlyAcks = new AckQueue(16)
  private readonly pieces: Uint8Array[] = []
  private fileEnd = 0
  private batchEnd = 0
  private lastBatchRecords = 1
  private unbatchedRecords = 0
  private scheduled = false
  /** An event is bringing records; where they begin, and the wall time. */
  private inEvent = false
  private eventStart = 0
  private nowMs = 0
  /** Monotonic, for what waits: a jump of the wall clock must not time anything out. */
  private eventMs = 0
  private busy = false
  private flushing = false
  private closed = true
  private deviceFull = false
  /** Set from outside: the disk-ratio rule refuses writes. */
  refusing = false

  constructor(options: CommitLogOptions, deps: CommitLogDeps) {
    this.options = options
    this.deps = deps
    this.sync = options.flushDiskType === 'SYNC_FLUSH'
  }

  /**
   * Starts at the end that recovery found. `cut`: what lay behind it was erased. Under ASYNC_FLUSH that and what was found
   * above `flushed` is synced before the first write: a power cut must not bring old records back behind new ones.
   */
  openAt(end: number, flushed: number, cut: boolean): void {
    const { files } = this.deps
    this.appended = this.written = this.confirmed = this.dispatched = end
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
    })
  }

  /** Appends `draft`. Hot: no allocation but one view of the body. See RecordDraft and AckSink. */
  append(sink: AckSink | null, token: number): AppendStatus {
    const draft = this.draft
    const size = draftSize(draft, this.options.storeHost.length)
    if (!this.inEvent) this.beginEvent()
    const refused = this.admit(size)
    if (refused !== APPEND_OK) return refused
    const queue = this.queueOf(draft)
    if (queue === null) return APPEND_UNAVAILABLE
    if (size + BLANK_SIZE > this.fileEnd - this.appended) this.roll()
    const at = this.appended
    const chunk = this.deps.tail.room(at, size, Math.min(this.written, this.dispatched))
    // Prepared (4) and rolled-back (12) records are not consumed: they take no queue offset.
    const takesOffset = (draft.sysFlag & 4) === 0
    draft.size = size
    draft.queue = queue
    draft.queueOffset = takesOffset ? queue.nextOffset : 0
    draft.physicalOffset = at
    draft.storeTimestamp = this.nowMs
    encodeDraft(draft, this.options.storeHost, size, chunk.buffer, chunk.used)
    chunk.used += size
    this.appended = at + size
    this.unbatchedRecords++
    if (takesOffset) queue.nextOffset++
    if (sink !== null) {
      const early = this.sync && !draft.waitStore
      const waiting = early ? this.earlyAcks : this.acks
      waiting.push(sink, token, at + size, this.eventMs)
    }
    // The disk can begin while the rest of a big lump is still being taken in.
    if (!this.sync && this.appended - this.eventStart >= EAGER_BYTES) this.startBatch()
    return APPEND_OK
  }

  /** Gives up on acknowledgements older than `timeoutMs` under SYNC_FLUSH: stored, not known to be on disk. */
  expireAcks(timeoutMs: number): void {
    const { clock } = this.deps
    if (this.sync) this.acks.expire(clock.monotonicMs() - timeoutMs, STORED_FLUSH_TIMEOUT)
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
      this.deps.files.closeAll()
      done()
    }
    this.closed = true
    wait()
  }

  private admit(size: number): AppendStatus {
    const draft = this.draft
    if (this.closed || this.failure !== null) return APPEND_UNAVAILABLE
    if (this.deviceFull || this.refusing) return APPEND_DISK_FULL
    if (draft.bodyEnd - draft.bodyStart > this.options.bodySizeMax) return APPEND_TOO_LARGE
    if (size > this.options.bodySizeMax + RECORD_OVERHEAD_MAX) return APPEND_TOO_LARGE
    if (size + BLANK_SIZE > this.deps.files.fileSize) return APPEND_TOO_LARGE
    if (draft.propertiesEnd - draft.propertiesStart > PROPERTIES_MAX_SIZE)
      return APPEND_PROPERTIES_TOO_LARGE
    return this.isBusy(size) ? APPEND_BUSY : APPEND_OK
  }

  /** Wall time of the last event that brought records; 0 before the first. */
  get lastAppendMs(): number {
    return this.nowMs
  }

  /** Whether `size` bytes more would be too much, or the disk does not keep up. */
  isBusy(size: number): boolean {
    if (this.appended - this.confirmed + size > this.options.pendingBytesMax) return true
    if (this.deps.queues.full) return true
    const oldest = this.acks.oldest()
    if (oldest < 0) return false
    const now = this.inEvent ? this.eventMs : this.deps.clock.monotonicMs()
    return now - oldest > this.options.pendingAgeMaxMs
  }

  private roll(): void {
    const chunk = this.deps.tail.room(
      this.appended,
      BLANK_SIZE,
      Math.min(this.written, this.dispatched),
    )
    encodeBlank(this.fileEnd - this.appended, chunk.buffer, chunk.used)
    chunk.used += BLANK_SIZE
    this.appended = this.fileEnd
    this.fileEnd += this.deps.files.fileSize
  }

  /** Null when a queue that is not in memory yet cannot be read: nothing was changed, the sender may try again. */
  private queueOf(draft: RecordDraft): ConsumeQueue | null {
    try {
      return this.deps.queues.queue(draft.topic, draft.queueId)
    } catch (error) {
      this.deps.queueFailed(error as Error)
      return null
    }
  }

  /** The first record of an event: its time serves all of them, and the batch begins with the event's end. */
  private beginEvent(): void {
    this.inEvent = true
    this.eventStart = this.appended
    this.nowMs = this.deps.clock.wallMs()
    this.eventMs = this.deps.clock.monotonicMs()
    this.deps.clock.endOfEvent(this.eventEnded)
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
    this.written = next === null || next.start <= this.batchEnd ? this.batchEnd : next.start
    this.earlyAcks.drainTo(this.written, STORED)
    if (this.sync) return this.syncFiles(this.batchSynced)
    this.busy = false
    this.startOrGather()
    this.confirm(this.written)
  }

  private readonly batchSynced = (error: DiskError | null): void => {
    this.busy = false
    if (error !== null) return this.fail('sync', error)
    this.flushed = this.written
    this.startOrGather()
    this.confirm(this.flushed)
  }

  private confirm(offset: number): void {
    assert(offset >= this.confirmed, 'confirmed goes back', offset, this.confirmed)
    this.confirmed = offset
    this.acks.drainTo(offset, STORED)
    this.deps.confirmed()
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
    this.busy = true
    this.erase(from, (error) => {
      this.busy = false
      if (error !== null) return this.fail('write', error)
      this.earlyAcks.failAbove(from, NOT_STORED_DISK_FULL)
      this.acks.failAbove(from, NOT_STORED_DISK_FULL)
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
  }

  private takeBackOffsets(from: number): void {
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
      this.earlyAcks.failAll(STORE_FAILED)
      this.acks.failAll(STORE_FAILED)
      this.deps.failed(this.failure!)
    })
  }
}
