import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DiskError, DiskFile } from '../../ports.ts'
import type { Harness, MakeHarness } from './harness.ts'

/** What every Disk does. */
export function diskCompliance(name: string, make: MakeHarness): void {
  const check = (title: string, run: (harness: Harness) => Promise<void> | void): void => {
    test(title, async () => {
      const harness = make()
      try {
        await run(harness)
      } finally {
        harness.dispose()
      }
    })
  }
  describe(`${name} disk`, () => {
    check('open finds, makes and refuses', opening)
    check('a file opened with a size is sparse and reads as zeros', sparse)
    check('what is written is read, in order, over any number of chunks', writing)
    check('a read at the end is short, and past it empty', shortReads)
    check('asynchronous calls end in a later turn', laterTurn)
    check('sync succeeds on files and folders', syncing)
    check('a cut file grows back with zeros', truncating)
    check('rename replaces files and refuses what it must', renaming)
    check('remove takes files and empty folders', removing)
    check('list is sorted, stat tells size and kind', listing)
    check('a closed file refuses everything, but ends what it began', closing)
    check('a removed file lives on while it is open', unlinked)
    check('a lock has one holder', locking)
    check('space is told of places that do not exist yet', space)
  })
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text)

function readText(file: DiskFile, length: number, position: number): string {
  const bytes = Buffer.alloc(length)
  return bytes.toString('latin1', 0, file.readNow(bytes, 0, length, position))
}

/** The error of an asynchronous call. */
async function settle(
  harness: Harness,
  start: (done: (error: DiskError | null) => void) => void,
): Promise<DiskError | null> {
  let result: { error: DiskError | null } | null = null
  start((error) => {
    assert.equal(result, null, 'done twice')
    result = { error }
  })
  await harness.until(() => result !== null)
  return (result as unknown as { error: DiskError | null }).error
}

function opening({ env, root }: Harness): void {
  const { disk } = env
  assert.throws(() => disk.open(`${root}/none`), { code: 'ENOENT' })
  assert.equal(disk.exists(`${root}/none`), false)
  disk.open(`${root}/a/b/c`, { create: true }).close()
  assert.equal(disk.exists(`${root}/a/b/c`), true)
  assert.throws(() => disk.open(`${root}/a`), { code: 'EISDIR' })
  assert.throws(() => disk.open(`${root}/a/b/c/d`), { code: 'ENOTDIR' })
  assert.throws(() => disk.open(`${root}/a/b/c/d`, { create: true }), { code: 'ENOTDIR' })
  assert.throws(() => disk.makeFolder(`${root}/a/b/c/d`), { code: 'ENOTDIR' })
  const file = disk.open(`${root}/a/b/c`)
  assert.equal(file.path, `${root}/a/b/c`)
  file.close()
}

function sparse({ env, root }: Harness): void {
  const { disk } = env
  const path = `${root}/sparse`
  const file = disk.open(path, { create: true, size: 2 ** 30 })
  assert.equal(file.size(), 2 ** 30)
  file.writeNow(bytesOf('end'), 2 ** 30 - 3)
  assert.equal(readText(file, 5, 2 ** 30 - 5), '\0\0end')
  assert.ok(disk.stat(path)!.allocated <= 64 * 1024)
  file.close()
  const again = disk.open(path, { size: 10 })
  assert.equal(again.size(), 2 ** 30)
  again.close()
}

async function writing(harness: Harness): Promise<void> {
  const { env, root } = harness
  const file = env.disk.open(`${root}/w`, { create: true })
  assert.equal(await settle(harness, (done) => file.write([bytesOf('hello')], 2, done)), null)
  assert.equal(readText(file, 7, 0), '\0\0hello')
  assert.equal(await settle(harness, (done) => file.write([], 0, done)), null)
  assert.equal(await settle(harness, (done) => file.write([bytesOf('')], 900, done)), null)
  assert.equal(file.size(), 7)
  const chunks = Array.from({ length: 3000 }, (_, index) => bytesOf(`${index},`))
  assert.equal(await settle(harness, (done) => file.write(chunks, 5, done)), null)
  const text = chunks.map((chunk) => Buffer.from(chunk).toString()).join('')
  assert.equal(file.size(), 5 + text.length)
  const into = Buffer.alloc(text.length + 4)
  let count = -1
  file.read(into, 2, text.length, 5, (error, bytesRead) => {
    assert.equal(error, null)
    count = bytesRead
  })
  await harness.until(() => count !== -1)
  assert.equal(count, text.length)
  assert.equal(into.toString('latin1'), `\0\0${text}\0\0`)
  file.close()
}

