import { readInt16, readInt32, readInt64, writeInt16, writeInt32, writeInt64 } from '@apogee/base'
import { bodyCrc } from './body-crc.ts'
import { MessageSysFlag } from './sys-flag.ts'

// The stored message record (Java MessageDecoder, MessageExtEncoder): what commit logs hold and pull bodies carry.
//
//   0 totalSize i32        36 sysFlag i32               … storeTimestamp i64 (56 when bornHost is IPv4)
//   4 magic i32            40 bornTimestamp i64         … storeHost: address 4 or 16, port i32
//   8 bodyCrc i32          48 bornHost: address 4       … reconsumeTimes i32
//  12 queueId i32             or 16 bytes, port i32     … preparedTransactionOffset i64
//  16 flag i32                                          … bodySize i32, body
//  20 queueOffset i64                                   … topicSize i8 (V1) or i16 (V2), topic
//  28 physicalOffset i64                                … propertiesSize i16, properties
//
// sysFlag says which hosts are IPv6. A log file ends with {remaining i32, BLANK magic} when the next record has no room.

export const RECORD_MAGIC_V1: number = 0xdaa320a7 | 0
export const RECORD_MAGIC_V2: number = 0xdaa320ab | 0
export const RECORD_MAGIC_BLANK: number = 0xcbd43194 | 0

export const RECORD_TOTAL_SIZE = 0
export const RECORD_MAGIC = 4
export const RECORD_BODY_CRC = 8
export const RECORD_QUEUE_ID = 12
export const RECORD_FLAG = 16
export const RECORD_QUEUE_OFFSET = 20
export const RECORD_PHYSICAL_OFFSET = 28
export const RECORD_SYS_FLAG = 36
export const RECORD_BORN_TIMESTAMP = 40
export const RECORD_BORN_HOST = 48

/** Size of a V1 record with IPv4 hosts and an empty body, topic and properties: the smallest there is. */
export const RECORD_MIN_SIZE = 91
/** The blank at the end of a log file: its size and magic. */
export const RECORD_BLANK_MIN_SIZE = 8
/** Longest topic of a V1 record; longer ones take V2. */
export const RECORD_V1_TOPIC_MAX_SIZE = 127
/** Longest properties: their size is a signed 16-bit field. */
export const PROPERTIES_MAX_SIZE = 32767

/** Bytes of the bornHost field. */
export function bornHostSize(sysFlag: number): number {
  return (sysFlag & MessageSysFlag.BORN_HOST_V6) === 0 ? 8 : 20
}

/** Bytes of the storeHost field. */
export function storeHostSize(sysFlag: number): number {
  return (sysFlag & MessageSysFlag.STORE_HOST_V6) === 0 ? 8 : 20
}

/** Where storeTimestamp stands in a record with this sysFlag. */
export function storeTimestampOffset(sysFlag: number): number {
  return RECORD_BORN_HOST + bornHostSize(sysFlag)
}

/** Where bodySize stands in a record with this sysFlag; the body follows it. */
export function bodySizeOffset(sysFlag: number): number {
  return RECORD_BORN_HOST + bornHostSize(sysFlag) + 8 + storeHostSize(sysFlag) + 12
}

/** Size of a record. `version` is 1 or 2; the sizes are in bytes. */
export function recordSize(
  version: number,
  sysFlag: number,
  bodySize: number,
  topicSize: number,
  propertiesSize: number,
): number {
  return bodySizeOffset(sysFlag) + 4 + bodySize + version + topicSize + 2 + propertiesSize
}

/** The version a topic of this many bytes needs. */
export function recordVersionFor(topicSize: number): 1 | 2 {
  return topicSize > RECORD_V1_TOPIC_MAX_SIZE ? 2 : 1
}

/** A well-formed record. The body's checksum is not part of that: see `recordCrcHolds`. */
export const RECORD_OK = 0
/** The end of a log file: `totalSize` bytes from here are padding. */
export const RECORD_BLANK = 1
/** Size and magic are zero: never written. */
export const RECORD_EMPTY = 2
/** The record goes on beyond `limit`; `totalSize` is set when its four bytes were there. */
export const RECORD_SHORT = 3
export const RECORD_BAD_MAGIC = 4
/** The sizes inside are negative or do not add up to `totalSize`. */
export const RECORD_BAD_SIZE = 5

