// The comparison of logs must fail when it should.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/processes.ts'
import { compareLogs } from './log-bytes.ts'

const FILE_SIZE = 1024
const MAGIC = 0xdaa320a7
const BLANK = 0xcbd43194

/** Records of 100 bytes filled with `fill`, and a blank to the end of the file when `full`. */
function logFile(records: number, full: boolean, fill: number, rest: number): Buffer {
  const file = Buffer.alloc(FILE_SIZE, rest)
  for (let index = 0; index < records; index++) {
    file.fill(fill, index * 100, index * 100 + 100)
    file.writeInt32BE(100, index * 100)
    file.writeUInt32BE(MAGIC, index * 100 + 4)
  }
  const end = records * 100
  file.writeInt32BE(full ? FILE_SIZE - end : 0, end)
  file.writeUInt32BE(full ? BLANK : 0, end + 4)
  return file
}

function logs(change: (second: Buffer) => void): [string, string] {
  const dir = temporaryFolder('log-bytes')
  const folders = ['master', 'slave'].map((name) => join(dir, name)) as [string, string]
  for (const [index, folder] of folders.entries()) {
    mkdirSync(folder)
    // What lies behind a blank record is nobody's promise.
    writeFileSync(join(folder, '0'.padStart(20, '0')), logFile(9, true, 1, index))
    const second = logFile(index === 0 ? 5 : 4, false, 2, 0)
    if (index === 1) change(second)
    writeFileSync(join(folder, String(FILE_SIZE).padStart(20, '0')), second)
  }
  return folders
}

test('a log that is a part of the other is the same, whatever lies behind its blanks', () => {
  const found = compareLogs(...logs(() => {}))
  assert.deepEqual(found, { from: 0, to: FILE_SIZE + 400, records: 13, files: 2, difference: null })
})

test('one byte that differs is found, wherever it is', () => {
  for (const at of [20, 99, 399]) {
    const found = compareLogs(...logs((second) => second.writeUInt8(77, at)))
    assert.equal(found.difference, FILE_SIZE + at)
  }
})
