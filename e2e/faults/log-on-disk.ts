// The commit log read straight from its files, by code of its own: what the disk holds, whatever the broker says.
//
// commitlog/00000000000000000000: records back to back; a blank record (length i32, magic i32) fills the end of a file;
// zeros follow the last record.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseRecords, type StoredRecord } from '../harness/records.ts'

const BLANK_MAGIC = 0xcbd43194

export interface LogOnDisk {
  records: StoredRecord[]
  /** Size of the record at each physical offset. */
  sizes: Map<number, number>
  /** Where the last record ends. */
  end: number
  /** Bytes behind the end that are not zero, if any: a torn record that nobody cut off. */
  remainsAt: number | null
}

export function logFileNames(storeDir: string): string[] {
  const names = readdirSync(join(storeDir, 'commitlog'))
  return names.filter((name) => /^\d{20}$/.test(name)).toSorted()
}

/** Reads every record from the first file's start. Throws on a record that is not where it says it is. */
export function readLog(storeDir: string): LogOnDisk {
  const log: LogOnDisk = { records: [], sizes: new Map(), end: 0, remainsAt: null }
  let ended = false
  for (const name of logFileNames(storeDir)) {
    const bytes = readFileSync(join(storeDir, 'commitlog', name))
    const start = Number(name)
    const at = ended ? 0 : readFile(bytes, start, log)
    if (at === bytes.length) continue
    ended = true
    const remains = firstNonZero(bytes, at)
    if (remains >= 0) log.remainsAt ??= start + remains
  }
  return log
}

/** Appends the file's records; gives the place where they end, the file's length when it is full. */
function readFile(bytes: Buffer, start: number, log: LogOnDisk): number {
  let at = 0
  while (at + 8 <= bytes.length) {
    const size = bytes.readInt32BE(at)
    if (size === 0) break
    if (bytes.readUInt32BE(at + 4) === BLANK_MAGIC) return bytes.length
    const record = parseRecords(bytes.subarray(at, at + size))[0]
    if (record?.physicalOffset !== start + at) {
      throw new Error(`record at ${start + at} says it is at ${record?.physicalOffset}`)
    }
    log.records.push(record)
    log.sizes.set(start + at, size)
    at += size
    log.end = start + at
  }
  return at
}

function firstNonZero(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return at
  return -1
}
