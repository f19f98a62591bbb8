import { readInt32, readInt64, writeInt32, writeInt64 } from '@apogee/base'
import { type DiskError, DiskFailure } from '@apogee/env'
import {
  type LogReplication,
  REPLICA_GAP,
  REPLICA_MALFORMED,
  REPLICA_OK,
  REPLICA_UNAVAILABLE,
  type ReplicaStatus,
  type ReplicaWriter,
} from '@apogee/store'

// Records of this log: size i32 | own offset i64 | any bytes. A size of −n is a blank that fills the n bytes of its file.
const HEAD = 12
const BLANK = -1

/** A log in memory for tests of the drivers: writes are done at once, unless the test holds them. */
export class PlainLog implements LogReplication, ReplicaWriter {
  readonly fileSize: number
  minOffset = 0
  appended = 0
  written = 0
  flushed = 0
  /** SYNC_FLUSH: `stored` is what is flushed. */
  syncFlush = false
  /** Writes wait for `release`. */
  isHeld = false
  full = false
  isUnavailable = false
  verified = 0
  received = 0
  readError: DiskError | null = null
  /** Reads in progress are done when called. */
  heldReads: (() => void)[] | null = null
  reads = 0
  timeoutMs = 0
  replicated = -1
  available = false
  told = 0
  keptFrom: number = Number.POSITIVE_INFINITY
  bytes: Buffer = Buffer.alloc(1024)
  private readonly listeners = new Set<() => void>()

  constructor(fileSize = 4096) {
    this.fileSize = fileSize
  }

  get stored(): number {
    return this.syncFlush ? this.flushed : this.written
  }

  get replica(): ReplicaWriter {
    return this
  }

  onProgress(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  progress(): void {
    for (const listener of this.listeners) listener()
  }

  /** A record of `size` bytes, its body filled with `fill`. */
  put(size: number, fill = 1): void {
    const left = this.fileSize - (this.appended % this.fileSize)
    if (size + HEAD > left) this.blank(left)
    const at = this.appended
    this.reserve(at + size)
    this.bytes.fill(fill, at, at + size)
    writeInt32(this.bytes, at, size)
    writeInt64(this.bytes, at + 4, at)
    this.appended = at + size
    this.received = this.appended
    if (!this.isHeld) this.release()
  }

  release(): void {
    this.written = this.appended
    if (!this.syncFlush) this.flushed = this.written
    this.progress()
  }

  flush(): void {
    this.flushed = this.written
    this.progress()
  }

  /** As after a power cut. */
  cut(at: number): void {
    this.appended = at
    this.written = at
    this.flushed = at
    this.received = at
    this.bytes.fill(0, at)
  }

  deleteBefore(offset: number): void {
    this.minOffset = offset
    this.progress()
  }

  content(): Buffer {
    return this.bytes.subarray(this.minOffset, this.written)
  }

  read(
    offset: number,
    into: Buffer,
    at: number,
    length: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    this.reads++
    const answer = (): void => {
      const isStored = offset >= this.minOffset && offset <= this.written
      const error =
        this.readError ?? (isStored ? null : new DiskFailure('ENOENT', 'read', `${offset}`))
      const inFile = this.fileSize - (offset % this.fileSize)
      const size = error === null ? Math.min(length, inFile, this.written - offset) : 0
      this.bytes.copy(into, at, offset, offset + size)
      done(error, size)
    }
    if (this.heldReads === null) answer()
    else this.heldReads.push(answer)
  }

  boundaryAtOrBelow(offset: number): Promise<number> {
    let at = this.minOffset
    while (at < this.appended) {
      const next = at + Math.abs(readInt32(this.bytes, at))
      if (next > offset) break
      at = next
    }
    return Promise.resolve(at)
  }

  requireReplicas(timeoutMs: number): void {
    this.timeoutMs = timeoutMs
  }

  setReplicated(offset: number, available: boolean): void {
    this.told++
    this.replicated = offset
    this.available = available
  }

  keepFrom(offset: number): void {
    this.keptFrom = offset
  }

  append(offset: number, bytes: Buffer, verify: boolean): ReplicaStatus {
    if (this.isUnavailable) return REPLICA_UNAVAILABLE
    if (offset !== this.received && offset !== this.appended) return REPLICA_GAP
    this.received = offset
    if (verify) this.verified += bytes.length
    this.reserve(offset + bytes.length)
    bytes.copy(this.bytes, offset)
    this.received += bytes.length
    return this.takeRecords()
  }

  reset(): void {
    this.received = this.appended
  }

  startAt(offset: number): void {
    this.cut(offset)
    this.minOffset = offset
  }

  private takeRecords(): ReplicaStatus {
    const before = this.appended
    while (this.appended + HEAD <= this.received) {
      const at = this.appended
      const size = readInt32(this.bytes, at)
      const length = Math.abs(size)
      if (length < HEAD || readInt64(this.bytes, at + 4) !== at) {
        this.received = at
        return REPLICA_MALFORMED
      }
      // As in the store: a blank is there to the end of its file once its head is.
      if (size > 0 && at + length > this.received) break
      this.reserve(at + length)
      this.appended = at + length
    }
    if (this.appended > before && !this.isHeld) this.release()
    return REPLICA_OK
  }

  private blank(left: number): void {
    this.reserve(this.appended + left)
    this.bytes.fill(0, this.appended, this.appended + left)
    writeInt32(this.bytes, this.appended, left * BLANK)
    writeInt64(this.bytes, this.appended + 4, this.appended)
    this.appended += left
  }

  private reserve(size: number): void {
    if (size + HEAD <= this.bytes.length) return
    const grown = Buffer.alloc((size + HEAD) * 2)
    this.bytes.copy(grown)
    this.bytes = grown
  }
}
