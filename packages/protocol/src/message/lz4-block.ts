import { readLe32 } from './xxhash32.ts'

// An LZ4 block is a run of sequences:
//   token: literals (high 4 bits), match length - 4 (low 4 bits); 15 goes on in bytes of 255 until one is less
//   [more literal length] | literals | distance back u16 little-endian | [more match length]
// The last sequence is literals only. The last 5 bytes are literals, and no match starts in the last 12.

const MIN_MATCH = 4
const LAST_LITERALS = 5
const MATCH_START_LIMIT = 12
const MAX_DISTANCE = 65_535
const HASH_BITS = 13

/** The block is no LZ4, or reaches back before `floor`. */
export const LZ4_CORRUPT = -1
/** The block gives more than there is room for. */
export const LZ4_NO_ROOM = -2

/**
 * Decodes the block in [start, end) to `into` at `at`, never beyond `limit`; matches may reach back to `floor` (what was
 * decoded before, when blocks are linked). Returns where the output ends, or LZ4_CORRUPT or LZ4_NO_ROOM.
 */
export function decodeLz4Block(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
  limit: number,
  floor: number,
): number {
  let i = start
  let o = at
  while (i < end) {
    const token = bytes[i++]!
    let length = token >> 4
    if (length === 15) {
      let byte = 255
      while (byte === 255) {
        if (i >= end) return LZ4_CORRUPT
        byte = bytes[i++]!
        length += byte
      }
    }
    if (length > end - i) return LZ4_CORRUPT
    if (length > limit - o) return LZ4_NO_ROOM
    for (let n = 0; n < length; n++) into[o++] = bytes[i++]!
    if (i === end) return o

    if (end - i < 2) return LZ4_CORRUPT
    const distance = bytes[i]! | (bytes[i + 1]! << 8)
    i += 2
    if (distance === 0 || distance > o - floor) return LZ4_CORRUPT
    length = token & 15
    if (length === 15) {
      let byte = 255
      while (byte === 255) {
        if (i >= end) return LZ4_CORRUPT
        byte = bytes[i++]!
        length += byte
      }
    }
    length += MIN_MATCH
    if (length > limit - o) return LZ4_NO_ROOM
    // Byte by byte, since a match may overlap what it writes.
    for (let n = 0; n < length; n++, o++) into[o] = into[o - distance]!
  }
  return LZ4_CORRUPT
}

/** Bytes that a block of `size` bytes takes at most. */
export function lz4BlockBound(size: number): number {
  return size + Math.ceil(size / 255) + 16
}

/**
 * Encodes the bytes in [start, end) as one block to `into` at `at`; returns where it ends. `into` has
 * `lz4BlockBound(end - start)` bytes of room. Greedy, with one place remembered per hash.
 */
export function encodeLz4Block(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
): number {
  const places = new Int32Array(1 << HASH_BITS).fill(-1)
  const lastStart = end - MATCH_START_LIMIT
  let anchor = start
  let o = at
  for (let i = start; i <= lastStart; ) {
    const word = readLe32(bytes, i)
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS)
    const place = places[hash]!
    places[hash] = i
    if (place < 0 || i - place > MAX_DISTANCE || readLe32(bytes, place) !== word) {
      // The longer nothing matches, the larger the steps: what cannot be compressed goes by fast.
      i += 1 + ((i - anchor) >> 6)
      continue
    }
    let length = MIN_MATCH
    while (i + length < end - LAST_LITERALS && bytes[place + length] === bytes[i + length]) length++
    o = writeSequence(bytes, anchor, i, length, into, o)
    into[o++] = (i - place) & 0xff
    into[o++] = (i - place) >> 8
    o = writeMore(into, o, length - MIN_MATCH)
    i += length
    anchor = i
  }
  return writeSequence(bytes, anchor, end, MIN_MATCH, into, o)
}

/** The token and the literals of [anchor, end); of the last sequence the match length does not count. */
function writeSequence(
  bytes: Uint8Array,
  anchor: number,
  end: number,
  matchLength: number,
  into: Uint8Array,
  at: number,
): number {
  const literals = end - anchor
  into[at++] = (Math.min(literals, 15) << 4) | Math.min(matchLength - MIN_MATCH, 15)
  at = writeMore(into, at, literals)
  for (let i = anchor; i < end; i++) into[at++] = bytes[i]!
  return at
}

/** What of a length does not fit its four bits. */
function writeMore(into: Uint8Array, at: number, length: number): number {
  if (length < 15) return at
  let more = length - 15
  for (; more >= 255; more -= 255) into[at++] = 255
  into[at++] = more
  return at
}
