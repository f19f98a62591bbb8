import { readInt32, writeInt32 } from '@apogee/base'
import type { Disk, DiskPiece, Done } from '@apogee/env'
import type { IndexFile } from './index-file.ts'
import { ENTRY_SIZE, entryPosition, fileSizeOf, HEADER_SIZE } from './layout.ts'
import { PAGE_SIZE } from './slot-table.ts'

// The order on disk: entries, then slots, then the header, each synced before the next begins. So
//
// - entries below the header's count are whole, and slots lead to all of them;
// - a slot can lead past that count only between the second and the third step of a flush, and then to an entry that is
//   whole too, because a slot is never written with an entry of a later flush: such a value is replaced by the newest entry
//   of its chain that this flush covers.
//
// A crash therefore leaves a header, all that it covers, and at worst some slots to set back (index-repair.ts), which needs
// nothing but the file.

/** Clean pages between dirty ones that are written with them rather than making another piece. */
const GAP_PAGES_MAX = 8

/** One flush of one file, in trips of at most `staging.length` bytes. A failed one is made again whole, by the next. */
export class IndexFlush {
  private readonly file: IndexFile
  private readonly disk: Disk
  private readonly staging: Buffer
  private readonly done: Done
  /** The entries this flush covers, and the header that says so. */
  private readonly count: number
  private readonly header = Buffer.alloc(HEADER_SIZE)
  private readonly written: number[] = []
  private entry: number
  private page = 0
  private unsynced = false

  constructor(file: IndexFile, disk: Disk, staging: Buffer, done: Done) {
    this.file = file
    this.disk = disk
    this.staging = staging
    this.done = done
    this.count = file.header.indexCount
    this.entry = file.recent!.start
    file.header.write(this.header)
  }

  start(): void {
    if (this.file.repaired) this.writeRepair()
    else this.writeEntries()
  }

  private writeRepair(): void {
    this.writeSlots(this.file.recent!.start, () => {
      this.file.repaired = false
      this.page = 0
      this.writeEntries()
    })
  }

  private writeEntries(): void {
    const recent = this.file.recent!
    const count = recent.copy(this.entry, this.count, this.staging)
    const position = entryPosition(this.file.sizes, this.entry)
    this.entry += count
    const last = this.entry === this.count
    const bytes = this.staging.subarray(0, count * ENTRY_SIZE)
    this.send([this.piece(position, bytes)], last, () => {
      if (last) this.writeSlots(this.count, () => this.writeHeader())
      else this.writeEntries()
    })
  }

  private writeSlots(limit: number, then: () => void): void {
    const pieces = this.collectPages(limit)
    const last = this.page >= this.file.slots!.pageCount
    // The rest may turn out to be clean: what went before still needs its sync.
    if (pieces.length === 0 && this.unsynced)
      pieces.push(this.piece(0, this.staging.subarray(0, 0)))
    if (pieces.length === 0) then()
    else this.send(pieces, last, () => (last ? then() : this.writeSlots(limit, then)))
  }

  private writeHeader(): void {
    this.send([this.piece(0, this.header)], true, () => {
      this.file.exists = true
      this.file.recent!.dropBelow(this.count)
      this.done(null)
    })
  }

  private send(pieces: DiskPiece[], sync: boolean, then: () => void): void {
    this.disk.writeMany(pieces, { sync }, (error) => {
      if (error === null) {
        this.unsynced = !sync
        then()
        return
      }
      // What was written may be gone after a failed sync: all of it is dirty again.
      for (const page of this.written) this.file.slots!.markDirty(page)
      if (!this.file.exists) this.removeNew()
      this.done(error)
    })
  }

  /** A failed sync of a new file may have lost its size as well, and writing the same again would not bring it back. */
  private removeNew(): void {
    try {
      this.disk.remove(this.file.path)
    } catch {
      // Then the next flush fails, or a crash finds a file without a header: both are dealt with there.
    }
  }

  private piece(position: number, bytes: Uint8Array): DiskPiece {
    return { path: this.file.path, size: fileSizeOf(this.file.sizes), position, bytes }
  }

  /** Dirty pages from `page` on, as copies, until the staging buffer is full. */
  private collectPages(limit: number): DiskPiece[] {
    const slots = this.file.slots!
    const pieces: DiskPiece[] = []
    let used = 0
    let runStart = -1
    let runPage = 0
    const endRun = (): void => {
      if (runStart === -1) return
      // The header lies in the first page and is not a slot.
      const skip = runPage === 0 ? HEADER_SIZE : 0
      const bytes = this.staging.subarray(runStart + skip, used)
      pieces.push(this.piece(runPage * PAGE_SIZE + skip, bytes))
      runStart = -1
    }
    for (; this.page < slots.pageCount && used + PAGE_SIZE <= this.staging.length; this.page++) {
      const page = this.page
      if (!slots.isDirty(page) && (runStart === -1 || !this.bridges(page))) {
        endRun()
        continue
      }
      if (runStart === -1) {
        runStart = used
        runPage = page
      }
      this.copyPage(page, limit, used)
      used += slots.pageLength(page)
    }
    endRun()
    return pieces
  }

  /** Whether a clean page is to be written because dirty ones follow soon; all on the way must be known. */
  private bridges(page: number): boolean {
    const slots = this.file.slots!
    const stop = Math.min(slots.pageCount, page + GAP_PAGES_MAX)
    for (let next = page; next < stop && slots.isLoaded(next); next++) {
      if (slots.isDirty(next)) return true
    }
    return false
  }

  /** Copies a page with no slot leading to `limit` or beyond; it stays dirty when one did. */
  private copyPage(page: number, limit: number, at: number): void {
    const slots = this.file.slots!
    const from = page * PAGE_SIZE
    const to = from + slots.pageLength(page)
    slots.bytes.copy(this.staging, at, from, to)
    slots.markClean(page)
    this.written.push(page)
    for (let position = from === 0 ? HEADER_SIZE : from; position < to; position += 4) {
      const entry = readInt32(slots.bytes, position)
      if (entry < limit) continue
      const kept = this.file.recent!.newestBelow(limit, entry)
      writeInt32(this.staging, at + position - from, kept)
      slots.markDirty(page)
    }
  }
}
