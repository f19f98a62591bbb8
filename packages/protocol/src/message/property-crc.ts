import { bodyCrc } from './body-crc.ts'
import { NAME_VALUE_SEPARATOR, PROPERTY_SEPARATOR } from './properties.ts'

// With enabledAppendPropCRC the last 20 bytes of a record's properties are a checksum over all bytes before them (Java
// MessageDecoder.createCrc32): "__CRC32#" 0x01, ten decimal digits with the LEAST significant first, 0x02.

/** Bytes that the checksum property takes at the end of a record. */
export const PROPERTY_CRC_SIZE = 20

const NAME: Uint8Array = new Uint8Array(Buffer.from('__CRC32#', 'latin1'))
const DIGITS = 10
const ZERO = 0x30

/** Computes the checksum of the record in [start, end) and writes it into the record's last 20 bytes. */
export function writePropertyCrc(buffer: Uint8Array, start: number, end: number): void {
  let at = end - PROPERTY_CRC_SIZE
  let crc = bodyCrc(buffer, start, at)
  for (let i = 0; i < NAME.length; i++) buffer[at++] = NAME[i]!
  buffer[at++] = NAME_VALUE_SEPARATOR
  for (let i = 0; i < DIGITS; i++) {
    buffer[at++] = ZERO + (crc % 10)
    crc = Math.floor(crc / 10)
  }
  buffer[at] = PROPERTY_SEPARATOR
}

/** No checksum property at the end of the record. */
export const PROPERTY_CRC_ABSENT = -1

/** The checksum at the end of the record in [start, end), or PROPERTY_CRC_ABSENT when the bytes are not of its form. */
export function readPropertyCrc(buffer: Uint8Array, start: number, end: number): number {
  let at = end - PROPERTY_CRC_SIZE
  if (at < start) return PROPERTY_CRC_ABSENT
  for (let i = 0; i < NAME.length; i++) {
    if (buffer[at++] !== NAME[i]) return PROPERTY_CRC_ABSENT
  }
  if (buffer[at++] !== NAME_VALUE_SEPARATOR) return PROPERTY_CRC_ABSENT
  if (buffer[end - 1] !== PROPERTY_SEPARATOR) return PROPERTY_CRC_ABSENT
  let crc = 0
  for (let i = DIGITS - 1; i >= 0; i--) {
    const digit = buffer[at + i]! - ZERO
    if (digit < 0 || digit > 9) return PROPERTY_CRC_ABSENT
    crc = crc * 10 + digit
  }
  return crc
}

/** Whether the record in [start, end) ends with a checksum property and it is the right one. */
export function propertyCrcHolds(buffer: Uint8Array, start: number, end: number): boolean {
  const expected = readPropertyCrc(buffer, start, end)
  return expected >= 0 && bodyCrc(buffer, start, end - PROPERTY_CRC_SIZE) === expected
}