async function shortReads(harness: Harness): Promise<void> {
  const file = harness.env.disk.open(`${harness.root}/s`, { create: true })
  file.writeNow(bytesOf('abcdef'), 0)
  assert.equal(readText(file, 10, 4), 'ef')
  assert.equal(readText(file, 10, 6), '')
  assert.equal(readText(file, 10, 60), '')
  const counts: number[] = []
  for (const position of [0, 4, 6, 60]) {
    file.read(Buffer.alloc(10), 0, 10, position, (error, bytesRead) => {
      assert.equal(error, null)
      counts[position] = bytesRead
    })
  }
  await harness.until(() => Object.keys(counts).length === 4)
  assert.deepEqual([counts[0], counts[4], counts[6], counts[60]], [6, 2, 0, 0])
  file.close()
}

async function laterTurn(harness: Harness): Promise<void> {
  const { env, root } = harness
  const file = env.disk.open(`${root}/t`, { create: true })
  let early = true
  let ended = 0
  const end = (): void => {
    assert.equal(early, false)
    ended++
  }
  file.write([bytesOf('x')], 0, end)
  file.write([], 0, end)
  file.read(Buffer.alloc(1), 0, 0, 0, end)
  file.sync(end)
  env.disk.writeMany([], { sync: false }, end)
  early = false
  await harness.until(() => ended === 5)
  file.close()
}

async function syncing(harness: Harness): Promise<void> {
  const { disk } = harness.env
  const file = disk.open(`${harness.root}/d/f`, { create: true })
  file.writeNow(bytesOf('x'), 0)
  assert.equal(await settle(harness, (done) => file.sync(done)), null)
  file.syncNow()
  file.close()
  disk.syncDirectory(`${harness.root}/d`)
  assert.throws(() => disk.syncDirectory(`${harness.root}/none`), { code: 'ENOENT' })
  assert.throws(() => disk.syncDirectory(`${harness.root}/d/f`), { code: 'ENOTDIR' })
}

function truncating({ env, root }: Harness): void {
  const file = env.disk.open(`${root}/t`, { create: true })
  file.writeNow(bytesOf('0123456789'), 0)
  file.truncate(4)
  assert.equal(file.size(), 4)
  file.truncate(8)
  assert.equal(readText(file, 10, 0), '0123\0\0\0\0')
  file.close()
}

function renaming({ env, root }: Harness): void {
  const { disk } = env
  for (const name of ['a', 'b', 'full/x']) {
    const file = disk.open(`${root}/${name}`, { create: true })
    file.writeNow(bytesOf(name), 0)
    file.close()
  }
  disk.makeFolder(`${root}/empty`)
  disk.rename(`${root}/a`, `${root}/b`)
  assert.deepEqual(disk.list(root), ['b', 'empty', 'full'])
  const file = disk.open(`${root}/b`)
  assert.equal(readText(file, 5, 0), 'a')
  file.close()
  disk.rename(`${root}/b`, `${root}/b`)
  assert.throws(() => disk.rename(`${root}/a`, `${root}/c`), { code: 'ENOENT' })
  assert.throws(() => disk.rename(`${root}/b`, `${root}/none/c`), { code: 'ENOENT' })
  assert.throws(() => disk.rename(`${root}/b`, `${root}/empty`), { code: 'EISDIR' })
  assert.throws(() => disk.rename(`${root}/empty`, `${root}/b`), { code: 'ENOTDIR' })
  assert.throws(() => disk.rename(`${root}/empty`, `${root}/full`), { code: 'ENOTEMPTY' })
  assert.throws(() => disk.rename(`${root}/full`, `${root}/full/in`), { code: 'EINVAL' })
  disk.rename(`${root}/full`, `${root}/empty`)
  assert.deepEqual(disk.list(`${root}/empty`), ['x'])
}