/** What `inspectRecord` found. One object is reused for all records; positions are in the inspected buffer. */
export class RecordView {
  totalSize = 0
  magic = 0
  bodyCrc = 0
  queueId = 0
  flag = 0
  queueOffset = 0
  physicalOffset = 0
  sysFlag = 0
  bornTimestamp = 0
  bornHostStart = 0
  bornHostLength = 0
  storeTimestamp = 0
  storeHostStart = 0
  storeHostLength = 0
  reconsumeTimes = 0
  preparedTransactionOffset = 0
  bodyStart = 0
  bodyEnd = 0
  topicStart = 0
  topicEnd = 0
  propertiesStart = 0
  propertiesEnd = 0
}

/**
 * Reads the record at `at` into `into`; nothing at or after `limit` is looked at. Total and free of allocation: returns
 * one of the RECORD_ codes. After anything but RECORD_OK only `totalSize` and `magic` mean something.
 */
export function inspectRecord(
  buffer: Uint8Array,
  at: number,
  limit: number,
  into: RecordView,
): number {
  into.totalSize = 0
  into.magic = 0
  if (limit - at < 4) return RECORD_SHORT
  const totalSize = readInt32(buffer, at)
  into.totalSize = totalSize
  if (limit - at < 8) return RECORD_SHORT
  const magic = readInt32(buffer, at + RECORD_MAGIC)
  into.magic = magic
  if (magic !== RECORD_MAGIC_V1 && magic !== RECORD_MAGIC_V2) return notARecord(totalSize, magic)
  if (totalSize < RECORD_MIN_SIZE) return RECORD_BAD_SIZE
  if (totalSize > limit - at) return RECORD_SHORT

  const sysFlag = readInt32(buffer, at + RECORD_SYS_FLAG)
  const bornHostLength = bornHostSize(sysFlag)
  const storeHostLength = storeHostSize(sysFlag)
  if (totalSize < RECORD_MIN_SIZE - 16 + bornHostLength + storeHostLength) return RECORD_BAD_SIZE
  into.bodyCrc = readInt32(buffer, at + RECORD_BODY_CRC)
  into.queueId = readInt32(buffer, at + RECORD_QUEUE_ID)
  into.flag = readInt32(buffer, at + RECORD_FLAG)
  into.queueOffset = readInt64(buffer, at + RECORD_QUEUE_OFFSET)
  into.physicalOffset = readInt64(buffer, at + RECORD_PHYSICAL_OFFSET)
  into.sysFlag = sysFlag
  into.bornTimestamp = readInt64(buffer, at + RECORD_BORN_TIMESTAMP)
  into.bornHostStart = at + RECORD_BORN_HOST
  into.bornHostLength = bornHostLength
  const storeAt = at + RECORD_BORN_HOST + bornHostLength
  into.storeTimestamp = readInt64(buffer, storeAt)
  into.storeHostStart = storeAt + 8
  into.storeHostLength = storeHostLength
  const tail = storeAt + 8 + storeHostLength
  into.reconsumeTimes = readInt32(buffer, tail)
  into.preparedTransactionOffset = readInt64(buffer, tail + 4)
  return inspectTail(buffer, tail + 12, at + totalSize, into)
}

function notARecord(totalSize: number, magic: number): number {
  if (magic === RECORD_MAGIC_BLANK) {
    return totalSize < RECORD_BLANK_MIN_SIZE ? RECORD_BAD_SIZE : RECORD_BLANK
  }
  return totalSize === 0 && magic === 0 ? RECORD_EMPTY : RECORD_BAD_MAGIC
}

