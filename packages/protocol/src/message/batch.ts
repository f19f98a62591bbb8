import {
  assert,
  type Decoded,
  Malformed,
  readInt16,
  readInt32,
  writeInt16,
  writeInt32,
} from '@apogee/base'
import { formatProperties, parseProperties } from './properties.ts'
import { PROPERTIES_MAX_SIZE } from './record.ts'

// Body of SEND_BATCH_MESSAGE (320; Java MessageDecoder.encodeMessages), entries one after the other:
//   totalSize i32 | magic i32 (0) | bodyCrc i32 (0) | flag i32 | bodySize i32 | body | propertiesSize i16 | properties

/** Size of an entry with empty body and properties. */
export const BATCH_ENTRY_MIN_SIZE = 22

/** What a batch may hold. */
export interface BatchLimits {
  /** Messages of one batch. Default 65,536: Java has no limit, and its own example sends some 20,000 in one. */
  readonly maxMessages?: number
  /** Bytes of the body of one message. Default 4 MiB. */
  readonly maxBodySize?: number
}

const DEFAULT_MAX_MESSAGES = 65_536
const DEFAULT_MAX_BODY_SIZE = 4 * 1024 * 1024

export const BATCH_OK = 0
/** An entry goes on beyond the end. */
export const BATCH_SHORT = 1
/** The sizes inside an entry are negative or do not add up. */
export const BATCH_BAD_SIZE = 2

/** One entry of a batch; one object is reused. Positions are in the inspected buffer. */
export class BatchEntryView {
  totalSize = 0
  flag = 0
  bodyStart = 0
  bodyEnd = 0
  propertiesStart = 0
  propertiesEnd = 0
}

/** Reads the entry at `at`; returns one of the BATCH_ codes. Total and free of allocation. */
export function inspectBatchEntry(
  buffer: Uint8Array,
  at: number,
  limit: number,
  into: BatchEntryView,
): number {
  if (limit - at < BATCH_ENTRY_MIN_SIZE) return BATCH_SHORT
  const totalSize = readInt32(buffer, at)
  into.totalSize = totalSize
  if (totalSize < BATCH_ENTRY_MIN_SIZE) return BATCH_BAD_SIZE
  if (totalSize > limit - at) return BATCH_SHORT
  into.flag = readInt32(buffer, at + 12)
  const bodySize = readInt32(buffer, at + 16)
  if (bodySize < 0 || bodySize > totalSize - BATCH_ENTRY_MIN_SIZE) return BATCH_BAD_SIZE
  into.bodyStart = at + 20
  into.bodyEnd = at + 20 + bodySize
  const propertiesSize = readInt16(buffer, into.bodyEnd)
  into.propertiesStart = into.bodyEnd + 2
  into.propertiesEnd = into.propertiesStart + propertiesSize
  return propertiesSize < 0 || into.propertiesEnd !== at + totalSize ? BATCH_BAD_SIZE : BATCH_OK
}

/**
 * Checks a whole batch before any of it is stored; returns the number of messages. Errors: BATCH_EMPTY, BATCH_SHORT,
 * BATCH_BAD_SIZE, BATCH_TOO_MANY_MESSAGES, BATCH_BODY_TOO_LARGE.
 */
export function checkBatch(
  buffer: Uint8Array,
  start: number,
  end: number,
  limits: BatchLimits = {},
): Decoded<number> {
  const maxMessages = limits.maxMessages ?? DEFAULT_MAX_MESSAGES
  const maxBodySize = limits.maxBodySize ?? DEFAULT_MAX_BODY_SIZE
  const entry = new BatchEntryView()
  let count = 0
  for (let at = start; at < end; at += entry.totalSize) {
    const status = inspectBatchEntry(buffer, at, end, entry)
    if (status !== BATCH_OK) {
      const code = status === BATCH_SHORT ? 'BATCH_SHORT' : 'BATCH_BAD_SIZE'
      return new Malformed(code, `message ${count} at byte ${at - start} of the batch`)
    }
    if (entry.bodyEnd - entry.bodyStart > maxBodySize) {
      return new Malformed('BATCH_BODY_TOO_LARGE', `message ${count}: over ${maxBodySize} bytes`)
    }
    count++
    if (count > maxMessages) {
      return new Malformed('BATCH_TOO_MANY_MESSAGES', `more than ${maxMessages} messages`)
    }
  }
  return count === 0 ? new Malformed('BATCH_EMPTY', 'a batch without a message') : count
}

/** A message of a batch. */
export interface BatchMessage {
  readonly flag: number
  /** A decoder gives a view of its input. */
  readonly body: Uint8Array
  readonly properties: ReadonlyMap<string, string>
}

/** Reads a batch; errors as for `checkBatch`. */
export function decodeBatch(bytes: Uint8Array, limits: BatchLimits = {}): Decoded<BatchMessage[]> {
  const count = checkBatch(bytes, 0, bytes.length, limits)
  if (count instanceof Malformed) return count
  const entry = new BatchEntryView()
  const messages: BatchMessage[] = []
  for (let at = 0; at < bytes.length; at += entry.totalSize) {
    inspectBatchEntry(bytes, at, bytes.length, entry)
    const properties = bytes.subarray(entry.propertiesStart, entry.propertiesEnd)
    messages.push({
      flag: entry.flag,
      body: bytes.subarray(entry.bodyStart, entry.bodyEnd),
      properties: parseProperties(Buffer.from(properties).toString('utf8')),
    })
  }
  return messages
}

/** Writes a batch. Throws PROPERTY_ILLEGAL like `formatProperties`; properties must fit 32,767 bytes (assertion). */
export function encodeBatch(messages: readonly BatchMessage[]): Buffer {
  const entries = messages.map((message) => {
    const properties = Buffer.from(formatProperties(message.properties), 'utf8')
    assert(properties.length <= PROPERTIES_MAX_SIZE, 'properties fit', properties.length)
    const entry = Buffer.alloc(BATCH_ENTRY_MIN_SIZE + message.body.length + properties.length)
    writeInt32(entry, 0, entry.length)
    writeInt32(entry, 12, message.flag)
    writeInt32(entry, 16, message.body.length)
    entry.set(message.body, 20)
    writeInt16(entry, 20 + message.body.length, properties.length)
    entry.set(properties, 22 + message.body.length)
    return entry
  })
  return Buffer.concat(entries)
}
