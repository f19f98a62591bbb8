import type { RecordView } from '@apogee/protocol'

// A record's sizes and the checksum of its body leave its topic and properties unprotected. What a crash does to them can
// be seen all the same: a sector that never reached the disk reads as zeros, since whatever lay behind the log was erased.

const SECTOR = 512
/** A folder name of common file systems. */
const TOPIC_SIZE_MAX = 255
/** So many zeros beside the edge of a sector are a lost write; text with fewer is left alone. */
const ZEROS_MIN = 8
const DOT = 0x2e

/** Whether topic, queue and offset can be those of a message: recovery makes folders and files by them. */
export function hasPlace(buffer: Uint8Array, view: RecordView): boolean {
  const { topicStart, topicEnd, queueId, queueOffset } = view
  const size = topicEnd - topicStart
  if (queueId < 0 || queueOffset < 0 || !Number.isSafeInteger(queueOffset)) return false
  if (size === 0 || size > TOPIC_SIZE_MAX) return false
  let dots = 0
  for (let i = topicStart; i < topicEnd; i++) {
    const byte = buffer[i]!
    if (byte <= 0x20 || byte === 0x7f || byte === 0x2f || byte === 0x5c) return false
    if (byte === DOT) dots++
  }
  return dots < size || size > 2
}

/**
 * Whether a sector under the topic or the properties was lost or torn. `position` is where the record starts in its file.
 */
export function isTorn(buffer: Uint8Array, view: RecordView, position: number): boolean {
  // Empty properties are two zeros by themselves.
  const isBare = view.propertiesStart === view.propertiesEnd
  const end = isBare ? view.topicEnd : view.propertiesEnd
  // A write that stopped anywhere: every client's properties end with a separator or a character.
  if (buffer[end - 1] === 0) return true
  // Positions in the file, so that sectors are those of the disk.
  const shift = position - (view.propertiesEnd - view.totalSize)
  let edge = Math.ceil((view.topicStart + shift) / SECTOR) * SECTOR - shift
  if (edge > view.topicStart && isZeroBefore(buffer, view.topicStart, Math.min(edge, end))) {
    return true
  }
  for (; edge < end; edge += SECTOR) {
    const stop = Math.min(edge + SECTOR, end)
    if (isZeroAfter(buffer, edge, stop) || isZeroBefore(buffer, edge, stop)) return true
  }
  return false
}

/** Whether [from, to) ends with zeros: enough of them, or nothing else. */
function isZeroBefore(buffer: Uint8Array, from: number, to: number): boolean {
  const first = Math.max(from, to - ZEROS_MIN)
  for (let i = first; i < to; i++) if (buffer[i] !== 0) return false
  return to > first
}

function isZeroAfter(buffer: Uint8Array, from: number, to: number): boolean {
  const last = Math.min(to, from + ZEROS_MIN)
  for (let i = from; i < last; i++) if (buffer[i] !== 0) return false
  return last > from
}
