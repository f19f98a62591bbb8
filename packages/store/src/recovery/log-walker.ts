import { assert } from '@apogee/base'
import {
  inspectRecord,
  RECORD_BLANK,
  RECORD_OK,
  RECORD_SHORT,
  RecordView,
  recordCrcHolds,
} from '@apogee/protocol'
import type { LogFiles } from '../commit-log/log-files.ts'
import { hasPlace, isTorn } from './plausible-record.ts'

/** One read; a record longer than this is read on its own. */
const WINDOW_SIZE = 4 << 20
/** A record claiming more is garbage. */
const RECORD_SIZE_MAX = 128 << 20

/**
 * Walks the log on disk record by record, for recovery: synchronous, since nothing else runs yet. Every record is checked
 * in full: shape, place (its physicalOffset is where it stands), the checksum of its body, and whether a crash has torn the
 * rest.
 */
export class LogWalker {
  readonly view: RecordView = new RecordView()
  /** The bytes `view` points into. */
  buffer: Buffer = Buffer.allocUnsafeSlow(WINDOW_SIZE)
  /** Offset of the next record. */
  at: number
  private readonly files: LogFiles
  private readonly durableThrough: number
  private windowStart = 0
  private windowLength = 0

  /** Below `durableThrough` no crash has torn anything. */
  constructor(files: LogFiles, from: number, durableThrough: number) {
    this.files = files
    this.at = from
    this.durableThrough = durableThrough
  }

  /** Moves past the next record into `view`. False at the first place that is no valid record; `at` stays there. */
  next(): boolean {
    for (;;) {
      if (this.at >= this.files.endOffset) return false
      const status = this.inspect(this.at)
      if (status === RECORD_BLANK) {
        const end = this.files.startOf(this.at) + this.files.fileSize
        if (this.at + this.view.totalSize !== end) return false
        this.at = end
        continue
      }
      if (status !== RECORD_OK || !this.genuine(this.at)) return false
      this.at += this.view.totalSize
      return true
    }
  }

  /** The next place at or after `from` where a genuine record stands, searching byte by byte up to `limit`; −1: none. */
  search(from: number, limit: number): number {
    for (let offset = from; offset < limit; ) {
      const index = this.findMagic(offset, limit)
      if (index < 0) return -1
      if (this.inspect(index) === RECORD_OK && this.genuine(index)) return index
      offset = index + 1
    }
    return -1
  }

  private genuine(offset: number): boolean {
    const { buffer, view } = this
    if (view.physicalOffset !== offset || !recordCrcHolds(view, buffer)) return false
    if (!hasPlace(buffer, view)) return false
    return offset < this.durableThrough || !isTorn(buffer, view, offset % this.files.fileSize)
  }

  /** Inspects the record at `offset`, reading more when it goes beyond the window. */
  private inspect(offset: number): number {
    const fileLeft = this.files.startOf(offset) + this.files.fileSize - offset
    this.window(offset, Math.min(8, fileLeft))
    let status = this.inspectWindow(offset)
    const size = this.view.totalSize
    if (status === RECORD_SHORT && size > 0 && size <= Math.min(fileLeft, RECORD_SIZE_MAX)) {
      this.window(offset, size)
      status = this.inspectWindow(offset)
    }
    return status
  }

  private inspectWindow(offset: number): number {
    return inspectRecord(this.buffer, offset - this.windowStart, this.windowLength, this.view)
  }

  /** Makes [offset, offset + size) readable in the window, which never crosses files. */
  private window(offset: number, size: number): void {
    if (offset >= this.windowStart && offset + size <= this.windowStart + this.windowLength) return
    if (size > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(size)
    const file = this.files.readable(offset)
    assert(file !== null, 'walks outside the log', offset)
    const fileStart = this.files.startOf(offset)
    const length = Math.min(this.buffer.length, fileStart + this.files.fileSize - offset)
    this.windowStart = offset
    this.windowLength = file.readNow(this.buffer, 0, length, offset - fileStart)
  }

  /** Offset of the next possible record: one whose magic stands four bytes on. Magics differ only in their last byte. */
  private findMagic(from: number, limit: number): number {
    for (let offset = from; offset < limit; ) {
      this.window(offset, 1)
      if (this.windowLength === 0) return -1
      const start = offset - this.windowStart
      const found = this.buffer.subarray(0, this.windowLength).indexOf(MAGIC_PREFIX, start + 4)
      if (found >= 0) {
        const at = this.windowStart + found - 4
        return at < limit ? at : -1
      }
      // Seven bytes of overlap, so that a magic across two windows is seen; at the end of a file none goes across.
      const end = this.windowStart + this.windowLength
      offset = end % this.files.fileSize === 0 ? end : Math.max(offset + 1, end - 7)
    }
    return -1
  }
}

const MAGIC_PREFIX: Buffer = Buffer.from([0xda, 0xa3, 0x20])
