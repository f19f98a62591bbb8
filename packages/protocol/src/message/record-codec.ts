import { assert, type Decoded, isMalformed, Malformed, writeInt16 } from '@apogee/base'
import { bodyCrc } from './body-crc.ts'
import { formatHost, type Host, hostBytes, readHost } from './host.ts'
import { formatOffsetMsgId } from './message-id.ts'
import { formatProperties, parseProperties } from './properties.ts'
import {
  inspectRecord,
  PROPERTIES_MAX_SIZE,
  RECORD_BAD_MAGIC,
  RECORD_BAD_SIZE,
  RECORD_BLANK,
  RECORD_EMPTY,
  RECORD_MAGIC_V1,
  RECORD_MAGIC_V2,
  RECORD_OK,
  RECORD_SHORT,
  RECORD_V1_TOPIC_MAX_SIZE,
  RecordFields,
  RecordView,
  recordCrcHolds,
  recordSize,
  recordVersionFor,
  writeRecordFields,
  writeRecordTopic,
} from './record.ts'
import { MessageSysFlag } from './sys-flag.ts'

/** A stored message, all of it (Java MessageExt). For tools, clients and tests; hot paths use `RecordView`. */
export interface MessageExt {
  /** 1, or 2 when the topic is longer than 127 bytes. */
  readonly version: 1 | 2
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly flag: number
  readonly sysFlag: number
  /** As it was stored: still compressed when sysFlag says so. A decoder gives a view of its input. */
  readonly body: Uint8Array
  readonly properties: ReadonlyMap<string, string>
  readonly bornTimestamp: number
  readonly bornHost: Host
  readonly storeTimestamp: number
  readonly storeHost: Host
  readonly reconsumeTimes: number
  readonly preparedTransactionOffset: number
}

/** Where the message is stored, as clients name it: 32 or 56 hex digits. */
export function offsetMsgIdOf(message: MessageExt): string {
  return formatOffsetMsgId(message.storeHost, message.physicalOffset)
}

const STATUS_CODES: Record<number, string> = {
  [RECORD_BLANK]: 'RECORD_BLANK',
  [RECORD_EMPTY]: 'RECORD_EMPTY',
  [RECORD_SHORT]: 'RECORD_SHORT',
  [RECORD_BAD_MAGIC]: 'RECORD_BAD_MAGIC',
  [RECORD_BAD_SIZE]: 'RECORD_BAD_SIZE',
}

/** The error that stands for a status of `inspectRecord` other than RECORD_OK. */
export function recordError(status: number, at: number): Malformed {
  return new Malformed(STATUS_CODES[status] ?? 'RECORD_ILLEGAL', `record at byte ${at}`)
}

/**
 * Reads the record at `at`. Errors: RECORD_BLANK, RECORD_EMPTY, RECORD_SHORT, RECORD_BAD_MAGIC, RECORD_BAD_SIZE,
 * RECORD_BAD_CRC (the body is not the one that was written), RECORD_NUMBER_RANGE (an int64 beyond 2^53),
 * RECORD_BAD_HOST (a port beyond 65535).
 */
export function decodeRecord(bytes: Uint8Array, at = 0): Decoded<MessageExt> {
  return decodeInto(new RecordView(), bytes, at)
}

/** Reads records that follow each other, as in the body of a pull response. `errors` as for `decodeRecord`. */
export function decodeRecords(bytes: Uint8Array): Decoded<MessageExt[]> {
  const view = new RecordView()
  const messages: MessageExt[] = []
  for (let at = 0; at < bytes.length; at += view.totalSize) {
    const message = decodeInto(view, bytes, at)
    if (isMalformed(message)) return message
    messages.push(message)
  }
  return messages
}

