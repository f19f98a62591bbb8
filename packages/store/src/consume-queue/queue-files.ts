import { ApogeeError, readInt32, readInt64 } from '@apogee/base'
import type { DiskError, DiskFile } from '@apogee/env'
import { FILLER_SIZE, fileOfName, isUnit, UNIT_SIZE } from './layout.ts'
import type { QueueContext } from './queue-context.ts'

/** What the files of a queue hold. */
export interface QueueRange {
  /** First and last file, -1 without files. Every file between them is there. */
  firstFile: number
  lastFile: number
  /** One past the last valid unit. */
  end: number
  /** Something that is no valid unit follows on disk. */
  junk: boolean
}

const PROBE_UNITS = 200
const probe = Buffer.alloc(PROBE_UNITS * UNIT_SIZE)

/**
 * Finds where a queue begins and ends on disk, in a few small reads. Below what the last checkpoint covers units are dense
 * and valid, so the end is searched by halving; what a crash left above it need not be, so the last unit is then checked
 * against the log. A unit that is in the log proves all before it: they were put in log order.
 * Throws a DiskError, or an ApogeeError for files of another size than configured.
 */
export function readRange(context: QueueContext, topic: string, queueId: number): QueueRange {
  const range = listFiles(context, topic, queueId)
  if (range.lastFile === -1) return range
  range.end = range.firstFile * context.unitsPerFile
  for (let file = range.lastFile; file >= range.firstFile; file--) {
    const end = searchFile(context, topic, queueId, file)
    if (end > file * context.unitsPerFile) {
      range.end = end
      break
    }
  }
  if (context.recovering) return range
  const found = range.end
  range.end = verifiedEnd(context, topic, queueId, range)
  range.junk = range.end < found || hasJunk(context, topic, queueId, range)
  return range
}

/**
 * Zeros what follows the last valid unit, up to the first stretch that is zero anyway. An Apache broker would take it for
 * units; we would find out, so that a failure is only reported.
 */
export function clearTail(
  context: QueueContext,
  topic: string,
  queueId: number,
  range: QueueRange,
): void {
  try {
    clearFiles(context, topic, queueId, range)
  } catch (error) {
    context.log.warn({ event: 'consume-queue-tail-not-cleared', topic, queueId, err: error })
  }
}

function clearFiles(
  context: QueueContext,
  topic: string,
  queueId: number,
  range: QueueRange,
): void {
  for (let file = context.fileOf(range.end); file <= range.lastFile; file++) {
    const start = file * context.unitsPerFile
    const from = Math.max(0, range.end - start) * UNIT_SIZE
    withFile(context, topic, queueId, file, (handle) => {
      let position = from
      while (position < context.options.fileSize) {
        const length = Math.min(probe.length, context.options.fileSize - position)
        const read = handle.readNow(probe, 0, length, position)
        if (isZero(probe, 0, read)) break
        handle.writeNow(new Uint8Array(read), position)
        position += read
      }
    })
  }
}

function listFiles(context: QueueContext, topic: string, queueId: number): QueueRange {
  const folder = context.folderOf(topic, queueId)
  const range: QueueRange = { firstFile: -1, lastFile: -1, end: 0, junk: false }
  const files: number[] = []
  for (const name of context.disk.list(folder)) {
    const file = fileOfName(name, context.options.fileSize)
    if (file >= 0) files.push(file)
    else context.log.warn({ event: 'consume-queue-stray-file', folder, name })
  }
  if (files.length === 0) return range
  range.lastFile = files[files.length - 1]!
  range.firstFile = range.lastFile
  for (let i = files.length - 2; i >= 0; i--) {
    if (files[i] !== range.firstFile - 1) {
      const missing = context.pathOf(topic, queueId, range.firstFile - 1)
      context.log.warn({ event: 'consume-queue-file-missing', path: missing })
      break
    }
    range.firstFile--
  }
  return range
}

