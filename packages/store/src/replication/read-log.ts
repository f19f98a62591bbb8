import { readInt32 } from '@apogee/base'
import type { DiskError } from '@apogee/env'
import {
  RECORD_BLANK_MIN_SIZE,
  RECORD_MAGIC,
  RECORD_MAGIC_BLANK,
  RECORD_MAGIC_V1,
  RECORD_MAGIC_V2,
  RECORD_MIN_SIZE,
} from '@apogee/protocol'
import type { LogFiles } from '../commit-log/log-files.ts'
import type { Tail } from '../commit-log/tail.ts'

/** One read of the walk over a file. */
const WINDOW_SIZE = 1 << 20

/** What reading needs; `range` is what is in the files: [min, written). */
export interface RawLog {
  files: LogFiles
  tail: Tail
  minOffset(): number
  written(): number
}

export type ReadDone = (error: DiskError | null, bytesRead: number) => void

/** See LogReplication.read. */
export function readLog(
  log: RawLog,
  offset: number,
  into: Buffer,
  at: number,
  length: number,
  done: ReadDone,
): void {
  const { files, tail } = log
  const written = log.written()
  if (offset < log.minOffset() || offset > written) return done(absent(offset), 0)
  const end = Math.min(offset + length, files.startOf(offset) + files.fileSize, written)
  if (end <= offset) return done(null, 0)
  if (offset < tail.startOr(Number.POSITIVE_INFINITY)) {
    return readFile(files, offset, into, at, end - offset, done)
  }
  copyTail(tail, offset, end, into, at)
  done(null, end - offset)
}

/** From the disk straight into the caller's buffer: who catches up reads each byte once. */
function readFile(
  files: LogFiles,
  offset: number,
  into: Buffer,
  at: number,
  length: number,
  done: ReadDone,
): void {
  try {
    const file = files.readable(offset)
    if (file === null) return done(absent(offset), 0)
    file.read(into, at, length, offset - files.startOf(offset), done)
  } catch (error) {
    done(error as DiskError, 0)
  }
}

/** What lies between two chunks is the rest of a blank record. */
function copyTail(tail: Tail, offset: number, end: number, into: Buffer, at: number): void {
  const shift = at - offset
  for (let from = offset; from < end; ) {
    const chunk = tail.find(from)
    const start = chunk === null ? end : Math.min(Math.max(chunk.start, from), end)
    if (start > from) into.fill(0, from + shift, start + shift)
    from = start
    if (chunk === null || from >= end) continue
    const stop = Math.min(chunk.end, end)
    chunk.buffer.copy(into, from + shift, from - chunk.start, stop - chunk.start)
    from = stop
  }
}

/** See LogReplication.boundaryAtOrBelow. Where the file is damaged it stops. */
export async function boundaryAtOrBelow(log: RawLog, offset: number): Promise<number> {
  const written = log.written()
  if (offset >= written) return written
  const { files } = log
  const window = Buffer.allocUnsafeSlow(Math.min(WINDOW_SIZE, files.fileSize))
  let windowStart = 0
  let windowEnd = 0
  for (let at = files.startOf(offset); ; ) {
    if (at < windowStart || at + RECORD_BLANK_MIN_SIZE > windowEnd) {
      windowStart = at
      windowEnd = at + (await readWindow(log, at, window))
    }
    const next = nextRecord(files, window, at, windowStart, windowEnd)
    if (next > offset || next === at) return at
    at = next
  }
}

/** Where the record at `at` ends; `at` itself when none stands there. */
function nextRecord(
  files: LogFiles,
  window: Buffer,
  at: number,
  windowStart: number,
  windowEnd: number,
): number {
  if (at + RECORD_BLANK_MIN_SIZE > windowEnd) return at
  const fileEnd = files.startOf(at) + files.fileSize
  const size = readInt32(window, at - windowStart)
  const magic = readInt32(window, at - windowStart + RECORD_MAGIC)
  if (magic === RECORD_MAGIC_BLANK) return fileEnd
  if (magic !== RECORD_MAGIC_V1 && magic !== RECORD_MAGIC_V2) return at
  return size < RECORD_MIN_SIZE || at + size > fileEnd ? at : at + size
}

function readWindow(log: RawLog, offset: number, window: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    readLog(log, offset, window, 0, window.length, (error, bytesRead) => {
      if (error === null) resolve(bytesRead)
      else reject(error)
    })
  })
}

function absent(offset: number): DiskError {
  return Object.assign(new Error(`the log does not hold ${offset}`), { code: 'ENOENT' })
}
