import { type Decoded, isMalformed, Malformed } from '@apogee/base'
import { decodeLz4Block, encodeLz4Block, LZ4_NO_ROOM, lz4BlockBound } from './lz4-block.ts'
import { readLe32, xxHash32 } from './xxhash32.ts'

// An LZ4 frame, little-endian (what Java's LZ4FrameOutputStream writes into message bodies):
//   magic u32 | FLG u8 | BD u8 | [content size u64] | [dictionary u32] | header checksum u8
//   blocks: size u32 (high bit: stored as it is) | bytes | [checksum u32]
//   0 u32 | [content checksum u32]
// FLG: version 01 in bits 7-6, 5 blocks independent, 4 block checksums, 3 content size, 2 content checksum, 0 dictionary.
// BD: bits 6-4 give the largest block: 4 is 64 KiB, then four times each, 7 is 4 MiB.
// Frames may follow each other; skippable ones (magic 0x184D2A5x, size u32, bytes) are passed over.

const MAGIC = 0x184d2204
const SKIPPABLE_MAGIC = 0x184d2a50
const STORED = 0x80000000 | 0
const MAX_BLOCK_SIZE = 4 * 1024 * 1024
/** First guess of the output, before anything is known of it. */
const INITIAL_ROOM_FACTOR = 4

interface FrameHeader {
  readonly end: number
  readonly linked: boolean
  readonly blockChecksums: boolean
  readonly contentChecksum: boolean
  readonly contentSize: number | null
  readonly maxBlockSize: number
}

/**
 * Decodes LZ4 frames. `maxOutputLength` bounds the output and the memory taken for it (up to twice that for a moment).
 * Errors: LZ4_CORRUPT, LZ4_UNSUPPORTED (a dictionary), DECOMPRESSED_TOO_LARGE.
 */
export function decodeLz4Frame(bytes: Uint8Array, maxOutputLength: number): Decoded<Uint8Array> {
  const decoder = new FrameDecoder(bytes, maxOutputLength)
  let at = 0
  do {
    const end = decoder.frame(at)
    if (isMalformed(end)) return end
    at = end
  } while (at < bytes.length)
  return decoder.output()
}

class FrameDecoder {
  private readonly bytes: Uint8Array
  private readonly maxOutputLength: number
  private into: Uint8Array
  private length = 0

  constructor(bytes: Uint8Array, maxOutputLength: number) {
    this.bytes = bytes
    this.maxOutputLength = maxOutputLength
    const room = Math.min(maxOutputLength, bytes.length * INITIAL_ROOM_FACTOR)
    this.into = new Uint8Array(room)
  }

  output(): Uint8Array {
    return this.into.subarray(0, this.length)
  }

  /** Decodes the frame at `at`; returns where it ends. */
  frame(at: number): Decoded<number> {
    const { bytes } = this
    if (bytes.length - at < 8) return corrupt(at, 'frame cut')
    const magic = readLe32(bytes, at)
    if ((magic & ~15) === SKIPPABLE_MAGIC) {
      const size = readLe32(bytes, at + 4) >>> 0
      return size > bytes.length - at - 8 ? corrupt(at, 'frame cut') : at + 8 + size
    }
    if (magic !== MAGIC) return corrupt(at, 'no LZ4 frame')
    const header = readHeader(bytes, at)
    if (isMalformed(header)) return header
    const start = this.length
    let next = header.end
    for (;;) {
      if (bytes.length - next < 4) return corrupt(next, 'block cut')
      const size = readLe32(bytes, next)
      next += 4
      if (size === 0) break
      const end = this.block(next, size, header, header.linked ? start : this.length)
      if (isMalformed(end)) return end
      next = end
    }
    return this.finish(next, start, header)
  }

  private block(at: number, size: number, header: FrameHeader, floor: number): Decoded<number> {
    const { bytes } = this
    const length = size & ~STORED
    const end = at + length
    const after = header.blockChecksums ? end + 4 : end
    if (length > header.maxBlockSize || after > bytes.length) return corrupt(at, 'block cut')
    if (header.blockChecksums && xxHash32(bytes, at, end) !== readLe32(bytes, end) >>> 0) {
      return corrupt(at, 'block checksum')
    }
    if ((size & STORED) !== 0) {
      if (length > this.maxOutputLength - this.length) return this.tooLarge()
      this.grow(this.length + length)
      this.into.set(bytes.subarray(at, end), this.length)
      this.length += length
      return after
    }
    const error = this.compressedBlock(at, end, header, floor)
    return error ?? after
  }

