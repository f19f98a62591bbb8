import assert from 'node:assert/strict'
import { test } from 'node:test'
import { javaHash, Prng } from '@apogee/base'
import { makeWorld, wait } from '../consume-queue/queues.fixture.ts'
import { indexName, timeOfName } from './file-name.ts'
import {
  appendSome,
  checkSome,
  close,
  FOREVER,
  flush,
  LOAD,
  type Message,
  openIndex,
  query,
  read,
} from './index.fixture.ts'
import { fileSizeOf } from './layout.ts'

test("a file has Apache's name, size, header, slots and entries", () => {
  const world = makeWorld(1)
  const index = openIndex(world, { slots: 5_000_000, entries: 20_000_000 })
  index.load(LOAD)
  const first = Math.abs(javaHash('T#a'))
  const second = first + 5_000_000
  index.put(first, 0x1_0000_0010, 1_700_000_000_123)
  index.put(7, 0x1_0000_0010, 1_700_000_000_123)
  index.put(second, 0x1_0000_0200, 1_700_000_005_122)
  assert.equal(flush(world, index), null)
  assert.deepEqual(world.disk.list('/store/index'), ['20240101000000000'])
  const path = '/store/index/20240101000000000'
  assert.equal(world.disk.stat(path)?.size, 420_000_040)
  const header = '0000018bcfe5687b' + '0000018bcfe57c02' + '0000000100000010' + '0000000100000200'
  assert.equal(read(world, path, 0, 40), `${header}0000000200000004`)
  assert.equal(read(world, path, 40 + (first % 5_000_000) * 4, 4), '00000003')
  assert.equal(read(world, path, 40 + 7 * 4, 4), '00000002')
  const hex = (value: number): string => value.toString(16).padStart(8, '0')
  const entries = [
    '00'.repeat(20),
    `${hex(first)}00000001000000100000000000000000`,
    `${hex(7)}00000001000000100000000000000000`,
    `${hex(second)}00000001000002000000000400000001`,
    '00'.repeat(20),
  ]
  assert.equal(read(world, path, 20_000_040, 100), entries.join(''))
  assert.ok((world.disk.stat(path)?.allocated ?? 0) < 100_000)
  assert.equal(index.syncedTimestamp, 1_700_000_005_122)
})

test('a second file begins where the first ends, and counts its first entry from there', () => {
  const world = makeWorld(2)
  const index = openIndex(world, { slots: 10, entries: 3 })
  index.load(LOAD)
  index.put(1, 100, 50_000)
  index.put(2, 200, 60_000)
  index.put(3, 300, 65_500)
  assert.equal(flush(world, index), null)
  const [, second] = world.disk.list('/store/index')
  assert.equal(second, '20240101000000001')
  const path = `/store/index/${second}`
  // 65.5 s − 60 s = 5 whole seconds, as IndexFile.putKey counts.
  assert.equal(read(world, path, 40 + 40 + 20 + 12, 4), '00000005')
  assert.equal(read(world, path, 0, 16), '000000000000ffdc' + '000000000000ffdc')
  assert.equal(read(world, path, 16, 16), '000000000000012c' + '000000000000012c')
  index.put(4, 400, 70_000)
  index.put(5, 500, 80_000)
  assert.equal(close(world, index), null)
  assert.equal(world.disk.list('/store/index').length, 3)
  const again = openIndex(world, { slots: 10, entries: 3 })
  again.load(LOAD)
  assert.equal(again.endPhysicalOffset, 500)
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((hash) => query(world, again, hash)),
    [[100], [200], [300], [400], [500]],
  )
})

test('queries go newest first, within the time range and the count', () => {
  const world = makeWorld(3)
  const index = openIndex(world, { queryCountMax: 20 })
  index.load(LOAD)
  for (let i = 0; i < 300; i++) index.put(i % 2 === 0 ? 9 : 9 + 1500, i * 10, 10_000 + i * 1000)
  for (const flushed of [false, true]) {
    if (flushed) assert.equal(flush(world, index), null)
    assert.deepEqual(query(world, index, 9, 3), [2980, 2960, 2940])
    assert.equal(query(world, index, 9, 1000).length, 20)
    assert.deepEqual(query(world, index, 9, 9, [20_000, 25_999]), [140, 120, 100])
    assert.deepEqual(query(world, index, 9, 9, [0, 9_999]), [])
    assert.deepEqual(query(world, index, 10), [])
    assert.deepEqual(query(world, index, 9, 0), [])
  }
  const last = wait<object>(world, (done) => {
    index.query(9, 1, 0, FOREVER, (_error, _offsets, lastUpdate) => done(lastUpdate))
  })
  assert.deepEqual(last, { timestamp: 309_000, physicalOffset: 2990 })
})

