import { ApogeeError, assert } from '@apogee/base'
import type { Disk, DiskFile } from '@apogee/env'

// commitlog/<20 digits of the first offset>, each `fileSize` bytes, contiguous: Apache's MappedFileQueue layout. Files are
// sparse: the size is there from the start (Apache refuses any other), the space is not.

/** Read handles kept open; the newest file has its own. */
const READ_HANDLES_MAX = 8
const REWRITE_BYTES = 1 << 20

/** The files of the commit log. Offsets are physical offsets, positions are inside one file. */
export class LogFiles {
  readonly folder: string
  readonly fileSize: number
  private readonly disk: Disk
  /** First offsets, ascending. */
  private starts: number[] = []
  private writer: DiskFile | null = null
  private writerStart = -1
  private readonly retiredFiles: DiskFile[] = []
  private readonly readers = new Map<number, DiskFile>()

  constructor(folder: string, fileSize: number, disk: Disk) {
    this.folder = folder
    this.fileSize = fileSize
    this.disk = disk
  }

  /** Reads the folder. Throws STORE_CONFIG_MISMATCH for a file of another size, STORE_CORRUPT for a missing one. */
  load(): void {
    this.disk.makeFolder(this.folder)
    this.starts = []
    const names = this.disk.list(this.folder).filter((name) => /^\d{20}$/.test(name))
    for (const [i, name] of names.entries()) {
      const start = Number(name)
      const size = this.disk.stat(this.pathOf(start))?.size ?? 0
      const last = i === names.length - 1
      // A crash between creating a file and giving it its size leaves a short last file; anything else is another config.
      if (size !== this.fileSize && !(last && size < this.fileSize)) {
        throw new ApogeeError(
          'STORE_CONFIG_MISMATCH',
          `${name} has ${size} bytes, mappedFileSizeCommitLog says ${this.fileSize}`,
        )
      }
      const previous = this.starts.at(-1)
      if (
        start % this.fileSize !== 0 ||
        (previous !== undefined && start !== previous + this.fileSize)
      ) {
        throw new ApogeeError(
          'STORE_CORRUPT',
          `commit log file ${name} does not follow ${previous}`,
        )
      }
      this.starts.push(start)
    }
  }

  get empty(): boolean {
    return this.starts.length === 0
  }

  /** First offset that is stored; 0 for an empty log. */
  get minOffset(): number {
    return this.starts[0] ?? 0
  }

  /** First offset after the last file. */
  get endOffset(): number {
    const last = this.starts.at(-1)
    return last === undefined ? 0 : last + this.fileSize
  }

  fileStarts(): readonly number[] {
    return this.starts
  }

  startOf(offset: number): number {
    return offset - (offset % this.fileSize)
  }

  /** The file to write at `offset`; creates the next one, with its name on disk, when the log has grown into it. */
  writable(offset: number): DiskFile {
    const start = this.startOf(offset)
    if (start === this.writerStart && this.writer !== null) return this.writer
    const isNew = this.starts.at(-1) !== start && !this.starts.includes(start)
    assert(!isNew || this.empty || start === this.endOffset, 'log file out of order', start)
    const file = this.disk.open(this.pathOf(start), { create: true, size: this.fileSize })
    if (isNew) this.makeDurable(file, start)
    if (this.writer !== null) this.retiredFiles.push(this.writer)
    this.writer = file
    this.writerStart = start
    return file
  }

  /** Size before name: a file whose name a crash keeps has its full size, unless it is the last. */
  private makeDurable(file: DiskFile, start: number): void {
    try {
      file.syncNow()
      this.disk.syncDirectory(this.folder)
    } catch (error) {
      // What a failed sync dropped no later one brings: the next try starts with a new file.
      file.close()
      this.disk.remove(this.pathOf(start))
      throw error
    }
    this.starts.push(start)
  }

  /**
   * Erases what a refused write may have left from `offset` on: a part of it would come back once the records before it
   * are there again. The file to sync, before anybody is told; `null` when nothing was written.
   */
  eraseFrom(offset: number): DiskFile | null {
    const start = this.startOf(offset)
    if (!this.starts.includes(start)) return null
    const file = this.writable(offset)
    file.truncate(offset - start)
    file.truncate(this.fileSize)
    return file
  }

  /** The file that was written last. */
  newest(): DiskFile {
    assert(this.writer !== null, 'nothing was written yet')
    return this.writer
  }

