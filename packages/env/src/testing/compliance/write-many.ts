import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DiskError, DiskPiece } from '../../ports.ts'
import type { Harness, MakeHarness } from './harness.ts'

/** What every Disk does with `writeMany`, for a few pieces and for many. */
export function writeManyCompliance(name: string, make: MakeHarness): void {
  describe(`${name} disk, writeMany`, () => {
    for (const count of [3, 500]) {
      const check = (title: string, run: (harness: Harness, count: number) => Promise<void>) => {
        test(`${title} (${count} pieces)`, async () => {
          const harness = make()
          try {
            await run(harness, count)
          } finally {
            harness.dispose()
          }
        })
      }
      check('makes files and folders, sparse, with the bytes in their places', making)
      check('keeps the order of calls and of pieces', ordering)
      check('stops at the first error and names it', failing)
    }
  })
}

async function making(harness: Harness, count: number): Promise<void> {
  const { env, root } = harness
  const pieces: DiskPiece[] = []
  for (let i = 0; i < count; i++) {
    const path = `${root}/q/${i % 50}/${i}`
    pieces.push({ path, size: 6_000_000, position: i * 20, bytes: Buffer.from(`piece ${i}`) })
  }
  assert.equal(await write(harness, pieces, true), null)
  for (const { path, position, bytes } of pieces) {
    const stat = env.disk.stat(path)
    assert.equal(stat?.size, 6_000_000)
    assert.ok(stat.allocated <= 64 * 1024)
    const file = env.disk.open(path)
    const into = Buffer.alloc(bytes.length + 1)
    file.readNow(into, 0, into.length, position)
    file.close()
    assert.equal(into.toString('latin1'), `${Buffer.from(bytes).toString()}\0`)
  }
}

async function ordering(harness: Harness, count: number): Promise<void> {
  const path = `${harness.root}/same`
  const ended: number[] = []
  for (let call = 0; call < 4; call++) {
    // Few and many take turns: one way must not overtake the other.
    const length = call % 2 === 0 ? count : 1
    const pieces: DiskPiece[] = []
    for (let i = 0; i < length; i++) {
      pieces.push({ path, size: 0, position: 0, bytes: Buffer.from(`${call}:${i};`.padEnd(10)) })
    }
    harness.env.disk.writeMany(pieces, { sync: false }, (error) => {
      assert.equal(error, null)
      ended.push(call)
    })
  }
  await harness.until(() => ended.length === 4)
  assert.deepEqual(ended, [0, 1, 2, 3])
  const file = harness.env.disk.open(path)
  const into = Buffer.alloc(10)
  assert.equal(file.size(), 10)
  file.readNow(into, 0, 10, 0)
  file.close()
  assert.equal(into.toString().trim(), '3:0;')
}

async function failing(harness: Harness, count: number): Promise<void> {
  const { env, root } = harness
  env.disk.open(`${root}/file`, { create: true }).close()
  const bad = count - 2
  const pieces: DiskPiece[] = []
  for (let i = 0; i < count; i++) {
    const path = i === bad ? `${root}/file/below` : `${root}/ok/${i}`
    pieces.push({ path, size: 1, position: 0, bytes: Buffer.from('x') })
  }
  const error = await write(harness, pieces, false)
  assert.equal(error?.code, 'ENOTDIR')
  assert.equal((error as DiskError & { path: string }).path, `${root}/file/below`)
  assert.equal(env.disk.exists(`${root}/ok/${bad - 1}`), true)
  assert.equal(env.disk.exists(`${root}/ok/${bad + 1}`), false)
  assert.equal(await write(harness, [pieces[bad + 1]!], false), null)
}

async function write(
  harness: Harness,
  pieces: DiskPiece[],
  sync: boolean,
): Promise<DiskError | null> {
  const results: (DiskError | null)[] = []
  harness.env.disk.writeMany(pieces, { sync }, (error) => results.push(error))
  await harness.until(() => results.length > 0)
  return results[0]!
}