test('a query ends after so many entries, and too many queries are refused', () => {
  const world = makeWorld(4)
  const options = { entries: 5000, slots: 1, queryStepsMax: 100, queriesMax: 1 }
  const index = openIndex(world, { ...options, queriesWaitingMax: 2 })
  index.load(LOAD)
  for (let i = 0; i < 1000; i++) index.put(i, i * 10, 10_000)
  assert.deepEqual(query(world, index, 950), [9500])
  assert.deepEqual(query(world, index, 1), [])
  assert.equal(close(world, index), null)
  const again = openIndex(world, { ...options, queriesWaitingMax: 2 })
  again.load(LOAD)
  const codes: string[] = []
  for (let i = 0; i < 5; i++) {
    again.query(990, 10, 0, FOREVER, (error) => codes.push(error?.code ?? 'fine'))
  }
  world.clock.runUntilIdle()
  assert.equal(codes.filter((code) => code === 'fine').length, 3)
  assert.equal(codes.filter((code) => code === 'INDEX_BUSY').length, 2)
})

test('random puts, flushes and reopens answer like a list, over several files', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const prng = new Prng(seed)
    const world = makeWorld(seed)
    const options = { slots: 1 + prng.below(3000), entries: 20 + prng.below(400) }
    let index = openIndex(world, options)
    index.load(LOAD)
    const messages: Message[] = []
    for (let round = 0; round < 12; round++) {
      appendSome(prng, messages, index)
      if (prng.chance(0.5)) assert.equal(flush(world, index), null)
      if (prng.chance(0.3)) {
        assert.equal(close(world, index), null)
        index = openIndex(world, options)
        index.load(LOAD)
        if (prng.chance(0.5)) world.clock.runUntilIdle()
      }
      checkSome(prng, world, index, messages, `seed ${seed} round ${round}`)
    }
  }
})

test('after a crash of an Apache broker files newer than its checkpoint are dropped', () => {
  const world = makeWorld(5)
  const index = openIndex(world, { slots: 10, entries: 11 })
  index.load(LOAD)
  for (let i = 0; i < 25; i++) index.put(i, i * 100, 10_000 + i * 1000)
  assert.equal(close(world, index), null)
  const names = world.disk.list('/store/index')
  assert.equal(names.length, 3)
  const trusting = openIndex(world, { slots: 10, entries: 11 })
  trusting.load({ crashed: true, sidecar: { indexedThrough: 2400 }, indexMsgTimestamp: 0 })
  assert.equal(world.disk.list('/store/index').length, 3)
  const again = openIndex(world, { slots: 10, entries: 11 })
  again.load({ crashed: true, sidecar: null, indexMsgTimestamp: 19_000 })
  assert.deepEqual(world.disk.list('/store/index'), names.slice(0, 1))
  assert.equal(again.endPhysicalOffset, 900)
})

test('files whose records have all left the log go, but never the last', () => {
  const world = makeWorld(6)
  const index = openIndex(world, { slots: 10, entries: 11 })
  index.load(LOAD)
  for (let i = 0; i < 35; i++) index.put(i, i * 100, 10_000)
  assert.equal(index.deleteExpired(10_000), 0)
  assert.equal(flush(world, index), null)
  assert.equal(index.deleteExpired(1900), 1)
  assert.equal(index.deleteExpired(10_000), 2)
  assert.equal(world.disk.list('/store/index').length, 1)
  assert.deepEqual(query(world, index, 5), [])
  assert.deepEqual(query(world, index, 33), [3300])
})

