// Two commit logs, byte for byte: what lies between the first and the last record of the one must be the same in the other.
// Of a blank record (the rest of a file that the next record did not fit in) only its eight bytes of head mean something.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const MAGIC_V1 = 0xdaa320a7
const MAGIC_V2 = 0xdaa320ab
const MAGIC_BLANK = 0xcbd43194
const BLANK_HEAD = 8

export interface LogComparison {
  /** First offset of the slave's log, and where its records end. */
  from: number
  to: number
  records: number
  files: number
  /** Where the other log first differs; null when it does not. */
  difference: number | null
}

interface FileWalk {
  /** Bytes from the start of the file that mean something. */
  end: number
  records: number
  blank: boolean
}

/** Compares all that `slaveDir` holds with the same offsets of `masterDir`. Both brokers must be idle or ended. */
export function compareLogs(masterDir: string, slaveDir: string): LogComparison {
  const names = readdirSync(slaveDir)
    .filter((name) => /^\d{20}$/.test(name))
    .toSorted()
  const from = Number(names[0] ?? 0)
  const found: LogComparison = { from, to: from, records: 0, files: 0, difference: null }
  for (const name of names) {
    const slave = readFileSync(join(slaveDir, name))
    const { end, records, blank } = walk(slave)
    found.records += records
    found.to = Number(name) + (blank ? slave.length : end)
    if (end > 0) {
      found.files++
      const master = readFileSync(join(masterDir, name))
      const at = firstDifference(master, slave, end)
      if (at !== null) return { ...found, difference: Number(name) + at }
    }
    if (!blank) break
  }
  return found
}

function walk(file: Buffer): FileWalk {
  let at = 0
  let records = 0
  while (at + BLANK_HEAD <= file.length) {
    const size = file.readInt32BE(at)
    const magic = file.readUInt32BE(at + 4)
    if (magic === MAGIC_BLANK) return { end: at + BLANK_HEAD, records, blank: true }
    if (size <= 0 || (magic !== MAGIC_V1 && magic !== MAGIC_V2)) break
    at += size
    records++
  }
  return { end: at, records, blank: at === file.length }
}

function firstDifference(one: Buffer, other: Buffer, end: number): number | null {
  if (one.subarray(0, end).equals(other.subarray(0, end))) return null
  for (let at = 0; at < end; at++) if (one[at] !== other[at]) return at
  return end
}
