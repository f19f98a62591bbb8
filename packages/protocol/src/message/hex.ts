const DIGITS: Uint8Array = new Uint8Array(Buffer.from('0123456789ABCDEF', 'latin1'))

/** Writes `length` bytes from `start` as upper-case hex digits at `at`; returns where they end. */
export function writeHex(
  into: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  for (let i = start; i < start + length; i++) {
    const byte = bytes[i]!
    into[at++] = DIGITS[byte >> 4]!
    into[at++] = DIGITS[byte & 15]!
  }
  return at
}

/** Writes the low `digits` hex digits of a 32-bit number at `at`; returns where they end. */
export function writeHexNumber(
  into: Uint8Array,
  at: number,
  value: number,
  digits: number,
): number {
  for (let shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    into[at++] = DIGITS[(value >>> shift) & 15]!
  }
  return at
}

/** The bytes of hex text of either case; `null` when the length is odd or a character is no digit. */
export function parseHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return null
  return new Uint8Array(Buffer.from(text, 'hex'))
}
