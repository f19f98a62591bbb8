// What a power cut does to a log that was not synced: its end is gone, and zeros are in its place.
import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const BLANK_MAGIC = 0xcbd43194 | 0

/** Cuts about `share` of the newest file's records off, in the middle of one. Returns how many bytes are lost. */
export function loseTheTail(storeDir: string, share: number): number {
  const folder = join(storeDir, 'commitlog')
  const name = readdirSync(folder)
    .filter((each) => /^\d{20}$/.test(each))
    .sort()
    .at(-1)!
  const path = join(folder, name)
  const bytes = readFileSync(path)
  const end = endOfRecords(bytes)
  const from = Math.floor(end * (1 - share))
  const file = openSync(path, 'r+')
  ftruncateSync(file, from)
  ftruncateSync(file, bytes.length)
  closeSync(file)
  // What was known of the log's end did not reach the disk either.
  for (const each of ['apogee.checkpoint', 'checkpoint'])
    rmSync(join(storeDir, each), { force: true })
  return end - from
}

function endOfRecords(bytes: Buffer): number {
  let at = 0
  while (at + 8 <= bytes.length) {
    const size = bytes.readInt32BE(at)
    if (size <= 0 || bytes.readInt32BE(at + 4) === BLANK_MAGIC) break
    at += size
  }
  return at
}
