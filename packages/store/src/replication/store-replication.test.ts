import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { messageStoreDefaults } from '../options.ts'
import { logBytes, readRaw, reopened, seeds, sendDrawn } from '../testing/replica-pair.ts'
import { killed, openNew, TestStore } from '../testing/store-fixture.ts'

const FILE = 8192

/** What the log's files hold below `end`, one after the other. */
function wholeLog(it: TestStore): Buffer {
  const { written } = it.store.watermarks
  return Buffer.concat(logBytes(it.world.disk, written).filter((bytes) => bytes.length > 0))
}

test('reads give what the files hold, from memory and from disk, in any pieces', async () => {
  for (const seed of seeds(1, 6)) {
    const prng = new Prng(seed)
    let it = openNew(seed)
    sendDrawn(it, prng, 0, 150)
    for (let pass = 0; pass < 2; pass++) {
      const { fileSize, written } = it.store.replication
      assert.equal(fileSize, FILE)
      const log = wholeLog(it)
      for (let i = 0; i < 300; i++) {
        const offset = prng.below(written)
        const length = 1 + prng.below(9000)
        const end = Math.min(offset + length, written, offset - (offset % FILE) + FILE)
        const bytes = readRaw(it, offset, length)
        assert.deepEqual(bytes, log.subarray(offset, end), `seed ${seed} at ${offset}+${length}`)
      }
      assert.equal(readRaw(it, written, 100).length, 0)
      it = await reopened(it, prng.chance(0.5))
    }
  }
})

test('what is in memory is there at once; what is not written, or gone, is not', () => {
  const it = openNew(10)
  it.sendAndWait()
  const { replication } = it.store
  const { written } = replication
  it.send()
  const into = Buffer.alloc(100)
  const read = (offset: number, length: number): string => {
    let answer = 'later'
    replication.read(offset, into, 0, length, (error, count) => {
      answer = error === null ? String(count) : error.code
    })
    return answer
  }
  assert.equal(read(0, 50), '50')
  assert.equal(read(written - 1, 100), '1')
  assert.equal(read(written, 100), '0')
  assert.equal(read(0, 0), '0')
  assert.equal(read(written + 1, 1), 'ENOENT')
})

test('the log below its first file is ENOENT, and a disk that fails says so', async () => {
  const retention = { ...messageStoreDefaults.retention, reservedMs: 100 }
  const it = openNew(11, { retention })
  for (let i = 0; i < 200; i++) it.sendAndWait({ body: 'x'.repeat(300) })
  await it.runFor(200)
  let moved = 0
  it.store.replication.onProgress(() => moved++)
  assert.ok(it.store.deleteExpiredNow() > 0)
  assert.ok(moved > 0, 'a new minOffset is told')
  const { minOffset } = it.store.replication
  assert.throws(() => readRaw(it, minOffset - 1, 10), { code: 'ENOENT' })
  it.world.disk.faults.failWhen((call) => call.kind === 'read', { code: 'EIO' }, 1)
  assert.throws(() => readRaw(it, minOffset, 10), { code: 'EIO' })
})

test('boundaries are found from the start of the file', async () => {
  for (const seed of seeds(20, 4)) {
    const prng = new Prng(seed)
    const it = openNew(seed)
    const starts = new Set<number>()
    for (let i = 0; i < 120; i++) {
      starts.add(it.sendAndWait({ body: 'x'.repeat(prng.below(700)) }).physicalOffset)
    }
    const { written } = it.store.replication
    const log = wholeLog(it)
    const magic = Buffer.from([0xcb, 0xd4, 0x31, 0x94])
    for (let at = log.indexOf(magic); at >= 0; at = log.indexOf(magic, at + 1)) starts.add(at - 4)
    starts.add(written)
    const sorted = [...starts].sort((a, b) => a - b)
    for (let i = 0; i < 60; i++) {
      const offset = prng.chance(0.3) ? sorted[prng.below(sorted.length)]! : prng.below(written)
      const expected = sorted.findLast((start) => start <= offset)!
      const found = await it.resolve(it.store.replication.boundaryAtOrBelow(offset))
      assert.equal(found, expected, `seed ${seed} at ${offset}`)
    }
    const beyond = await it.resolve(it.store.replication.boundaryAtOrBelow(written + 5000))
    assert.equal(beyond, written)
  }
})