  /** The oldest file that was written and left for a newer one since it was last synced; `null` when there is none. */
  retired(): DiskFile | null {
    return this.retiredFiles[0] ?? null
  }

  /** Closes a retired file that has been synced. */
  closeRetired(file: DiskFile): void {
    assert(this.retiredFiles[0] === file, 'retired files are synced in order')
    this.retiredFiles.shift()
    file.close()
  }

  /** The file that holds `offset`, for reading; `null` when it is not there (any more). */
  readable(offset: number): DiskFile | null {
    const start = this.startOf(offset)
    const first = this.starts[0]
    if (first === undefined || start < first || start >= this.endOffset) return null
    const open = this.readers.get(start)
    if (open !== undefined) return open
    if (this.readers.size >= READ_HANDLES_MAX) this.closeReader(this.readers.keys().next().value!)
    const file = this.disk.open(this.pathOf(start))
    this.readers.set(start, file)
    return file
  }

  /**
   * After recovery: the newest file, and those that may hold bytes which are not synced, from `offset` on, wait for a
   * sync.
   */
  reopenFrom(offset: number): void {
    const newest = this.starts.at(-1)
    for (const start of this.starts) {
      if (start === newest || start + this.fileSize > offset) this.writable(start)
    }
  }

  /** Makes everything from `offset` on durable before this returns. */
  syncFrom(offset: number): void {
    for (const start of this.starts) {
      if (start + this.fileSize > offset) this.readable(start)?.syncNow()
    }
    this.disk.syncDirectory(this.folder)
  }

  /**
   * Writes [from, to) again as it reads, and syncs it: after a failed sync the system takes for clean what the disk never
   * got, and a sync of the next process says yes to that.
   */
  rewrite(from: number, to: number): void {
    const buffer = Buffer.allocUnsafeSlow(REWRITE_BYTES)
    for (const start of this.starts) {
      const end = Math.min(to - start, this.fileSize)
      let at = Math.max(0, from - start)
      if (at >= end) continue
      const file = this.disk.open(this.pathOf(start))
      try {
        while (at < end) {
          const read = file.readNow(buffer, 0, Math.min(buffer.length, end - at), at)
          if (read === 0) break
          file.writeNow(buffer.subarray(0, read), at)
          at += read
        }
        file.syncNow()
      } finally {
        file.close()
      }
    }
  }

  /** Removes the oldest file. The caller has checked that nobody needs it. */
  removeFirst(): void {
    const start = this.starts[0]
    assert(start !== undefined && this.starts.length > 1, 'the last log file stays')
    this.closeReader(start)
    this.disk.remove(this.pathOf(start))
    this.starts.shift()
  }

  /** Removes the only file of a log without records, which is to begin elsewhere. */
  removeOnly(): void {
    const [start] = this.starts
    assert(start !== undefined && this.starts.length === 1, 'more than one log file')
    this.closeAll()
    this.disk.remove(this.pathOf(start))
    this.disk.syncDirectory(this.folder)
    this.starts = []
  }

  modifiedMs(start: number): number {
    return this.disk.stat(this.pathOf(start))?.modifiedMs ?? 0
  }

  /**
   * Makes `end` the end of the log for good: whatever lies behind it is erased, so that a stale record can never line up
   * with a later end and come back (rocketmq#10666). Without `sync` the caller syncs the newest file before it is written.
   */
  cutAt(end: number, sync: boolean): void {
    this.closeAll()
    for (let i = this.starts.length - 1; i >= 0; i--) {
      const start = this.starts[i]!
      if (start < end || (start === end && i === 0)) break
      this.disk.remove(this.pathOf(start))
      this.starts.pop()
      // One by one: a power cut that brings back a file must not leave out the one before it.
      this.disk.syncDirectory(this.folder)
    }
    const last = this.starts.at(-1)
    if (last !== undefined) {
      const file = this.disk.open(this.pathOf(last))
      file.truncate(Math.min(end - last, this.fileSize))
      file.truncate(this.fileSize)
      if (sync) file.syncNow()
      file.close()
    }
    if (sync) this.disk.syncDirectory(this.folder)
  }

  closeAll(): void {
    this.writer?.close()
    this.writer = null
    this.writerStart = -1
    for (const file of this.retiredFiles.splice(0)) file.close()
    for (const start of this.readers.keys()) this.closeReader(start)
  }

  private closeReader(start: number): void {
    this.readers.get(start)?.close()
    this.readers.delete(start)
  }

  private pathOf(start: number): string {
    return `${this.folder}/${String(start).padStart(20, '0')}`
  }
}
