// Text inside JSON strings, as bytes: escapes to UTF-8 and back, without strings in between.

const BACKSLASH = 0x5c
const QUOTE = 0x22

/** What a one-letter escape stands for; 0 for a letter that is none (`u` is handled apart). */
const SIMPLE = new Uint8Array(256)
for (const [letter, value] of Object.entries({
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 0x22,
  "'": 0x27,
  '/': 0x2f,
  '\\': 0x5c,
})) {
  SIMPLE[letter.charCodeAt(0)] = value
}

/** The value of four hex digits, −1 when they are not that. */
function hex4(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1
  let value = 0
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i]!
    let digit = byte - 0x30
    if (digit < 0 || digit > 9) {
      digit = (byte | 0x20) - 0x57
      if (digit < 10 || digit > 15) return -1
    }
    value = (value << 4) | digit
  }
  return value
}

/** Writes a code point as UTF-8 and returns the end; a lone surrogate becomes `?`, as in Java. */
function writeCodePoint(bytes: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    bytes[at] = point
    return at + 1
  }
  if (point < 0x800) {
    bytes[at] = 0xc0 | (point >> 6)
    bytes[at + 1] = 0x80 | (point & 63)
    return at + 2
  }
  if (point >= 0xd800 && point < 0xe000) {
    bytes[at] = 0x3f
    return at + 1
  }
  let to = at
  if (point < 0x10000) bytes[to++] = 0xe0 | (point >> 12)
  else {
    bytes[to++] = 0xf0 | (point >> 18)
    bytes[to++] = 0x80 | ((point >> 12) & 63)
  }
  bytes[to++] = 0x80 | ((point >> 6) & 63)
  bytes[to++] = 0x80 | (point & 63)
  return to
}

/**
 * Writes the text of a JSON string's inside `[start, end)` as UTF-8 into `into` at `at` and returns how many bytes it
 * wrote: never more than `end - start`, so `into` may be `bytes` itself with `at <= start`. Returns −1 when an escape is
 * not one; what was written up to there is then garbage.
 */
export function unescapeJson(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
): number {
  let to = at
  let from = start
  while (from < end) {
    const byte = bytes[from++]!
    if (byte !== BACKSLASH) {
      into[to++] = byte
      continue
    }
    if (from >= end) return -1
    const letter = bytes[from++]!
    if (letter !== 0x75) {
      if (SIMPLE[letter] === 0) return -1
      into[to++] = SIMPLE[letter]!
      continue
    }
    let point = hex4(bytes, from, end)
    if (point < 0) return -1
    from += 4
    if (
      point >= 0xd800 &&
      point < 0xdc00 &&
      bytes[from] === BACKSLASH &&
      bytes[from + 1] === 0x75
    ) {
      const low = hex4(bytes, from + 2, end)
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
        from += 6
      }
    }
    to = writeCodePoint(into, to, point)
  }
  return to - at
}

const HEX = Buffer.from('0123456789abcdef', 'latin1')

/** Writes UTF-8 text `[start, end)` as the inside of a JSON string and returns the end: at most six bytes per byte. */
export function escapeJson(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
): number {
  let to = at
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte === QUOTE || byte === BACKSLASH) {
      into[to++] = BACKSLASH
      into[to++] = byte
    } else if (byte < 0x20) {
      into[to++] = BACKSLASH
      into[to++] = 0x75
      into[to++] = 0x30
      into[to++] = 0x30
      into[to++] = HEX[byte >> 4]!
      into[to++] = HEX[byte & 15]!
    } else into[to++] = byte
  }
  return to
}