function removing({ env, root }: Harness): void {
  const { disk } = env
  disk.open(`${root}/d/f`, { create: true }).close()
  assert.throws(() => disk.remove(`${root}/d`), { code: 'ENOTEMPTY' })
  disk.remove(`${root}/d/f`)
  disk.remove(`${root}/d/f`)
  disk.remove(`${root}/d`)
  disk.remove(`${root}/d`)
  assert.deepEqual(disk.list(root), [])
}

function listing({ env, root }: Harness): void {
  const { disk } = env
  for (const name of ['b', 'a', 'C', '10', '9']) {
    disk.open(`${root}/l/${name}`, { create: true }).close()
  }
  disk.makeFolder(`${root}/l/f/g`)
  assert.deepEqual(disk.list(`${root}/l`), ['10', '9', 'C', 'a', 'b', 'f'])
  assert.deepEqual(disk.list(`${root}/none`), [])
  assert.throws(() => disk.list(`${root}/l/a`), { code: 'ENOTDIR' })
  assert.equal(disk.stat(`${root}/none`), null)
  assert.equal(disk.stat(`${root}/l/a/b`), null)
  assert.equal(disk.stat(`${root}/l`)?.isFolder, true)
  const file = disk.open(`${root}/l/a`)
  file.writeNow(Buffer.alloc(5000, 1), 0)
  file.close()
  const stat = disk.stat(`${root}/l/a`)
  assert.equal(stat?.isFolder, false)
  assert.equal(stat?.size, 5000)
  assert.equal(stat.allocated, 8192)
  assert.ok(Math.abs(stat.modifiedMs - env.clock.wallMs()) < 5000)
}

async function closing(harness: Harness): Promise<void> {
  const path = `${harness.root}/c`
  const file = harness.env.disk.open(path, { create: true })
  const started = settle(harness, (done) => file.write([bytesOf('kept')], 0, done))
  file.close()
  file.close()
  assert.equal(await started, null)
  assert.equal(
    (await settle(harness, (done) => file.write([bytesOf('x')], 0, done)))?.code,
    'EBADF',
  )
  assert.equal((await settle(harness, (done) => file.sync(done)))?.code, 'EBADF')
  const read = settle(harness, (done) => file.read(Buffer.alloc(1), 0, 1, 0, done))
  assert.equal((await read)?.code, 'EBADF')
  for (const call of [
    () => file.size(),
    () => file.syncNow(),
    () => file.truncate(1),
    () => file.writeNow(bytesOf('x'), 0),
    () => file.readNow(Buffer.alloc(1), 0, 1, 0),
  ]) {
    assert.throws(call, { name: 'DiskFailure', code: 'EBADF', path })
  }
  const again = harness.env.disk.open(path)
  assert.equal(readText(again, 10, 0), 'kept')
  again.close()
}

function unlinked({ env, root }: Harness): void {
  const file = env.disk.open(`${root}/u`, { create: true })
  file.writeNow(bytesOf('still'), 0)
  env.disk.remove(`${root}/u`)
  assert.equal(env.disk.exists(`${root}/u`), false)
  file.writeNow(bytesOf(' here'), 5)
  assert.equal(readText(file, 20, 0), 'still here')
  file.close()
}

function locking({ env, root }: Harness): void {
  const { disk } = env
  const first = disk.lock(`${root}/lock`)
  assert.notEqual(first, null)
  assert.equal(disk.lock(`${root}/lock`), null)
  const other = disk.lock(`${root}/other`)
  assert.notEqual(other, null)
  const file = disk.open(`${root}/lock`)
  assert.equal(readText(file, 10, 0), 'lock')
  file.close()
  assert.equal(disk.lock(`${root}/lock`), null)
  first?.release()
  first?.release()
  const second = disk.lock(`${root}/lock`)
  assert.notEqual(second, null)
  first?.release()
  assert.equal(disk.lock(`${root}/lock`), null)
  second?.release()
  other?.release()
}

function space({ env, root }: Harness): void {
  const { total, free } = env.disk.space(`${root}/not/yet`)
  assert.ok(total > 0 && free > 0 && free <= total)
}
