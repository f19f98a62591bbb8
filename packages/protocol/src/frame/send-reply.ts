import { assert, writeInt64 } from '@apogee/base'
import { writeHex } from './ascii.ts'
import { EMPTY, type SerializeType } from './frame.ts'
import { REPLY_OVERHEAD, ReplyFieldName, ReplyWriter } from './reply-writer.ts'

const MSG_ID = new ReplyFieldName('msgId')
const QUEUE_ID = new ReplyFieldName('queueId')
const QUEUE_OFFSET = new ReplyFieldName('queueOffset')
const TRANSACTION_ID = new ReplyFieldName('transactionId')
const RECALL_HANDLE = new ReplyFieldName('recallHandle')
const MSG_REGION = new ReplyFieldName('MSG_REGION')
const TRACE_ON = new ReplyFieldName('TRACE_ON')
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const COMMA = 0x2c

/**
 * The reply to a send (Java: SendMessageResponseHeader), reused. A message id is the storing broker's address and the
 * record's place in the log, in hexadecimal:
 *
 *   | IPv4 4 or IPv6 16 bytes | port i32 | physical offset i64 |
 */
export class SendReply {
  code = 0
  opaque = 0
  /** UTF-8, null for none. */
  remark: Uint8Array | null = null
  /** Address and port: 8 bytes for IPv4, 20 for IPv6. */
  storeHost: Uint8Array = EMPTY
  /** Where each message of the send lies: one, or those of a batch in order. Grows as needed and is reused. */
  readonly physicalOffsets: number[] = [0]
  messageCount = 1
  queueId = 0
  /** Of the first message. */
  queueOffset = 0
  /** UNIQ_KEY of the message, UTF-8 in `transactionId[transactionIdStart, transactionIdEnd)`; start −1 for none. */
  transactionId: Uint8Array = EMPTY
  transactionIdStart = -1
  transactionIdEnd = -1
  /** UTF-8, null for none. */
  recallHandle: Uint8Array | null = null
  region: Uint8Array = EMPTY
  traceOn = true
}

const writer = new ReplyWriter()
const offsetBytes = new Uint8Array(8)

/** Bytes that {@link writeSendReply} needs at most. */
export function sendReplySizeMax(reply: SendReply): number {
  const texts =
    (reply.remark?.length ?? 0) +
    reply.region.length +
    (reply.recallHandle?.length ?? 0) +
    Math.max(0, reply.transactionIdEnd - reply.transactionIdStart)
  const id = (reply.storeHost.length + 8) * 2 + 1
  return REPLY_OVERHEAD + 256 + texts * 6 + id * reply.messageCount
}

/** Writes the reply at `at` and returns its end. The caller has made room for `sendReplySizeMax(reply)` bytes. */
export function writeSendReply(
  into: Uint8Array,
  at: number,
  type: SerializeType,
  reply: SendReply,
): number {
  assert(at + sendReplySizeMax(reply) <= into.length, 'no room for a send reply', at, into.length)
  writer.begin(into, at, type, reply.code, reply.opaque, reply.remark)
  writer.beginField(MSG_ID)
  writeMessageIds(into, reply)
  writer.endField()
  writer.integer(QUEUE_ID, reply.queueId)
  writer.integer(QUEUE_OFFSET, reply.queueOffset)
  if (reply.transactionIdStart >= 0) {
    const { transactionId, transactionIdStart, transactionIdEnd } = reply
    writer.text(TRANSACTION_ID, transactionId, transactionIdStart, transactionIdEnd)
  }
  if (reply.recallHandle !== null) {
    writer.text(RECALL_HANDLE, reply.recallHandle, 0, reply.recallHandle.length)
  }
  writer.text(MSG_REGION, reply.region, 0, reply.region.length)
  const trace = reply.traceOn ? TRUE : FALSE
  writer.text(TRACE_ON, trace, 0, trace.length)
  return writer.finish(0)
}

function writeMessageIds(into: Uint8Array, reply: SendReply): void {
  const host = reply.storeHost
  let at = writer.at
  for (let i = 0; i < reply.messageCount; i++) {
    if (i > 0) into[at++] = COMMA
    at = writeHex(into, at, host, 0, host.length)
    writeInt64(offsetBytes, 0, reply.physicalOffsets[i]!)
    at = writeHex(into, at, offsetBytes, 0, 8)
  }
  writer.at = at
}
