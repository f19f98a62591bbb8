import { readInt32, readInt64 } from '@apogee/base'
import { inspectRecord, RECORD_OK, RecordView, storeTimestampOffset } from '@apogee/protocol'
import { type ConsumeQueue, QueueUnits } from '../consume-queue/consume-queue.ts'
import type { LogReader } from './log-reader.ts'

/** Bytes from the start of a record that always hold its store time. */
const HEAD_SIZE = 76

/** Store time of the record at `physicalOffset`, ms; −1 when none is there. */
export async function storeTimeAt(reader: LogReader, physicalOffset: number): Promise<number> {
  const head = await reader.read(physicalOffset, HEAD_SIZE)
  if (head === null) return -1
  return readInt64(head, storeTimestampOffset(readInt32(head, 36)))
}

/** The whole record at `physicalOffset`, or `null` when no valid record starts there. */
export async function recordAt(reader: LogReader, physicalOffset: number): Promise<Buffer | null> {
  const head = await reader.read(physicalOffset, 8)
  if (head === null) return null
  const size = readInt32(head, 0)
  if (size < HEAD_SIZE || size > RECORD_SIZE_MAX) return null
  const record = await reader.read(physicalOffset, size)
  const view = new RecordView()
  if (record === null || inspectRecord(record, 0, size, view) !== RECORD_OK) return null
  return view.physicalOffset === physicalOffset ? record : null
}

/** A size above this is garbage, not a record: nothing may be allocated by it. */
const RECORD_SIZE_MAX = 128 << 20

/** Physical offset and size of a queue's unit; `null` when it is not there. */
export function unitAt(
  queue: ConsumeQueue,
  queueOffset: number,
): Promise<{ physicalOffset: number; size: number } | null> {
  return new Promise((resolve) => {
    const units = new QueueUnits(1)
    queue.read(queueOffset, 1, units, (error) => {
      if (error !== null || units.count === 0) resolve(null)
      else resolve({ physicalOffset: units.physicalOffset[0]!, size: units.size[0]! })
    })
  })
}

/**
 * Offset by store time (ConsumeQueue.getOffsetInQueueByTime): 'lower' is the first message stored at or after `timestamp`
 * (the queue's end when there is none), 'upper' the last one stored at or before it (the queue's start when none is).
 */
export async function offsetByTime(
  queue: ConsumeQueue,
  reader: LogReader,
  timestamp: number,
  boundary: 'lower' | 'upper',
): Promise<number> {
  const first = queue.minOffset()
  let low = first
  let high = queue.maxOffset
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const unit = await unitAt(queue, middle)
    const time = unit === null ? -1 : await storeTimeAt(reader, unit.physicalOffset)
    const before = boundary === 'lower' ? time < timestamp : time <= timestamp
    if (before) low = middle + 1
    else high = middle
  }
  return boundary === 'lower' ? low : Math.max(first, low - 1)
}
