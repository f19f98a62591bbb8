import { ApogeeError, readInt32, writeInt32 } from '@apogee/base'

// consumequeue/<topic>/<queueId>/<file>: fixed-size files of 20-byte units, named by the byte offset of their first unit in
// 20 digits (ConsumeQueue.java). Unit n of a queue lies at byte n × 20 of the files laid end to end.
//
//   0        8      12        20
//   ┌────────┬──────┬─────────┐
//   │physical│ size │ tagsCode│   int64, int32, int64
//   │ Offset │      │         │
//   └────────┴──────┴─────────┘
//
// A unit with size ≤ 0 was never written: the end of the queue. A queue that does not start at 0 (its older records
// had left the log) begins inside a file; the units before it are filled with (0, 0x7FFFFFFF, 0), or Apache would see
// the end there.

export const UNIT_SIZE = 20
/** The size field of a unit that only fills space. */
export const FILLER_SIZE = 0x7fffffff

const FILE_NAME = /^\d{20}$/
const QUEUE_ID = /^(0|[1-9]\d{0,9})$/

export function writeFiller(bytes: Uint8Array, at: number): void {
  bytes.fill(0, at, at + UNIT_SIZE)
  writeInt32(bytes, at + 8, FILLER_SIZE)
}

/**
 * Whether a written unit stands at `at`. Its offset is never negative: the sign bit of an int64 is that of its
 * first byte.
 */
export function isUnit(bytes: Uint8Array, at: number): boolean {
  return readInt32(bytes, at + 8) > 0 && bytes[at]! < 0x80
}

export function fileName(file: number, fileSize: number): string {
  return String(file * fileSize).padStart(20, '0')
}

/** The number of the file in its queue, or -1 when the name is not that of a file of this size. */
export function fileOfName(name: string, fileSize: number): number {
  if (!FILE_NAME.test(name)) return -1
  const file = Number(name) / fileSize
  return Number.isSafeInteger(file) ? file : -1
}

/** The queue a folder stands for, or -1. */
export function queueOfName(name: string): number {
  if (!QUEUE_ID.test(name)) return -1
  const queueId = Number(name)
  return queueId <= 0x7fffffff ? queueId : -1
}

/** A topic is a folder name here; one that leads out of the store is refused whatever the broker let through. */
export function checkTopic(topic: string): void {
  const bad = topic === '' || topic === '.' || topic === '..' || /[/\\\0]/.test(topic)
  if (bad) throw new ApogeeError('TOPIC_NOT_A_FOLDER_NAME', `topic ${JSON.stringify(topic)}`)
}
