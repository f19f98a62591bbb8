// Numbers as ASCII text in byte buffers, without strings in between.

const ZERO = 0x30
const MINUS = 0x2d
const PLUS = 0x2b
const BILLION = 1_000_000_000

/**
 * The integer that `[start, end)` spells in ASCII, as Java's `Long.parseLong` would read it; NaN when it is not one.
 * What lies beyond ±(2^53−1) becomes that: clients say Long.MAX_VALUE for "no limit".
 */
export function parseAsciiLong(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  const negative = at < end && bytes[at] === MINUS
  if (negative || (at < end && bytes[at] === PLUS)) at++
  if (at >= end || end - at > 19) return Number.NaN
  let value = 0
  for (; at < end; at++) {
    const digit = bytes[at]! - ZERO
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  if (value > Number.MAX_SAFE_INTEGER) return saturatedLong(negative ? -value : value) ?? Number.NaN
  return negative ? 0 - value : value
}

/** An integer of up to 19 digits, as Java's longs have, as the nearest number that is exact; undefined when it has more. */
export function saturatedLong(value: number): number | undefined {
  if (!(value > -NINETEEN_DIGITS && value < NINETEEN_DIGITS)) return undefined
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
}

const NINETEEN_DIGITS = 1e19

/** As {@link parseAsciiLong}, and NaN beyond 32 bits. */
export function parseAsciiInt(bytes: Uint8Array, start: number, end: number): number {
  const value = parseAsciiLong(bytes, start, end)
  return value === (value | 0) ? value : Number.NaN
}

/** `java.lang.Boolean.parseBoolean`: true for "true" in any case, else false. */
export function parseAsciiBoolean(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start === 4 &&
    (bytes[start]! | 0x20) === 0x74 &&
    (bytes[start + 1]! | 0x20) === 0x72 &&
    (bytes[start + 2]! | 0x20) === 0x75 &&
    (bytes[start + 3]! | 0x20) === 0x65
  )
}

/** Bytes that {@link writeAsciiInteger} needs. */
export function asciiIntegerSize(value: number): number {
  let size = value < 0 ? 2 : 1
  for (let rest = Math.abs(value); rest >= 10; rest = Math.floor(rest / 10)) size++
  return size
}

/** Writes a safe integer in decimal and returns the end. */
export function writeAsciiInteger(bytes: Uint8Array, at: number, value: number): number {
  const end = at + asciiIntegerSize(value)
  let rest = value
  if (value < 0) {
    bytes[at] = MINUS
    rest = -value
  }
  let place = end
  // Nine digits at a time, so that the division runs on 32-bit integers.
  while (rest >= BILLION) {
    const high = Math.floor(rest / BILLION)
    let low = (rest - high * BILLION) | 0
    for (let i = 0; i < 9; i++) {
      const next = (low / 10) | 0
      bytes[--place] = ZERO + low - next * 10
      low = next
    }
    rest = high
  }
  let low = rest | 0
  do {
    const next = (low / 10) | 0
    bytes[--place] = ZERO + low - next * 10
    low = next
  } while (low > 0)
  return end
}

const HEX = Buffer.from('0123456789ABCDEF', 'latin1')

/** Writes the bytes `[start, end)` of `source` in upper-case hexadecimal and returns the end. */
export function writeHex(
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  let to = at
  for (let i = start; i < end; i++) {
    const byte = source[i]!
    bytes[to++] = HEX[byte >> 4]!
    bytes[to++] = HEX[byte & 15]!
  }
  return to
}

/** Copies a short run: a plain loop beats the call into `Buffer.copy` below a few dozen bytes. */
export function copyBytes(
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  let to = at
  for (let i = start; i < end; i++) bytes[to++] = source[i]!
  return to
}