/** Body, topic and properties; together they must end exactly at `end`. `at` has room for the four bytes of a size. */
function inspectTail(buffer: Uint8Array, at: number, end: number, into: RecordView): number {
  const version = into.magic === RECORD_MAGIC_V2 ? 2 : 1
  const bodySize = readInt32(buffer, at)
  if (bodySize < 0 || bodySize > end - at - 4 - version - 2) return RECORD_BAD_SIZE
  into.bodyStart = at + 4
  into.bodyEnd = at + 4 + bodySize

  // Java reads both topic sizes as signed, so a V1 size above 127 is no size.
  const topicSize =
    version === 2 ? readInt16(buffer, into.bodyEnd) : (buffer[into.bodyEnd]! << 24) >> 24
  into.topicStart = into.bodyEnd + version
  if (topicSize < 0 || topicSize > end - into.topicStart - 2) return RECORD_BAD_SIZE
  into.topicEnd = into.topicStart + topicSize

  const propertiesSize = readInt16(buffer, into.topicEnd)
  into.propertiesStart = into.topicEnd + 2
  into.propertiesEnd = into.propertiesStart + propertiesSize
  return propertiesSize < 0 || into.propertiesEnd !== end ? RECORD_BAD_SIZE : RECORD_OK
}

/** Whether the body is the one the record was written with. An empty body is not checked, as in Java. */
export function recordCrcHolds(view: RecordView, buffer: Uint8Array): boolean {
  if (view.bodyEnd === view.bodyStart) return true
  return bodyCrc(buffer, view.bodyStart, view.bodyEnd) === view.bodyCrc
}

/** The fixed part of a record to write. Reused; hosts are the bytes of the field (address and port). */
export class RecordFields {
  totalSize = 0
  magic: number = RECORD_MAGIC_V1
  bodyCrc = 0
  queueId = 0
  flag = 0
  queueOffset = 0
  physicalOffset = 0
  sysFlag = 0
  bornTimestamp = 0
  /** 8 or 20 bytes; sysFlag must say the same. */
  bornHost: Uint8Array = new Uint8Array(8)
  storeTimestamp = 0
  storeHost: Uint8Array = new Uint8Array(8)
  reconsumeTimes = 0
  preparedTransactionOffset = 0
  bodySize = 0
}

/** Writes everything up to and with bodySize at `at`; returns where the body goes. The caller has made room. */
export function writeRecordFields(into: Uint8Array, at: number, fields: RecordFields): number {
  writeInt32(into, at + RECORD_TOTAL_SIZE, fields.totalSize)
  writeInt32(into, at + RECORD_MAGIC, fields.magic)
  writeInt32(into, at + RECORD_BODY_CRC, fields.bodyCrc)
  writeInt32(into, at + RECORD_QUEUE_ID, fields.queueId)
  writeInt32(into, at + RECORD_FLAG, fields.flag)
  writeInt64(into, at + RECORD_QUEUE_OFFSET, fields.queueOffset)
  writeInt64(into, at + RECORD_PHYSICAL_OFFSET, fields.physicalOffset)
  writeInt32(into, at + RECORD_SYS_FLAG, fields.sysFlag)
  writeInt64(into, at + RECORD_BORN_TIMESTAMP, fields.bornTimestamp)
  const bornHost = fields.bornHost
  const storeHost = fields.storeHost
  let next = at + RECORD_BORN_HOST
  for (let i = 0; i < bornHost.length; i++) into[next++] = bornHost[i]!
  writeInt64(into, next, fields.storeTimestamp)
  next += 8
  for (let i = 0; i < storeHost.length; i++) into[next++] = storeHost[i]!
  writeInt32(into, next, fields.reconsumeTimes)
  writeInt64(into, next + 4, fields.preparedTransactionOffset)
  writeInt32(into, next + 12, fields.bodySize)
  return next + 16
}

/** Writes the topic with its size in front, 1 or 2 bytes by `version`; returns where it ends. */
export function writeRecordTopic(
  into: Uint8Array,
  at: number,
  version: number,
  topic: Uint8Array,
): number {
  if (version === 2) writeInt16(into, at, topic.length)
  else into[at] = topic.length
  into.set(topic, at + version)
  return at + version + topic.length
}
