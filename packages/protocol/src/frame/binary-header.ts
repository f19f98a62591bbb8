import { Malformed, readInt16, readInt32 } from '@apogee/base'
import type { Frame } from './frame.ts'

/** Bytes before the remark: what even an empty binary header has, with both lengths. */
export const BINARY_HEADER_MIN = 21

/**
 * Reads a ROCKETMQ header (Java: RocketMQSerializable) into a frame that `open` has prepared.
 *
 *   | code i16 | language u8 | version i16 | opaque i32 | flag i32 |
 *   | remark length i32 | remark | fields size i32 | { key length i16 | key | value length i32 | value }… |
 *
 * A string of length 0 is none: Java reads it as null, so such a field counts as absent.
 */
export function readBinaryHeader(frame: Frame): Malformed | null {
  const bytes = frame.buffer
  const start = frame.headerStart
  const end = frame.headerEnd
  if (end - start < BINARY_HEADER_MIN) return invalid('header of', end - start)
  frame.code = readInt16(bytes, start)
  frame.language = bytes[start + 2]!
  frame.version = readInt16(bytes, start + 3)
  frame.opaque = readInt32(bytes, start + 5)
  frame.flag = readInt32(bytes, start + 9)
  const remarkSize = readInt32(bytes, start + 13)
  if (remarkSize < 0 || remarkSize > end - start - BINARY_HEADER_MIN) {
    return invalid('remark of', remarkSize)
  }
  const remarkEnd = start + 17 + remarkSize
  if (remarkSize > 0) {
    frame.remarkStart = start + 17
    frame.remarkEnd = remarkEnd
  }
  const fieldsSize = readInt32(bytes, remarkEnd)
  if (fieldsSize < 0 || fieldsSize > end - remarkEnd - 4) return invalid('fields of', fieldsSize)
  if (fieldsSize === 0) return null
  frame.extStart = remarkEnd + 4
  frame.extEnd = frame.extStart + fieldsSize
  return readFields(frame)
}

function readFields(frame: Frame): Malformed | null {
  const bytes = frame.buffer
  const end = frame.extEnd
  let at = frame.extStart
  while (at < end) {
    if (end - at < 6) return invalid('field head of', end - at)
    const keySize = readInt16(bytes, at)
    if (keySize < 0 || keySize > end - at - 6) return invalid('key of', keySize)
    const keyEnd = at + 2 + keySize
    const valueSize = readInt32(bytes, keyEnd)
    if (valueSize < 0 || valueSize > end - keyEnd - 4) return invalid('value of', valueSize)
    const valueStart = keyEnd + 4
    const valueEnd = valueStart + valueSize
    if (keySize > 0 && valueSize > 0) {
      if (!frame.addField(at + 2, keyEnd, valueStart, valueEnd, false)) {
        return new Malformed('HEADER_FIELDS_TOO_MANY', `code ${frame.code}`)
      }
    }
    at = valueEnd
  }
  return null
}

function invalid(what: string, size: number): Malformed {
  return new Malformed('HEADER_BINARY_INVALID', `${what} ${size} bytes`)
}
