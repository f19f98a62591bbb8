import { assert, readInt32 } from '@apogee/base'
import {
  inspectRecord,
  RECORD_BLANK,
  RECORD_BLANK_MIN_SIZE,
  RECORD_MAGIC,
  RECORD_MAGIC_BLANK,
  RECORD_MAGIC_V1,
  RECORD_MAGIC_V2,
  RECORD_MIN_SIZE,
  RECORD_OK,
  RECORD_SHORT,
  RecordView,
  recordCrcHolds,
} from '@apogee/protocol'
import type { LogPipeline } from '../commit-log/log-pipeline.ts'
import type { TailChunk } from '../commit-log/tail.ts'
import { hasPlace } from '../recovery/plausible-record.ts'
import {
  REPLICA_GAP,
  REPLICA_MALFORMED,
  REPLICA_OK,
  REPLICA_UNAVAILABLE,
  type ReplicaStatus,
  type ReplicaWriter,
} from './log-replication.ts'

export interface ReplicaAppenderOptions {
  /** The store is a slave's. Without it nothing is taken. */
  replica: boolean
  /** Largest record, bytes: a claim of more is malformed. */
  recordSizeMax: number
  pendingBytesMax: number
}

export interface ReplicaAppenderDeps {
  log: LogPipeline
  /** Too many queue units are unwritten. */
  queuesFull: () => boolean
  /** Lets everything that follows the log begin at `offset`. */
  startAt: (offset: number) => void
}

const MALFORMED = -1

/**
 * Puts a master's records into the tail as they came, many with one copy; one that comes in pieces is put together where
 * it will stay, beyond what the chunk counts as used.
 */
export class ReplicaAppender implements ReplicaWriter {
  private readonly options: ReplicaAppenderOptions
  private readonly deps: ReplicaAppenderDeps
  private readonly log: LogPipeline
  private readonly view = new RecordView()
  /** Size and magic of a record that comes in pieces, as long as these are not whole. */
  private readonly head = Buffer.allocUnsafeSlow(RECORD_BLANK_MIN_SIZE)
  /** Bytes that have come of a record, its size, and where it is put together. */
  private part = 0
  private partSize = 0
  private chunk: TailChunk | null = null
  /** Bytes that may still come of what lies behind a blank record. */
  private restLeft = 0

  constructor(options: ReplicaAppenderOptions, deps: ReplicaAppenderDeps) {
    this.options = options
    this.deps = deps
    this.log = deps.log
    this.log.onTakenBack(() => this.reset())
  }

  get received(): number {
    return this.log.appended - this.restLeft + this.part
  }

  get full(): boolean {
    const { appended, confirmed, dispatched } = this.log
    const pending = appended - Math.min(confirmed, dispatched)
    return pending > this.options.pendingBytesMax || this.deps.queuesFull()
  }

  append(offset: number, bytes: Buffer, verify: boolean): ReplicaStatus {
    const { log } = this
    if (!this.options.replica || log.ended || log.full) {
      this.reset()
      return REPLICA_UNAVAILABLE
    }
    if (offset !== this.received) {
      if (this.restLeft === 0 || offset !== log.appended) return REPLICA_GAP
      this.restLeft = 0
    }
    log.beginEvent()
    const taken = this.take(bytes, verify)
    log.startIfMuch()
    if (taken) return REPLICA_OK
    this.reset()
    return REPLICA_MALFORMED
  }

  reset(): void {
    this.part = 0
    this.chunk = null
    this.restLeft = 0
  }

  startAt(offset: number): void {
    assert(this.options.replica && this.received === this.log.appended, 'not an empty slave')
    if (offset !== this.log.appended) this.deps.startAt(offset)
  }

  /** False at the first record that is none. */
  private take(bytes: Buffer, verify: boolean): boolean {
    let at = 0
    while (at < bytes.length) {
      if (this.restLeft > 0) {
        const skipped = Math.min(this.restLeft, bytes.length - at)
        this.restLeft -= skipped
        at += skipped
        continue
      }
      const from = at
      if (this.part === 0) at = this.takeWhole(bytes, at, verify)
      if (at === from) at = this.takePart(bytes, at, verify)
      if (at === MALFORMED) return false
    }
    return true
  }