  private compressedBlock(
    at: number,
    end: number,
    header: FrameHeader,
    floor: number,
  ): Malformed | null {
    for (;;) {
      const blockLimit = this.length + header.maxBlockSize
      const limit = Math.min(blockLimit, this.into.length)
      const length = decodeLz4Block(this.bytes, at, end, this.into, this.length, limit, floor)
      if (length >= 0) {
        this.length = length
        return null
      }
      if (length !== LZ4_NO_ROOM || limit === blockLimit) return corrupt(at, 'block')
      if (this.into.length >= this.maxOutputLength) return this.tooLarge()
      // Decoding the block again costs less than it looks: the room doubles each time.
      this.grow(this.into.length + 1)
    }
  }

  private finish(at: number, start: number, header: FrameHeader): Decoded<number> {
    const produced = this.length - start
    if (header.contentSize !== null && header.contentSize !== produced) {
      return corrupt(at, `${produced} bytes, not ${header.contentSize}`)
    }
    if (!header.contentChecksum) return at
    if (this.bytes.length - at < 4) return corrupt(at, 'frame cut')
    const holds = xxHash32(this.into, start, this.length) === readLe32(this.bytes, at) >>> 0
    return holds ? at + 4 : corrupt(at, 'content checksum')
  }

  /** Makes room for `length` bytes at least, by doubling, never above the limit. */
  private grow(length: number): void {
    if (length <= this.into.length) return
    const room = Math.min(Math.max(length, this.into.length * 2, 1024), this.maxOutputLength)
    const grown = new Uint8Array(room)
    grown.set(this.into.subarray(0, this.length))
    this.into = grown
  }

  private tooLarge(): Malformed {
    return new Malformed('DECOMPRESSED_TOO_LARGE', `more than ${this.maxOutputLength} bytes`)
  }
}

function readHeader(bytes: Uint8Array, at: number): Decoded<FrameHeader> {
  const flags = bytes[at + 4]!
  const sizeCode = bytes[at + 5]! >> 4
  if (flags >> 6 !== 1 || (flags & 2) !== 0) return corrupt(at, 'frame version')
  if (sizeCode < 4 || sizeCode > 7 || (bytes[at + 5]! & 15) !== 0) return corrupt(at, 'block size')
  if ((flags & 1) !== 0) return new Malformed('LZ4_UNSUPPORTED', 'a frame with a dictionary')
  const hasSize = (flags & 8) !== 0
  const checksumAt = at + 6 + (hasSize ? 8 : 0)
  if (checksumAt >= bytes.length) return corrupt(at, 'frame cut')
  if (((xxHash32(bytes, at + 4, checksumAt) >> 8) & 0xff) !== bytes[checksumAt]) {
    return corrupt(at, 'header checksum')
  }
  return {
    end: checksumAt + 1,
    linked: (flags & 0x20) === 0,
    blockChecksums: (flags & 0x10) !== 0,
    contentChecksum: (flags & 4) !== 0,
    contentSize: hasSize
      ? (readLe32(bytes, at + 6) >>> 0) + (readLe32(bytes, at + 10) >>> 0) * 0x1_0000_0000
      : null,
    maxBlockSize: blockSizeOf(sizeCode),
  }
}

function corrupt(at: number, what: string): Malformed {
  return new Malformed('LZ4_CORRUPT', `${what} at ${at}`)
}

function blockSizeOf(code: number): number {
  return 1 << (8 + 2 * code)
}

/** Encodes bytes as one frame of independent blocks without checksums, the form that Java's reader understands. */
export function encodeLz4Frame(bytes: Uint8Array): Uint8Array {
  let sizeCode = 4
  while (blockSizeOf(sizeCode) < Math.min(bytes.length, MAX_BLOCK_SIZE)) sizeCode++
  const blockSize = blockSizeOf(sizeCode)
  const blocks = Math.ceil(bytes.length / blockSize)
  // A block that does not shrink is undone and stored, but has been written first.
  const into = new Uint8Array(11 + blocks * 4 + lz4BlockBound(bytes.length) + blocks * 17)
  writeLe32(into, 0, MAGIC)
  into[4] = 0x60
  into[5] = sizeCode << 4
  into[6] = xxHash32(into, 4, 6) >> 8
  let at = 7
  for (let start = 0; start < bytes.length; start += blockSize) {
    const end = Math.min(start + blockSize, bytes.length)
    const blockEnd = encodeLz4Block(bytes, start, end, into, at + 4)
    if (blockEnd - at - 4 < end - start) {
      writeLe32(into, at, blockEnd - at - 4)
      at = blockEnd
    } else {
      writeLe32(into, at, (end - start) | STORED)
      into.set(bytes.subarray(start, end), at + 4)
      at += 4 + end - start
    }
  }
  writeLe32(into, at, 0)
  return into.slice(0, at + 4)
}

function writeLe32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >> 8
  bytes[at + 2] = value >> 16
  bytes[at + 3] = value >> 24
}