/** One past the last unit of the dense run that `file` starts with. */
function searchFile(context: QueueContext, topic: string, queueId: number, file: number): number {
  const start = file * context.unitsPerFile
  return withFile(context, topic, queueId, file, (handle) => {
    const size = handle.size()
    if (size > context.options.fileSize) {
      throw new ApogeeError(
        'CONSUME_QUEUE_FILE_SIZE',
        `${handle.path} has ${size} bytes, configured are ${context.options.fileSize}`,
      )
    }
    const reader = new UnitReader(handle, context.unitsPerFile, context.loadEnd)
    // Gallop first: most queues are short, and then the first block holds their end.
    let low = 0
    let high = Math.min(PROBE_UNITS, context.unitsPerFile)
    while (reader.valid(high - 1)) {
      low = high
      if (high === context.unitsPerFile) return start + high
      high = Math.min(high * 2, context.unitsPerFile)
    }
    // Everything below `low` holds, the unit at `high - 1` does not.
    high--
    while (low < high) {
      const middle = (low + high) >>> 1
      if (reader.valid(middle)) low = middle + 1
      else high = middle
    }
    return start + low
  })
}

/** Where the queue ends once its last unit must be in the log: a halving search, see `readRange`. */
function verifiedEnd(
  context: QueueContext,
  topic: string,
  queueId: number,
  range: QueueRange,
): number {
  const begin = range.firstFile * context.unitsPerFile
  if (context.verify === undefined || range.end === begin) return range.end
  if (inLog(context, topic, queueId, range.end - 1)) return range.end
  let low = begin
  let high = range.end - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (inLog(context, topic, queueId, middle)) low = middle + 1
    else high = middle
  }
  const fields = { topic, queueId, maxOffset: low, dropped: range.end - low }
  context.log.warn({ event: 'consume-queue-tail-dropped', ...fields })
  return low
}

/** A unit below the log, or a filler, cannot be checked: it was synced long ago. */
function inLog(context: QueueContext, topic: string, queueId: number, offset: number): boolean {
  readUnit(context, topic, queueId, offset)
  const physicalOffset = readInt64(probe, 0)
  const size = readInt32(probe, 8)
  if (!isUnit(probe, 0)) return false
  if (size === FILLER_SIZE || physicalOffset < context.logMin) return true
  return context.verify?.(physicalOffset, size, topic, queueId, offset) ?? true
}

function hasJunk(
  context: QueueContext,
  topic: string,
  queueId: number,
  range: QueueRange,
): boolean {
  if (context.fileOf(range.end) > range.lastFile) return false
  const read = readUnit(context, topic, queueId, range.end)
  return !isZero(probe, 0, read)
}

function readUnit(context: QueueContext, topic: string, queueId: number, offset: number): number {
  const file = context.fileOf(offset)
  const position = (offset - file * context.unitsPerFile) * UNIT_SIZE
  probe.fill(0, 0, UNIT_SIZE)
  return withFile(context, topic, queueId, file, (handle) =>
    handle.readNow(probe, 0, UNIT_SIZE, position),
  )
}

function withFile<T>(
  context: QueueContext,
  topic: string,
  queueId: number,
  file: number,
  use: (handle: DiskFile) => T,
): T {
  const handle = context.disk.open(context.pathOf(topic, queueId, file))
  try {
    return use(handle)
  } finally {
    handle.close()
  }
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    if (bytes[i] !== 0) return false
  }
  return true
}

/** Looks at units of one file by blocks of 200. */
class UnitReader {
  private readonly handle: DiskFile
  private readonly units: number
  private readonly logEnd: number
  private first = -1

  constructor(handle: DiskFile, units: number, logEnd: number) {
    this.handle = handle
    this.units = units
    this.logEnd = logEnd
  }

  valid(unit: number): boolean {
    const first = unit - (unit % PROBE_UNITS)
    if (first !== this.first) {
      const length = Math.min(PROBE_UNITS, this.units - first) * UNIT_SIZE
      const read = this.handle.readNow(probe, 0, length, first * UNIT_SIZE)
      probe.fill(0, read, length)
      this.first = first
    }
    const at = (unit - first) * UNIT_SIZE
    return isUnit(probe, at) && readInt64(probe, at) < this.logEnd
  }
}

/** The physical offset of the last unit of a file that is not the last of its queue. Throws a DiskError. */
export function lastOffsetOfFile(
  context: QueueContext,
  topic: string,
  queueId: number,
  file: number,
): number {
  readUnit(context, topic, queueId, (file + 1) * context.unitsPerFile - 1)
  return readInt64(probe, 0)
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as DiskError).code === 'ENOENT'
}
