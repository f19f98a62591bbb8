import { readInt32, readInt64 } from '@apogee/base'
import type { IndexFile } from './index-file.ts'
import { ENTRY_SIZE } from './layout.ts'

const STEP_ENTRIES = 3276

/**
 * Cuts a file back to the entries of records below `logEnd`, and sets back slots that lead past what is left. They can do
 * so after a crash between slots and header, or because the log lost its unflushed end. Everything is in the file: entries
 * past the count that a slot may lead to are whole, and they follow on each other up to the first empty one. Reads the
 * disk at once; returns how many entries were cut, `null` when what is left makes no sense. The file must be unsealed.
 * Throws a DiskError.
 */
export function repairIndexFile(
  file: IndexFile,
  fileBefore: IndexFile | null,
  logEnd: number,
): number | null {
  const header = file.header
  const before = header.indexCount
  if (header.endPhysicalOffset >= logEnd) header.indexCount = countBelow(file, logEnd)
  if (header.indexCount <= 1) header.startAfter(fileBefore?.header ?? null)
  else if (!endWithLastEntry(file)) return null
  file.repaired = setSlotsBack(file, before)
  // What is in memory starts at the count, which has moved.
  file.recent!.restart(header.indexCount)
  // At once: a log that grew again meanwhile would, after another crash, seem to have what is cut here.
  if (header.indexCount < before) file.writeHeaderNow()
  return before - header.indexCount
}

/**
 * Sets the header's end to what the last entry says: it can speak of more, also because the header itself was cut short in
 * the middle of its fields, of which the count is the last. False when the entry makes no sense.
 */
function endWithLastEntry(file: IndexFile): boolean {
  const header = file.header
  const entry = Buffer.alloc(ENTRY_SIZE)
  file.entriesNow(header.indexCount - 1, entry, ENTRY_SIZE)
  const physicalOffset = readInt64(entry, 4)
  const seconds = readInt32(entry, 12)
  if (isEmptyEntry(entry, 0) || seconds < 0) return false
  if (physicalOffset < 0 || physicalOffset > header.endPhysicalOffset) return false
  header.endPhysicalOffset = physicalOffset
  // Entries know their second only.
  const end = header.beginTimestamp + seconds * 1000 + 999
  header.endTimestamp = Math.min(header.endTimestamp, end)
  return true
}

/** The count with which the last entry is the last below `logEnd`. Offsets only grow along the entries. */
function countBelow(file: IndexFile, logEnd: number): number {
  const entry = Buffer.alloc(ENTRY_SIZE)
  let low = 1
  let high = file.header.indexCount
  while (low < high) {
    const middle = (low + high) >>> 1
    file.entriesNow(middle, entry, ENTRY_SIZE)
    if (readInt64(entry, 4) < logEnd) low = middle + 1
    else high = middle
  }
  return low
}

function setSlotsBack(file: IndexFile, mustReach: number): boolean {
  const { entries, slots } = file.sizes
  const limit = file.header.indexCount
  let changed = false
  const step = Buffer.alloc(STEP_ENTRIES * ENTRY_SIZE)
  for (let first = limit; first < entries; first += STEP_ENTRIES) {
    const count = Math.min(STEP_ENTRIES, entries - first)
    file.entriesNow(first, step, count * ENTRY_SIZE)
    for (let i = 0; i < count; i++) {
      const at = i * ENTRY_SIZE
      if (first + i >= mustReach && isEmptyEntry(step, at)) return changed
      const keyHash = readInt32(step, at)
      // A torn entry can hold anything; no slot leads to it.
      if (keyHash >= 0 && setBack(file, keyHash % slots, limit)) changed = true
    }
  }
  return changed
}

function setBack(file: IndexFile, slot: number, limit: number): boolean {
  const slots = file.slots!
  const page = slots.pageOf(slot)
  if (!slots.isLoaded(page)) file.loadPage(page)
  const newest = slots.get(slot)
  if (newest < limit) return false
  const bytes = Buffer.alloc(ENTRY_SIZE)
  let entry = newest
  while (entry >= limit) {
    file.entriesNow(entry, bytes, ENTRY_SIZE)
    const previous = readInt32(bytes, 16)
    entry = previous > 0 && previous < entry ? previous : 0
  }
  slots.set(slot, entry)
  if (entry === 0 && file.header.slotCount > 0) file.header.slotCount--
  return true
}

function isEmptyEntry(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + ENTRY_SIZE; i++) {
    if (bytes[i] !== 0) return false
  }
  return true
}
