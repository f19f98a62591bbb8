import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { SimClock } from './clock.ts'
import { crashVariant, processKill } from './crash.ts'
import { SimDisk } from './disk.ts'

const SEEDS = 60
const FILES = ['/a', '/b', '/d/a', '/d/b', '/d/e/a']

/** Random changes of a few files, some of them synced on the way. */
function scramble(disk: SimDisk, prng: Prng, steps: number): void {
  // A crash may have taken the folders, and a rename makes none.
  disk.makeFolder('/d/e')
  for (let i = 0; i < steps; i++) {
    const path = FILES[prng.below(FILES.length)]!
    const file = disk.open(path, { create: true })
    const kind = prng.below(8)
    if (kind < 4) file.writeNow(Buffer.alloc(1 + prng.below(3000), 1 + i), prng.below(20_000))
    else if (kind === 4) file.truncate(prng.below(20_000))
    else if (kind === 5) file.syncNow()
    file.close()
    if (kind === 6) disk.rename(path, FILES[prng.below(FILES.length)]!)
    if (kind === 7) disk.remove(path)
  }
}

function syncAll(disk: SimDisk): void {
  for (const path of disk.contents().keys()) {
    const file = disk.open(path)
    file.syncNow()
    file.close()
  }
  for (const folder of ['/', '/d', '/d/e']) if (disk.exists(folder)) disk.syncDirectory(folder)
}

function each(run: (disk: SimDisk, prng: Prng) => void): void {
  for (let seed = 0; seed < SEEDS; seed++) {
    const prng = new Prng(seed)
    const disk = new SimDisk({ clock: new SimClock(), prng: prng.fork() })
    try {
      run(disk, prng)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
}

test('no crash changes a disk on which everything is synced', () => {
  each((disk, prng) => {
    scramble(disk, prng, 60)
    syncAll(disk)
    const before = disk.contents()
    for (let i = 0; i < 8; i++) {
      assert.deepEqual(disk.crash(crashVariant(i, prng, 0)).contents(), before)
    }
  })
})

test('a folder that was removed takes nothing from a later one of its name', () => {
  each((disk, prng) => {
    for (const [folder, content] of [
      ['/d/e', 1],
      ['/d/e', 2],
    ] as const) {
      if (disk.exists('/d')) {
        disk.remove(`${folder}/a`)
        disk.remove(folder)
        disk.remove('/d')
        disk.syncDirectory('/')
      }
      disk.makeFolder(folder)
      const file = disk.open(`${folder}/a`, { create: true })
      file.writeNow(Buffer.alloc(10, content), 0)
      file.syncNow()
      file.close()
      for (const name of ['/d/e', '/d', '/']) disk.syncDirectory(name)
    }
    // What is left of the first folder's end may come to the disk with any later sync.
    disk.open('/other', { create: true }).close()
    disk.syncDirectory('/')
    const before = disk.contents()
    assert.equal(before.has('/d/e/a'), true)
    for (let i = 0; i < 8; i++) {
      assert.deepEqual(disk.crash(crashVariant(i, prng, 0)).contents(), before)
    }
  })
})

test('a process kill changes nothing, whatever is synced', () => {
  each((disk, prng) => {
    scramble(disk, prng, 60)
    assert.deepEqual(disk.crash(processKill(prng)).contents(), disk.contents())
  })
})

test('what was synced before the last changes of other files survives every crash', () => {
  each((disk, prng) => {
    const keep = disk.open('/keep', { create: true })
    keep.writeNow(Buffer.alloc(5000, 9), 0)
    scramble(disk, prng, 20)
    keep.syncNow()
    disk.syncDirectory('/')
    scramble(disk, prng, 20)
    for (let i = 0; i < 12; i++) {
      const content = disk
        .crash(crashVariant(i, prng, 30))
        .contents()
        .get('/keep')
      assert.ok(content !== undefined && Buffer.from(content).equals(Buffer.alloc(5000, 9)))
    }
  })
})

test('a crash does not touch the disk it is taken of, and space adds up on every image', () => {
  each((disk, prng) => {
    scramble(disk, prng, 40)
    const before = disk.contents()
    for (let i = 0; i < 6; i++) {
      const image = disk.crash(crashVariant(i, prng, 30))
      let allocated = 0
      for (const path of image.contents().keys()) allocated += image.stat(path)?.allocated ?? 0
      assert.equal(image.used, allocated)
      scramble(image, prng, 20)
    }
    assert.deepEqual(disk.contents(), before)
  })
})

test('a second crash after recovery is as good as the first', () => {
  each((disk, prng) => {
    scramble(disk, prng, 30)
    const image = disk.crash(crashVariant(4, prng, 30))
    const after = image.contents()
    for (let i = 0; i < 4; i++) {
      assert.deepEqual(image.crash(crashVariant(i, prng, 30)).contents(), after)
    }
  })
})
