import { readInt32, writeInt32 } from '@apogee/base'
import { type IndexSizes, slotPosition } from './layout.ts'

export const PAGE_SIZE = 4096
const LOADED = 1
const DIRTY = 2

/**
 * The slots of the file that is being written, in memory in their disk form; position p here is position p in the
 * file, so the first 40 bytes are not used. Known page by page: those of a new file at once, those of a reopened one
 * as they are read. The memory comes zeroed from the system, which gives a page only when it is touched.
 */
export class SlotTable {
  readonly bytes: Buffer
  readonly pageCount: number
  private readonly pages: Uint8Array
  private unloaded: number

  constructor(sizes: IndexSizes, isNew: boolean) {
    this.bytes = Buffer.alloc(slotPosition(sizes.slots))
    this.pageCount = Math.ceil(this.bytes.length / PAGE_SIZE)
    this.pages = new Uint8Array(this.pageCount)
    if (isNew) this.pages.fill(LOADED)
    this.unloaded = isNew ? 0 : this.pageCount
  }

  get allLoaded(): boolean {
    return this.unloaded === 0
  }

  pageOf(slot: number): number {
    return slotPosition(slot) >>> 12
  }

  isLoaded(page: number): boolean {
    return (this.pages[page]! & LOADED) !== 0
  }

  isDirty(page: number): boolean {
    return (this.pages[page]! & DIRTY) !== 0
  }

  /** Bytes of a page, or of its part in the table. */
  pageLength(page: number): number {
    return Math.min(PAGE_SIZE, this.bytes.length - page * PAGE_SIZE)
  }

  /** Takes a page as it is on disk, unless it is known already. */
  load(page: number, from: Uint8Array, at: number): void {
    if (this.isLoaded(page)) return
    const start = page * PAGE_SIZE
    this.bytes.set(from.subarray(at, at + this.pageLength(page)), start)
    this.pages[page]! |= LOADED
    this.unloaded--
  }

  /** The page of the slot must be loaded. */
  get(slot: number): number {
    return readInt32(this.bytes, slotPosition(slot))
  }

  set(slot: number, entry: number): void {
    const position = slotPosition(slot)
    writeInt32(this.bytes, position, entry)
    this.pages[position >>> 12]! |= DIRTY
  }

  markDirty(page: number): void {
    this.pages[page]! |= DIRTY
  }

  markClean(page: number): void {
    this.pages[page]! &= ~DIRTY
  }
}
