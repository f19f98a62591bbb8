import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { DiskError, DiskPiece } from '../ports.ts'
import { NodeDisk } from './disk.ts'

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'apogee-many-'))
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const write = (disk: NodeDisk, pieces: DiskPiece[]): Promise<DiskError | null> =>
  new Promise((resolve) => disk.writeMany(pieces, { sync: false }, resolve))

test('a call larger than a trip makes several', async () => {
  await inFolder(async (folder) => {
    const disk = new NodeDisk({ tripBytesMax: 1000 })
    const pieces: DiskPiece[] = []
    for (let i = 0; i < 100; i++) {
      const bytes = Buffer.alloc(i === 50 ? 5000 : 300, i)
      pieces.push({ path: join(folder, `${i % 7}`), size: 0, position: i * 5000, bytes })
    }
    assert.equal(await write(disk, pieces), null)
    for (const { path, position, bytes } of pieces) {
      const content = readFileSync(path).subarray(position, position + bytes.length)
      assert.ok(content.equals(bytes))
    }
  })
})

test('more calls than may wait are refused', async () => {
  await inFolder(async (folder) => {
    const disk = new NodeDisk({ waitingCallsMax: 3 })
    const piece = { path: join(folder, 'a'), size: 0, position: 0, bytes: Buffer.from('x') }
    const results = await Promise.all([1, 2, 3, 4, 5].map(() => write(disk, [piece])))
    assert.deepEqual(
      results.map((error) => error?.code),
      [undefined, undefined, undefined, 'EAGAIN', 'EAGAIN'],
    )
    assert.equal(await write(disk, [piece]), null)
  })
})

test('the worker keeps the process alive while it writes, and not a moment longer', async () => {
  await inFolder(async (folder) => {
    const script = fileURLToPath(new URL('./testdata/write-many-once.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [script, folder], {
      timeout: 10_000,
    })
    assert.equal(stdout, 'written')
    assert.equal(readdirSync(folder).length, 200)
  })
})