test('an index whose disk takes nothing stops, and goes on after resume', () => {
  const world = makeWorld(7)
  const index = openIndex(world, { entries: 5000, pendingBytesMax: 2000 })
  index.load(LOAD)
  world.disk.faults.failWhen((call) => call.kind === 'writeMany', { code: 'ENOSPC' })
  for (let i = 0; i < 150; i++) index.put(i, i * 10, 10_000)
  assert.equal(index.stalled, true)
  assert.equal(index.endPhysicalOffset, 990)
  assert.equal(flush(world, index) === null, false)
  assert.equal(index.resume(), false)
  world.disk.faults.clear()
  assert.equal(flush(world, index), null)
  assert.equal(index.resume(), true)
  for (let i = 99; i < 150; i++) index.put(i, i * 10, 10_000)
  assert.deepEqual(query(world, index, 149), [1490])
  assert.deepEqual(query(world, index, 99), [990])
})

test('flush waits until enough is there or time has passed', () => {
  const world = makeWorld(8)
  const index = openIndex(world, { entries: 5000, flushAfterMs: 10_000, flushBytes: 1000 })
  index.load(LOAD)
  const flushed = (): Error | null => wait<Error | null>(world, (done) => index.flush(done))
  index.put(1, 10, 10_000)
  assert.equal(flushed(), null)
  assert.deepEqual([index.syncedThrough, index.pendingBytes], [0, 20])
  for (let i = 2; i < 60; i++) index.put(i, i * 10, 10_000)
  assert.equal(flushed(), null)
  assert.deepEqual([index.syncedThrough, index.pendingBytes], [590, 0])
  index.put(60, 600, 10_000)
  world.clock.runFor(11_000)
  assert.equal(flushed(), null)
  assert.equal(index.syncedThrough, 600)
  index.indexed(700)
  assert.deepEqual([index.endPhysicalOffset, index.syncedThrough], [700, 600])
  world.clock.runFor(11_000)
  assert.equal(flushed(), null)
  assert.equal(index.syncedThrough, 700)
})

test('garbage in the folder is dropped or refused with a code', () => {
  const sizes = { slots: 20, entries: 30 }
  for (let seed = 1; seed <= 200; seed++) {
    const prng = new Prng(seed)
    const world = makeWorld(seed)
    for (const name of ['20240101000000000', '20240102000000000', 'x', '2024']) {
      const size = prng.chance(0.7) ? fileSizeOf(sizes) : prng.below(1000)
      const bytes = Buffer.alloc(size)
      for (let i = 0; i < size; i++) bytes[i] = prng.chance(0.7) ? 0 : prng.below(256)
      // Headers that look right are the interesting ones.
      if (prng.chance(0.7) && size >= 40) {
        bytes.fill(0, 0, 32)
        bytes.writeInt32BE(prng.below(20), 32)
        bytes.writeInt32BE(prng.below(30), 36)
        bytes.writeBigInt64BE(BigInt(prng.below(5000)), 24)
      }
      const file = world.disk.open(`/store/index/${name}`, { create: true })
      file.writeNow(bytes, 0)
      file.close()
    }
    const index = openIndex(world, sizes)
    const sidecar = prng.chance(0.5) ? null : { indexedThrough: prng.below(1000) }
    const options = { crashed: prng.chance(0.5), sidecar, indexMsgTimestamp: prng.below(2) * 1e15 }
    try {
      index.load(prng.chance(0.5) ? options : { ...options, logEnd: prng.below(1000) })
    } catch (error) {
      if ((error as { code?: string }).code !== 'INDEX_FILE_SIZE') throw error
      continue
    }
    for (let i = 0; i < 50; i++) index.put(prng.below(60), index.endPhysicalOffset + 5, 10_000)
    for (let hash = 0; hash < 60; hash++) query(world, index, hash)
    assert.equal(close(world, index), null, `seed ${seed}`)
  }
})

test('file names are local times that sort, and read back', () => {
  const prng = new Prng(1)
  for (let i = 0; i < 2000; i++) {
    const time = Math.floor((prng.next() / 2 ** 32) * 253_402_300_799_999)
    const date = new Date(time).toISOString().replace(/\D/g, '')
    assert.equal(indexName(time), date)
    assert.equal(timeOfName(date), time)
  }
  assert.equal(indexName(951_782_400_000), '20000229000000000')
})
