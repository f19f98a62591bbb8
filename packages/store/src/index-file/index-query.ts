import { readInt32, readInt64 } from '@apogee/base'
import type { Disk, DiskError, DiskFile } from '@apogee/env'
import type { IndexFile } from './index-file.ts'
import { ENTRY_SIZE, entryPosition, slotPosition } from './layout.ts'

const WINDOW_ENTRIES = 204

export interface IndexQueryOptions {
  keyHash: number
  maxCount: number
  beginMs: number
  endMs: number
  /** Most entries looked at: a chain of one hot key can be as long as the file. */
  stepsMax: number
}

/**
 * Follows one key through the files, newest first (IndexService.queryOffset, IndexFile.selectPhyOffset). Memory where
 * it can, small reads off the loop where it must. Ends early, with what it found, after `stepsMax` entries.
 */
export class IndexQuery {
  readonly offsets: number[] = []
  /** Entries looked at. */
  steps = 0
  private readonly files: readonly IndexFile[]
  private readonly options: IndexQueryOptions
  private readonly disk: Disk
  private readonly done: (error: DiskError | null) => void
  private index: number
  private handle: DiskFile | null = null
  /** Entries read from the file at hand: `windowCount` from `windowStart`. */
  private readonly window = Buffer.allocUnsafe(WINDOW_ENTRIES * ENTRY_SIZE)
  private windowStart = 0
  private windowCount = 0

  /** `files` from the oldest to the newest. */
  constructor(
    files: readonly IndexFile[],
    options: IndexQueryOptions,
    disk: Disk,
    done: (error: DiskError | null) => void,
  ) {
    this.files = files
    this.options = options
    this.disk = disk
    this.done = done
    this.index = files.length - 1
  }

  /** Goes on with the file at `index`. */
  next(): void {
    const { beginMs, endMs } = this.options
    while (this.index >= 0 && !this.isEnough()) {
      const file = this.files[this.index]!
      if (!file.isEmpty && file.header.matchesTime(beginMs, endMs)) {
        this.searchFile(file)
        return
      }
      if (file.header.beginTimestamp < beginMs) break
      this.index--
    }
    this.finish(null)
  }

  private isEnough(): boolean {
    return this.offsets.length >= this.options.maxCount || this.steps >= this.options.stepsMax
  }

  private searchFile(file: IndexFile): void {
    this.windowCount = 0
    const slot = this.options.keyHash % file.sizes.slots
    const slots = file.slots
    if (slots?.isLoaded(slots.pageOf(slot)) === true) {
      this.follow(file, file.newest(slot))
      return
    }
    this.read(file, this.window, 4, slotPosition(slot), () => {
      // Entries that came since are in memory: the page is there then.
      const loaded = file.slots?.isLoaded(file.slots.pageOf(slot)) === true
      this.follow(file, loaded ? file.newest(slot) : readInt32(this.window, 0))
    })
  }

  private follow(file: IndexFile, newest: number): void {
    let entry = newest < file.header.indexCount ? newest : 0
    while (entry > 0 && !this.isEnough()) {
      const recent = file.recent?.holds(entry) === true
      if (!recent && !this.inWindow(entry)) {
        this.readWindow(file, entry)
        return
      }
      entry = recent
        ? this.look(file, entry, file.recent!.chunkOf(entry), file.recent!.positionOf(entry))
        : this.look(file, entry, this.window, (entry - this.windowStart) * ENTRY_SIZE)
    }
    this.leave(file)
  }

  /** Takes the entry if it matches; returns the one to look at next, 0 at the end. */
  private look(file: IndexFile, entry: number, bytes: Uint8Array, at: number): number {
    this.steps++
    const seconds = readInt32(bytes, at + 12)
    if (seconds < 0) return 0
    const time = file.header.beginTimestamp + seconds * 1000
    const { keyHash, beginMs, endMs } = this.options
    if (readInt32(bytes, at) === keyHash && time >= beginMs && time <= endMs) {
      const physicalOffset = readInt64(bytes, at + 4)
      // A record with the same key twice is one record.
      if (this.offsets.at(-1) !== physicalOffset) this.offsets.push(physicalOffset)
    }
    const previous = readInt32(bytes, at + 16)
    return time >= beginMs && previous > 0 && previous < entry ? previous : 0
  }

  private leave(file: IndexFile): void {
    this.closeHandle()
    if (file.header.beginTimestamp < this.options.beginMs) this.finish(null)
    else {
      this.index--
      this.next()
    }
  }

  private inWindow(entry: number): boolean {
    return entry >= this.windowStart && entry < this.windowStart + this.windowCount
  }

  /** Reads entries up to `entry`: chains lead downwards, often not far. */
  private readWindow(file: IndexFile, entry: number): void {
    const start = Math.max(0, entry - WINDOW_ENTRIES + 1)
    const length = (entry - start + 1) * ENTRY_SIZE
    this.read(file, this.window, length, entryPosition(file.sizes, start), () => {
      this.windowStart = start
      this.windowCount = entry - start + 1
      this.follow(file, entry)
    })
  }

  private read(
    file: IndexFile,
    into: Buffer,
    length: number,
    position: number,
    then: () => void,
  ): void {
    try {
      this.handle ??= this.disk.open(file.path)
    } catch (error) {
      this.failed(file, error as DiskError)
      return
    }
    this.handle.read(into, 0, length, position, (error, bytesRead) => {
      if (error !== null) {
        this.failed(file, error)
        return
      }
      into.fill(0, bytesRead, length)
      then()
    })
  }

  /** A file that retention removed meanwhile has nothing to offer. */
  private failed(file: IndexFile, error: DiskError): void {
    if (error.code === 'ENOENT') this.leave(file)
    else this.finish(error)
  }

  private finish(error: DiskError | null): void {
    this.closeHandle()
    this.done(error)
  }

  private closeHandle(): void {
    this.handle?.close()
    this.handle = null
  }
}