function decodeInto(view: RecordView, bytes: Uint8Array, at: number): Decoded<MessageExt> {
  const status = inspectRecord(bytes, at, bytes.length, view)
  if (status !== RECORD_OK) return recordError(status, at)
  if (!recordCrcHolds(view, bytes)) return new Malformed('RECORD_BAD_CRC', `record at byte ${at}`)
  const exact =
    Number.isSafeInteger(view.queueOffset) &&
    Number.isSafeInteger(view.physicalOffset) &&
    Number.isSafeInteger(view.bornTimestamp) &&
    Number.isSafeInteger(view.storeTimestamp) &&
    Number.isSafeInteger(view.preparedTransactionOffset)
  if (!exact) return new Malformed('RECORD_NUMBER_RANGE', `record at byte ${at}`)
  const bornHost = readHost(bytes, view.bornHostStart, view.bornHostLength)
  const storeHost = readHost(bytes, view.storeHostStart, view.storeHostLength)
  if (bornHost === null || storeHost === null) {
    return new Malformed('RECORD_BAD_HOST', `record at byte ${at}`)
  }
  return {
    version: view.magic === RECORD_MAGIC_V2 ? 2 : 1,
    topic: textOf(bytes, view.topicStart, view.topicEnd),
    queueId: view.queueId,
    queueOffset: view.queueOffset,
    physicalOffset: view.physicalOffset,
    flag: view.flag,
    sysFlag: view.sysFlag,
    body: bytes.subarray(view.bodyStart, view.bodyEnd),
    properties: parseProperties(textOf(bytes, view.propertiesStart, view.propertiesEnd)),
    bornTimestamp: view.bornTimestamp,
    bornHost,
    storeTimestamp: view.storeTimestamp,
    storeHost,
    reconsumeTimes: view.reconsumeTimes,
    preparedTransactionOffset: view.preparedTransactionOffset,
  }
}

/**
 * Writes a record with its checksum. The IPv6 bits of sysFlag follow the hosts, the version the topic unless 2 is asked
 * for. Topic, properties and hosts must fit their fields (assertions); throws PROPERTY_ILLEGAL like `formatProperties`.
 */
export function encodeRecord(message: MessageExt): Buffer {
  const topic = Buffer.from(message.topic, 'utf8')
  const properties = Buffer.from(formatProperties(message.properties), 'utf8')
  assert(properties.length <= PROPERTIES_MAX_SIZE, 'properties fit', properties.length)
  assert(topic.length <= 32767, 'topic fits', topic.length)
  const version = message.version === 2 ? 2 : recordVersionFor(topic.length)
  assert(version === 2 || topic.length <= RECORD_V1_TOPIC_MAX_SIZE, 'topic fits V1', topic.length)
  const fields = fieldsOf(message)
  fields.magic = version === 2 ? RECORD_MAGIC_V2 : RECORD_MAGIC_V1
  fields.totalSize = recordSize(
    version,
    fields.sysFlag,
    message.body.length,
    topic.length,
    properties.length,
  )
  const record = Buffer.alloc(fields.totalSize)
  let at = writeRecordFields(record, 0, fields)
  record.set(message.body, at)
  at = writeRecordTopic(record, at + message.body.length, version, topic)
  writeInt16(record, at, properties.length)
  record.set(properties, at + 2)
  return record
}

function fieldsOf(message: MessageExt): RecordFields {
  const fields = new RecordFields()
  fields.bornHost = fieldOf(message.bornHost)
  fields.storeHost = fieldOf(message.storeHost)
  const hosts = MessageSysFlag.BORN_HOST_V6 | MessageSysFlag.STORE_HOST_V6
  fields.sysFlag =
    (message.sysFlag & ~hosts) |
    (fields.bornHost.length === 20 ? MessageSysFlag.BORN_HOST_V6 : 0) |
    (fields.storeHost.length === 20 ? MessageSysFlag.STORE_HOST_V6 : 0)
  fields.bodyCrc = bodyCrc(message.body, 0, message.body.length)
  fields.queueId = message.queueId
  fields.flag = message.flag
  fields.queueOffset = message.queueOffset
  fields.physicalOffset = message.physicalOffset
  fields.bornTimestamp = message.bornTimestamp
  fields.storeTimestamp = message.storeTimestamp
  fields.reconsumeTimes = message.reconsumeTimes
  fields.preparedTransactionOffset = message.preparedTransactionOffset
  fields.bodySize = message.body.length
  return fields
}

function fieldOf(host: Host): Uint8Array {
  const bytes = hostBytes(host)
  assert(bytes !== null, 'host is an IP address and a port', formatHost(host))
  return bytes
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}
