import { readInt32, readInt64, writeInt32, writeInt64 } from '@apogee/base'

// index/<yyyyMMddHHmmssSSS>: a hash table on disk (IndexFile.java, IndexHeader.java).
//
//   0      8      16     24     32     36     40                    +4 × slots               + 20 × entries
//   ┌──────┬──────┬──────┬──────┬──────┬──────┬─────────────────────┬───────────────────────────┐
//   │begin │ end  │begin │ end  │slot  │index │ slots: int32, the   │ entries, the first unused │
//   │Time  │ Time │Phys. │ Phys.│Count │Count │ newest entry or 0   │                           │
//   └──────┴──────┴──────┴──────┴──────┴──────┴─────────────────────┴───────────────────────────┘
//
//   entry: hash int32, physicalOffset int64, seconds since beginTime int32, previous entry of the slot int32
//
// indexCount is the number of the next entry and starts at 1. beginTime is that of the first entry; until there is one it
// is the end of the file before, and the first entry's seconds still count from there.

export const HEADER_SIZE = 40
export const SLOT_SIZE = 4
export const ENTRY_SIZE = 20

export interface IndexSizes {
  slots: number
  entries: number
}

export function fileSizeOf(sizes: IndexSizes): number {
  return HEADER_SIZE + SLOT_SIZE * sizes.slots + ENTRY_SIZE * sizes.entries
}

export function entryPosition(sizes: IndexSizes, entry: number): number {
  return HEADER_SIZE + SLOT_SIZE * sizes.slots + ENTRY_SIZE * entry
}

export function slotPosition(slot: number): number {
  return HEADER_SIZE + SLOT_SIZE * slot
}

export class IndexHeader {
  beginTimestamp = 0
  endTimestamp = 0
  beginPhysicalOffset = 0
  endPhysicalOffset = 0
  slotCount = 0
  indexCount = 1

  /** Whether the numbers can be those of a file of these sizes. */
  read(bytes: Uint8Array, sizes: IndexSizes): boolean {
    this.beginTimestamp = readInt64(bytes, 0)
    this.endTimestamp = readInt64(bytes, 8)
    this.beginPhysicalOffset = readInt64(bytes, 16)
    this.endPhysicalOffset = readInt64(bytes, 24)
    this.slotCount = readInt32(bytes, 32)
    this.indexCount = readInt32(bytes, 36)
    if (this.indexCount === 0) this.indexCount = 1
    return (
      isWhole(this.beginTimestamp) &&
      isWhole(this.endTimestamp) &&
      isWhole(this.beginPhysicalOffset) &&
      isWhole(this.endPhysicalOffset) &&
      this.slotCount >= 0 &&
      this.slotCount <= sizes.slots &&
      this.indexCount >= 1 &&
      this.indexCount <= sizes.entries
    )
  }

  write(bytes: Uint8Array): void {
    writeInt64(bytes, 0, this.beginTimestamp)
    writeInt64(bytes, 8, this.endTimestamp)
    writeInt64(bytes, 16, this.beginPhysicalOffset)
    writeInt64(bytes, 24, this.endPhysicalOffset)
    writeInt32(bytes, 32, this.slotCount)
    writeInt32(bytes, 36, this.indexCount)
  }

  /** An empty file begins where the one before it ends. */
  startAfter(before: IndexHeader | null): void {
    this.beginTimestamp = before?.endTimestamp ?? 0
    this.endTimestamp = this.beginTimestamp
    this.beginPhysicalOffset = before?.endPhysicalOffset ?? 0
    this.endPhysicalOffset = this.beginPhysicalOffset
  }

  /** Whether messages stored in [begin, end] can be in the file, as IndexFile.isTimeMatched says. */
  matchesTime(begin: number, end: number): boolean {
    const { beginTimestamp, endTimestamp } = this
    if (begin < beginTimestamp && end > endTimestamp) return true
    if (begin >= beginTimestamp && begin <= endTimestamp) return true
    return end >= beginTimestamp && end <= endTimestamp
  }
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
