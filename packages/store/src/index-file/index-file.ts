import { assert, readInt32, readInt64 } from '@apogee/base'
import type { Disk, DiskFile } from '@apogee/env'
import { ENTRY_SIZE, entryPosition, HEADER_SIZE, IndexHeader, type IndexSizes } from './layout.ts'
import { RecentEntries } from './recent-entries.ts'
import { PAGE_SIZE, SlotTable } from './slot-table.ts'

const SECONDS_MAX = 0x7fffffff

/**
 * One index file. Sealed: only its header is in memory. Being written: also its slots, and the entries that are not yet
 * synced. Nothing here writes; see index-flush.ts.
 */
export class IndexFile {
  readonly path: string
  readonly name: string
  readonly sizes: IndexSizes
  readonly header: IndexHeader = new IndexHeader()
  /** Slots and entries in memory, `null` once sealed. */
  slots: SlotTable | null = null
  recent: RecentEntries | null = null
  /** The file is on disk, or will be once a flush has made it. */
  exists: boolean
  /** A flush of this process wrote the file, and saw to its name. */
  isNamed = false
  /** Slots were set back, and must be on disk before the entries they led to are overwritten. */
  repaired = false
  private readonly disk: Disk
  /** Open while slots are still to be read. */
  private reader: DiskFile | null = null
  private readonly page = Buffer.allocUnsafeSlow(PAGE_SIZE)

  constructor(folder: string, name: string, sizes: IndexSizes, disk: Disk, exists: boolean) {
    this.path = `${folder}/${name}`
    this.name = name
    this.sizes = sizes
    this.disk = disk
    this.exists = exists
  }

  get isFull(): boolean {
    return this.header.indexCount >= this.sizes.entries
  }

  get isEmpty(): boolean {
    return this.header.indexCount <= 1
  }

  /** Bytes of entries that are not synced. */
  get pendingBytes(): number {
    return this.recent?.bytes ?? 0
  }

  /** Whether the file holds something that is not on disk. */
  get isDirty(): boolean {
    return this.repaired || this.pendingBytes > 0
  }

  /** Prepares for `put`. */
  unseal(): void {
    if (this.slots !== null) return
    this.slots = new SlotTable(this.sizes, !this.exists)
    this.recent = new RecentEntries(this.header.indexCount)
  }

  seal(): void {
    assert(!this.isDirty, 'an index file was sealed with entries in memory', this.path)
    this.slots = null
    this.recent = null
    this.closeReader()
  }

  /** Adds an entry; false when the file is full. Must be unsealed. May read a page of slots: throws a DiskError then. */
  put(keyHash: number, physicalOffset: number, storeTimestamp: number): boolean {
    const header = this.header
    const entry = header.indexCount
    if (entry >= this.sizes.entries) return false
    const slot = keyHash % this.sizes.slots
    const previous = this.newest(slot)
    const begin = header.beginTimestamp
    let seconds = begin <= 0 ? 0 : Math.floor((storeTimestamp - begin) / 1000)
    if (seconds < 0) seconds = 0
    else if (seconds > SECONDS_MAX) seconds = SECONDS_MAX
    this.recent!.append(keyHash, physicalOffset, seconds, previous)
    this.slots!.set(slot, entry)
    if (entry <= 1) {
      header.beginPhysicalOffset = physicalOffset
      header.beginTimestamp = storeTimestamp
    }
    if (previous === 0) header.slotCount++
    header.indexCount = entry + 1
    header.endPhysicalOffset = physicalOffset
    header.endTimestamp = storeTimestamp
    return true
  }

  /** The newest entry of a slot, 0 without. Reads the page when it must. */
  newest(slot: number): number {
    const slots = this.slots!
    const page = slots.pageOf(slot)
    if (!slots.isLoaded(page)) this.loadPage(page)
    const entry = slots.get(slot)
    return entry > 0 && entry < this.header.indexCount ? entry : 0
  }

  /** Whether the entries of the newest record include one with this hash. Reads the disk at once. */
  hasNewest(keyHash: number, physicalOffset: number): boolean {
    const bytes = Buffer.alloc(ENTRY_SIZE)
    let entry = this.newest(keyHash % this.sizes.slots)
    while (entry > 0) {
      this.entryNow(entry, bytes)
      if (readInt64(bytes, 4) !== physicalOffset) return false
      if (readInt32(bytes, 0) === keyHash) return true
      const previous = readInt32(bytes, 16)
      entry = previous < entry ? previous : 0
    }
    return false
  }

  /** Copies an entry, from memory or, at once, from disk. */
  entryNow(entry: number, into: Buffer): void {
    if (this.recent?.holds(entry) === true) {
      const at = this.recent.positionOf(entry)
      this.recent.chunkOf(entry).copy(into, 0, at, at + ENTRY_SIZE)
      return
    }
    this.entriesNow(entry, into, ENTRY_SIZE)
  }

  /** Reads entries from `entry` on from disk, at once; what the file does not have reads as zeros. */
  entriesNow(entry: number, into: Buffer, length: number): void {
    const read = this.open().readNow(into, 0, length, entryPosition(this.sizes, entry))
    into.fill(0, read, length)
  }

  /** Reads the header; false when it cannot be one. */
  readHeader(handle: DiskFile): boolean {
    const bytes = Buffer.alloc(HEADER_SIZE)
    handle.readNow(bytes, 0, HEADER_SIZE, 0)
    return this.header.read(bytes, this.sizes)
  }

  /** Writes and syncs the header at once. */
  writeHeaderNow(): void {
    const bytes = Buffer.alloc(HEADER_SIZE)
    this.header.write(bytes)
    const handle = this.disk.open(this.path)
    try {
      handle.writeNow(bytes, 0)
      handle.syncNow()
    } finally {
      handle.close()
    }
  }

  loadPage(page: number): void {
    const length = this.slots!.pageLength(page)
    const read = this.open().readNow(this.page, 0, length, page * PAGE_SIZE)
    this.page.fill(0, read, length)
    this.slots!.load(page, this.page, 0)
  }

  closeReader(): void {
    this.reader?.close()
    this.reader = null
  }

  private open(): DiskFile {
    this.reader ??= this.disk.open(this.path)
    return this.reader
  }
}