  /** Takes the records that are whole, up to the end of the file. Returns where they end, or MALFORMED. */
  private takeWhole(bytes: Buffer, from: number, verify: boolean): number {
    const { log, view } = this
    let chunk: TailChunk | null = null
    let run = from
    let count = 0
    let at = from
    let status = inspectRecord(bytes, at, bytes.length, view)
    while (status === RECORD_OK) {
      const size = view.totalSize
      if (!this.isValid(bytes, view, log.appended + at - run, log.left - (at - run), verify)) {
        status = MALFORMED
        break
      }
      if (chunk === null || at + size - run > chunk.buffer.length - chunk.used) {
        this.put(bytes, run, at, chunk, count)
        run = at
        count = 0
        chunk = log.room(size)
      }
      count++
      at += size
      status = inspectRecord(bytes, at, bytes.length, view)
    }
    this.put(bytes, run, at, chunk, count)
    if (status === RECORD_SHORT) return at
    if (status !== RECORD_BLANK || !this.takeBlank(view.totalSize)) return MALFORMED
    return at + RECORD_BLANK_MIN_SIZE
  }

  private put(
    bytes: Buffer,
    from: number,
    to: number,
    chunk: TailChunk | null,
    count: number,
  ): void {
    if (chunk === null || from === to) return
    bytes.copy(chunk.buffer, chunk.used, from, to)
    chunk.used += to - from
    this.log.grew(to - from, count)
  }

  /** Takes bytes of one record that is not whole in what came. Returns where they end, or MALFORMED. */
  private takePart(bytes: Buffer, from: number, verify: boolean): number {
    let at = from
    if (this.part < this.head.length) {
      at += bytes.copy(this.head, this.part, at, at + this.head.length - this.part)
      this.part += at - from
      if (this.part < this.head.length) return at
      if (!this.beginPart()) return MALFORMED
    }
    // It was a blank.
    if (this.chunk === null) return at
    const { buffer, used } = this.chunk
    const copied = bytes.copy(buffer, used + this.part, at, at + this.partSize - this.part)
    this.part += copied
    if (this.part === this.partSize && !this.endPart(this.chunk, verify)) return MALFORMED
    return at + copied
  }

  /** Size and magic are there: what they promise must be possible before memory is given to it. */
  private beginPart(): boolean {
    const { head, log } = this
    const size = readInt32(head, 0)
    const magic = readInt32(head, RECORD_MAGIC)
    if (magic === RECORD_MAGIC_BLANK) {
      this.part = 0
      return this.takeBlank(size)
    }
    if (magic !== RECORD_MAGIC_V1 && magic !== RECORD_MAGIC_V2) return false
    if (size < RECORD_MIN_SIZE || !this.fits(size, log.left)) return false
    this.partSize = size
    this.chunk = log.room(size)
    head.copy(this.chunk.buffer, this.chunk.used)
    return true
  }

  private endPart(chunk: TailChunk, verify: boolean): boolean {
    const { log, partSize, view } = this
    const { buffer, used } = chunk
    if (inspectRecord(buffer, used, used + partSize, view) !== RECORD_OK) return false
    if (!this.isValid(buffer, view, log.appended, log.left, verify)) return false
    chunk.used += partSize
    log.grew(partSize, 1)
    this.part = 0
    this.chunk = null
    return true
  }

  private isValid(
    buffer: Buffer,
    view: RecordView,
    place: number,
    left: number,
    verify: boolean,
  ): boolean {
    if (view.physicalOffset !== place || !this.fits(view.totalSize, left)) return false
    return hasPlace(buffer, view) && (!verify || recordCrcHolds(view, buffer))
  }

  /** Every writer leaves room for the blank record that ends a file. */
  private fits(size: number, left: number): boolean {
    return size <= this.options.recordSizeMax && size + RECORD_BLANK_MIN_SIZE <= left
  }

  private takeBlank(size: number): boolean {
    if (size !== this.log.left) return false
    this.restLeft = size - RECORD_BLANK_MIN_SIZE
    this.log.roll()
    return true
  }
}
