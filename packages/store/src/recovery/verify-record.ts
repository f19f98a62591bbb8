import { readInt32, readInt64 } from '@apogee/base'
import {
  bodySizeOffset,
  RECORD_MAGIC_V1,
  RECORD_MAGIC_V2,
  RECORD_PHYSICAL_OFFSET,
  RECORD_QUEUE_ID,
  RECORD_QUEUE_OFFSET,
  RECORD_SYS_FLAG,
  storeTimestampOffset,
} from '@apogee/protocol'
import type { LogFiles } from '../commit-log/log-files.ts'

/** Bytes from the start of a record that hold everything before the body, whatever the hosts are. */
const HEAD_SIZE = 116
const TOPIC_SIZE_MAX = 258

/**
 * Whether the log has a record with these coordinates: reads its head and its topic, synchronously. For recovery, where the
 * last unit of a queue may be anything.
 */
export function recordVerifier(
  files: LogFiles,
): (
  physicalOffset: number,
  size: number,
  topic: string,
  queueId: number,
  queueOffset: number,
) => boolean {
  const head = Buffer.allocUnsafeSlow(HEAD_SIZE)
  const tail = Buffer.allocUnsafeSlow(TOPIC_SIZE_MAX)
  return (physicalOffset, size, topic, queueId, queueOffset) => {
    if (!readInto(files, head, physicalOffset, Math.min(HEAD_SIZE, size))) return false
    const magic = readInt32(head, 4)
    const wide = magic === RECORD_MAGIC_V2
    if (!wide && magic !== RECORD_MAGIC_V1) return false
    const fits =
      readInt32(head, 0) === size &&
      readInt32(head, RECORD_QUEUE_ID) === queueId &&
      readInt64(head, RECORD_QUEUE_OFFSET) === queueOffset &&
      readInt64(head, RECORD_PHYSICAL_OFFSET) === physicalOffset
    if (!fits) return false
    const bodyAt = bodySizeOffset(readInt32(head, RECORD_SYS_FLAG))
    const topicAt = bodyAt + 4 + readInt32(head, bodyAt)
    const length = Math.min(TOPIC_SIZE_MAX, size - topicAt)
    if (topicAt < bodyAt || length < 2 || !readInto(files, tail, physicalOffset + topicAt, length))
      return false
    const topicSize = wide ? (tail[0]! << 8) | tail[1]! : tail[0]!
    const start = wide ? 2 : 1
    return tail.toString('utf8', start, start + topicSize) === topic
  }
}

/** Store time of the record at `offset`, ms; −1 when none is there. Synchronous. */
export function storeTimeNow(files: LogFiles, offset: number): number {
  const head = Buffer.allocUnsafe(HEAD_SIZE)
  if (!readInto(files, head, offset, 76)) return -1
  const magic = readInt32(head, 4)
  if (magic !== RECORD_MAGIC_V1 && magic !== RECORD_MAGIC_V2) return -1
  return readInt64(head, storeTimestampOffset(readInt32(head, RECORD_SYS_FLAG)))
}

function readInto(files: LogFiles, into: Buffer, offset: number, length: number): boolean {
  if (length <= 0) return false
  const file = files.readable(offset)
  return file !== null && file.readNow(into, 0, length, offset - files.startOf(offset)) === length
}
