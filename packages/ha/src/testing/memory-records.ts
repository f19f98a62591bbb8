import { crc32 } from 'node:zlib'
import { readInt32, readInt64, writeInt32, writeInt64 } from '@apogee/base'
import {
  RECORD_BLANK_MIN_SIZE,
  RECORD_BODY_CRC,
  RECORD_MAGIC,
  RECORD_MAGIC_BLANK,
  RECORD_MAGIC_V1,
  RECORD_PHYSICAL_OFFSET,
  RECORD_TOTAL_SIZE,
} from '@apogee/protocol'

// Records of a log in memory: where they stand in Apache's (size, magic, crc, own offset), so do ours; the rest is filler
// that tells one record from every other.
//
//   0 totalSize i32   4 magic i32   8 crc of 36… i32   28 physicalOffset i64   36 id i32   40 filler

const ID = 36
/** The smallest record. */
export const MEMORY_RECORD_MIN = 44
export const BLANK_MIN: number = RECORD_BLANK_MIN_SIZE

export function writeRecord(into: Buffer, at: number, size: number, id: number): void {
  into.fill(0, at, at + ID)
  writeInt32(into, at + RECORD_TOTAL_SIZE, size)
  writeInt32(into, at + RECORD_MAGIC, RECORD_MAGIC_V1)
  writeInt64(into, at + RECORD_PHYSICAL_OFFSET, at)
  writeInt32(into, at + ID, id)
  into.fill((id * 31 + 7) & 0xff, at + ID + 4, at + size)
  writeInt32(into, at + RECORD_BODY_CRC, crcOf(into, at, size))
}

export function writeBlank(into: Buffer, at: number, left: number): void {
  into.fill(0, at, at + left)
  writeInt32(into, at + RECORD_TOTAL_SIZE, left)
  writeInt32(into, at + RECORD_MAGIC, RECORD_MAGIC_BLANK)
}

export const isBlank = (bytes: Buffer, at: number): boolean =>
  readInt32(bytes, at + RECORD_MAGIC) === RECORD_MAGIC_BLANK

/**
 * Size of the record at `at`, of which `available` bytes are there and which must end at `fileEnd` at the latest. 0: too
 * little is there to say; −1: it is none. With `verify` only a whole record with the right checksum counts.
 */
export function recordSize(
  bytes: Buffer,
  at: number,
  available: number,
  fileEnd: number,
  verify: boolean,
): number {
  if (available < BLANK_MIN) return 0
  const size = readInt32(bytes, at + RECORD_TOTAL_SIZE)
  if (isBlank(bytes, at)) return size === fileEnd - at ? size : -1
  if (readInt32(bytes, at + RECORD_MAGIC) !== RECORD_MAGIC_V1) return -1
  if (size < MEMORY_RECORD_MIN || at + size + BLANK_MIN > fileEnd) return -1
  if (available < size) return 0
  if (readInt64(bytes, at + RECORD_PHYSICAL_OFFSET) !== at) return -1
  if (verify && readInt32(bytes, at + RECORD_BODY_CRC) !== crcOf(bytes, at, size)) return -1
  return size
}

function crcOf(bytes: Buffer, at: number, size: number): number {
  return crc32(bytes.subarray(at + ID, at + size)) | 0
}
