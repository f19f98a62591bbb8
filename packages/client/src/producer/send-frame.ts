import { writeInt16, writeInt32 } from '@apogee/base'
import {
  CURRENT_VERSION,
  type ExtFields,
  encodeHeader,
  FrameFlag,
  LanguageCode,
  SendMessageRequestHeaderV2,
  SerializeType,
  SystemTopic,
} from '@apogee/protocol'
import type { Connection } from '@apogee/remoting'

// A send in RocketMQ's binary header, written straight into the connection's output:
//
//   | length i32 | 1 u8, header length u24 | code i16 | language u8 | version i16 | opaque i32 | flag i32 |
//   | remark length i32 (0) | fields size i32 | { key length i16 | key | value length i32 | value }… | body |
//
// Fields that are the same for every message to one queue are encoded once, as the template of that queue.

const FIXED_SIZE = 8 + 21
const FIELD_OVERHEAD = 7

const SYS_FLAG = 0x66
const BORN_TIMESTAMP = 0x67
const FLAG = 0x68
const PROPERTIES = 0x69

/** What is the same for all messages that one producer sends to one queue. */
export interface QueueFields {
  readonly producerGroup: string
  readonly topic: string
  readonly defaultTopicQueueNums: number
  readonly queueId: number
  readonly brokerName: string
  readonly unitMode: boolean
  readonly batch: boolean
}

/** What differs from message to message. */
export interface MessageFields {
  readonly sysFlag: number
  readonly flag: number
  /** As text, see formatProperties. */
  readonly properties: string
  /** Of the properties as UTF-8. */
  readonly propertiesSize: number
  readonly body: Uint8Array
}

/** The fields of a queue as bytes of a binary header. */
export function queueTemplate(queue: QueueFields): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of encodeHeader(SendMessageRequestHeaderV2, headerOf(queue))) {
    // These stand in the template as placeholders only of the header's type.
    if (name === 'f' || name === 'g' || name === 'h') continue
    const text = Buffer.from(value)
    const part = Buffer.alloc(6 + name.length + text.length)
    writeInt16(part, 0, name.length)
    part.write(name, 2, 'latin1')
    writeInt32(part, 2 + name.length, text.length)
    part.set(text, 6 + name.length)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** The same send as fields, for headers in JSON and for signatures. */
export function sendFields(
  queue: QueueFields,
  message: MessageFields,
  bornTimestamp: number,
): ExtFields {
  const { sysFlag, flag, properties } = message
  return encodeHeader(SendMessageRequestHeaderV2, {
    ...headerOf(queue),
    sysFlag,
    bornTimestamp,
    flag,
    properties,
  })
}

function headerOf(queue: QueueFields) {
  return {
    producerGroup: queue.producerGroup,
    topic: queue.topic,
    defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
    defaultTopicQueueNums: queue.defaultTopicQueueNums,
    queueId: queue.queueId,
    sysFlag: 0,
    bornTimestamp: 0,
    flag: 0,
    reconsumeTimes: 0,
    unitMode: queue.unitMode,
    batch: queue.batch,
    brokerName: queue.brokerName,
  }
}

/** Writes a send whose opaque the connection has given. Its header is binary. */
export function writeSendFrame(
  connection: Connection,
  code: number,
  opaque: number,
  isOneway: boolean,
  template: Buffer,
  message: MessageFields,
  bornTimestamp: number,
): void {
  const sysFlag = String(message.sysFlag)
  const born = String(bornTimestamp)
  const flag = String(message.flag)
  const { propertiesSize, body } = message
  const fieldsSize =
    template.length +
    FIELD_OVERHEAD * (propertiesSize === 0 ? 3 : 4) +
    sysFlag.length +
    born.length +
    flag.length +
    propertiesSize
  const size = FIXED_SIZE + fieldsSize + body.length
  const buffer = connection.reserve(size)
  let at = connection.outputEnd
  writeInt32(buffer, at, size - 4)
  writeInt32(buffer, at + 4, (SerializeType.ROCKETMQ << 24) | (21 + fieldsSize))
  writeInt16(buffer, at + 8, code)
  buffer[at + 10] = LanguageCode.NODE_JS
  writeInt16(buffer, at + 11, CURRENT_VERSION)
  writeInt32(buffer, at + 13, opaque)
  writeInt32(buffer, at + 17, isOneway ? FrameFlag.ONEWAY : 0)
  writeInt32(buffer, at + 21, 0)
  writeInt32(buffer, at + 25, fieldsSize)
  at += FIXED_SIZE
  template.copy(buffer, at)
  at = writeField(buffer, at + template.length, SYS_FLAG, sysFlag)
  at = writeField(buffer, at, BORN_TIMESTAMP, born)
  at = writeField(buffer, at, FLAG, flag)
  if (propertiesSize > 0) {
    at = writeFieldHead(buffer, at, PROPERTIES, propertiesSize)
    const isAscii = propertiesSize === message.properties.length
    buffer.write(message.properties, at, propertiesSize, isAscii ? 'latin1' : 'utf8')
    at += propertiesSize
  }
  buffer.set(body, at)
  connection.commit(size)
}

/** A field with a name of one letter and an ASCII value. */
function writeField(buffer: Buffer, at: number, name: number, value: string): number {
  const start = writeFieldHead(buffer, at, name, value.length)
  for (let i = 0; i < value.length; i++) buffer[start + i] = value.charCodeAt(i)
  return start + value.length
}

function writeFieldHead(buffer: Buffer, at: number, name: number, valueSize: number): number {
  writeInt16(buffer, at, 1)
  buffer[at + 2] = name
  writeInt32(buffer, at + 3, valueSize)
  return at + FIELD_OVERHEAD
}
