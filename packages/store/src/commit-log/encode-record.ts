import { crc32 } from 'node:zlib'
import { writeInt16, writeInt32, writeInt64 } from '@apogee/base'
import {
  RECORD_MAGIC_BLANK,
  RECORD_MAGIC_V1,
  RECORD_MAGIC_V2,
  RECORD_V1_TOPIC_MAX_SIZE,
} from '@apogee/protocol'
import type { RecordDraft } from './record-draft.ts'

/** Every file ends with at least this much: size and magic of the blank record. */
export const BLANK_SIZE = 8

const BORN_HOST_V6 = 16
const STORE_HOST_V6 = 32
/** totalSize … bornTimestamp, storeTimestamp, reconsumeTimes, preparedTransactionOffset, bodyLength, propertiesLength. */
const FIXED_SIZE = 48 + 8 + 4 + 8 + 4 + 2

export function draftSize(draft: RecordDraft, storeHostSize: number): number {
  const topicSize = draft.topicBytes.length
  return (
    FIXED_SIZE +
    draft.bornHost.length +
    4 +
    storeHostSize +
    (draft.bodyEnd - draft.bodyStart) +
    (topicSize > RECORD_V1_TOPIC_MAX_SIZE ? 2 : 1) +
    topicSize +
    (draft.propertiesEnd - draft.propertiesStart)
  )
}

/**
 * Writes the draft as a stored record, `size` bytes at `at` (MessageExtEncoder; layout in protocol/src/message/record.ts).
 * `storeHost` is address and port as they stand in the record: 8 or 20 bytes.
 */
export function encodeDraft(
  draft: RecordDraft,
  storeHost: Uint8Array,
  size: number,
  into: Uint8Array,
  at: number,
): void {
  const wideTopic = draft.topicBytes.length > RECORD_V1_TOPIC_MAX_SIZE
  writeInt32(into, at, size)
  writeInt32(into, at + 4, wideTopic ? RECORD_MAGIC_V2 : RECORD_MAGIC_V1)
  writeInt32(into, at + 12, draft.queueId)
  writeInt32(into, at + 16, draft.flag)
  writeInt64(into, at + 20, draft.queueOffset)
  writeInt64(into, at + 28, draft.physicalOffset)
  writeInt32(into, at + 36, hostFlags(draft, storeHost))
  writeInt64(into, at + 40, draft.bornTimestamp)
  let p = copy(draft.bornHost, 0, draft.bornHost.length, into, at + 48)
  writeInt32(into, p, draft.bornPort)
  writeInt64(into, p + 4, draft.storeTimestamp)
  p = copy(storeHost, 0, storeHost.length, into, p + 12)
  writeInt32(into, p, draft.reconsumeTimes)
  writeInt64(into, p + 4, draft.preparedTransactionOffset)
  writeInt32(into, p + 12, draft.bodyEnd - draft.bodyStart)
  p = writeBody(draft, into, at, p + 16)
  if (wideTopic) into[p++] = draft.topicBytes.length >> 8
  into[p++] = draft.topicBytes.length
  p = copy(draft.topicBytes, 0, draft.topicBytes.length, into, p)
  writeInt16(into, p, draft.propertiesEnd - draft.propertiesStart)
  copy(draft.properties, draft.propertiesStart, draft.propertiesEnd, into, p + 2)
}

/** Ends a file: what is left of it is one blank record, of which only size and magic are written. */
export function encodeBlank(left: number, into: Uint8Array, at: number): void {
  writeInt32(into, at, left)
  writeInt32(into, at + 4, RECORD_MAGIC_BLANK)
}

function hostFlags(draft: RecordDraft, storeHost: Uint8Array): number {
  const born = draft.bornHost.length === 16 ? BORN_HOST_V6 : 0
  const store = storeHost.length === 20 ? STORE_HOST_V6 : 0
  return (draft.sysFlag & ~(BORN_HOST_V6 | STORE_HOST_V6)) | born | store
}

function writeBody(draft: RecordDraft, into: Uint8Array, at: number, p: number): number {
  const body = draft.body.subarray(draft.bodyStart, draft.bodyEnd)
  into.set(body, p)
  writeInt32(into, at + 8, crc32(body) & 0x7fffffff)
  return p + body.length
}

/** Plain loop: the spans are short, and a native copy costs more to call than to do. */
function copy(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): number {
  if (end - start > 192) {
    into.set(from.subarray(start, end), at)
    return at + end - start
  }
  for (let i = start; i < end; i++) into[at++] = from[i]!
  return at
}