test('where a file is damaged, the last boundary before is the answer', async () => {
  const it = openNew(30)
  const sent = [0, 1, 2, 3].map((i) => it.sendAndWait({ body: `${i}` }))
  await it.close()
  const path = '/data/store/commitlog/00000000000000000000'
  const file = it.world.disk.open(path)
  file.writeNow(Buffer.alloc(8, 0xff), sent[2]!.physicalOffset)
  file.close()
  const again = new TestStore(killed(it.world))
  again.store.open()
  const found = await again.resolve(
    again.store.replication.boundaryAtOrBelow(sent[3]!.physicalOffset),
  )
  assert.equal(found, sent[2]!.physicalOffset)
})

for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH'] as const) {
  test(`${flushDiskType}: progress is told in the turn it is made, once for each step of a batch`, () => {
    const it = openNew(40, { flushDiskType })
    const { replication } = it.store
    let seen = { written: 0, flushed: 0 }
    let calls = 0
    const end = replication.onProgress(() => {
      calls++
      seen = { written: replication.written, flushed: replication.flushed }
    })
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 5; i++) it.send()
      while (it.store.watermarks.confirmed < it.store.watermarks.appended) {
        const before = calls
        it.world.clock.step()
        const { flushed, written } = replication
        assert.deepEqual(seen, { written, flushed }, 'moved, and nobody was told')
        assert.ok(calls <= before + 1)
      }
    }
    const batches = it.store.commitLog.batches
    assert.ok(calls <= batches * 2, `${calls} calls for ${batches} batches`)
    end()
    const before = calls
    it.sendAndWait()
    assert.equal(calls, before)
  })
}

test('what is written can be read before it is synced', () => {
  const it = openNew(50, { flushDiskType: 'SYNC_FLUSH' })
  it.sendAndWait()
  it.world.disk.faults.failWhen((call) => call.kind === 'sync', { stallMs: 1000 }, 1)
  const sent = it.send()
  let got = 0
  it.store.replication.onProgress(() => {
    got = readRaw(it, sent.physicalOffset, 500).length
  })
  it.runUntil(() => got > 0, 100)
  assert.equal(got, sent.size)
  assert.ok(it.store.watermarks.flushed <= sent.physicalOffset)
})

test('retention keeps what a replica has not got, unless the disk is nearly full', async () => {
  const retention = { ...messageStoreDefaults.retention, reservedMs: 100 }
  const it = openNew(60, { retention })
  for (let i = 0; i < 200; i++) it.sendAndWait({ body: 'x'.repeat(300) })
  await it.runFor(200)
  const { replication } = it.store
  replication.keepFrom(2 * FILE + 5)
  it.store.deleteExpiredNow()
  assert.equal(replication.minOffset, 2 * FILE)
  assert.equal(it.store.deleteExpiredNow(), 0)
  assert.equal(it.logs.filter((entry) => entry.level === 'warn').length, 0)
  it.world.disk.setCapacity(Math.floor(it.world.disk.used / 0.95))
  assert.ok(it.store.deleteExpiredNow() > 0)
  assert.equal(it.events('log_file_deleted').at(-1)!.fields['needed'], true)
  it.world.disk.setCapacity(2 ** 40)
  const { minOffset } = replication
  assert.equal(it.store.deleteExpiredNow(), 0)
  replication.keepFrom(Number.POSITIVE_INFINITY)
  for (let i = 0; i < 60; i++) it.sendAndWait({ body: 'x'.repeat(300) })
  await it.runFor(200)
  assert.ok(it.store.deleteExpiredNow() > 0)
  assert.ok(replication.minOffset > minOffset)
})
