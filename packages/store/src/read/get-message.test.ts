import assert from 'node:assert/strict'
import { test } from 'node:test'
import { javaHash } from '@apogee/base'
import type { DiskCall } from '@apogee/env/sim'
import { messageStoreDefaults } from '../options.ts'
import { killed, onlyTag, openNew, TestStore } from '../testing/store-fixture.ts'
import type { MessageFilter } from './get-message.ts'

/** Expired after half a minute, so that virtual days need not pass. */
const retention = { ...messageStoreDefaults.retention, reservedMs: 30_000 }

function filled(seed: number, count: number, bodySize = 50): TestStore {
  const it = openNew(seed, { retention, tailBytes: 2048, tailChunkSize: 512 })
  for (let i = 0; i < count; i++) {
    it.sendAndWait({ body: `${i}:`.padEnd(bodySize, 'b'), tags: i % 3 === 0 ? 'A' : 'B' })
  }
  return it
}

const isLogRead = (call: DiskCall): boolean => call.kind === 'read' && /commitlog/.test(call.path)
const bodyNumber = (body: Uint8Array): number => Number.parseInt(Buffer.from(body).toString(), 10)

test('statuses and next offsets are those of DefaultMessageStore.getMessage', async () => {
  const it = filled(1, 5)
  const at = (offset: number, more = {}): unknown[] => {
    const { status, nextBeginOffset, minOffset, maxOffset, count } = it.get({ offset, ...more })
    return [status, nextBeginOffset, minOffset, maxOffset, count]
  }
  assert.deepEqual(at(0, { topic: 'unknown' }), ['NO_MATCHED_LOGIC_QUEUE', 0, 0, 0, 0])
  it.store.consumeQueue('empty', 0)
  assert.deepEqual(at(7, { topic: 'empty' }), ['NO_MESSAGE_IN_QUEUE', 0, 0, 0, 0])
  assert.deepEqual(at(0), ['FOUND', 5, 0, 5, 5])
  assert.deepEqual(at(3, { maxCount: 1 }), ['FOUND', 4, 0, 5, 1])
  assert.deepEqual(at(5), ['OFFSET_OVERFLOW_ONE', 5, 0, 5, 0])
  assert.deepEqual(at(6), ['OFFSET_OVERFLOW_BADLY', 5, 0, 5, 0])
  assert.deepEqual(at(-1), ['OFFSET_TOO_SMALL', 0, 0, 5, 0])
  assert.deepEqual(at(0, { filter: onlyTag(99) }), ['NO_MATCHED_MESSAGE', 5, 0, 5, 0])
  await it.close()
})

test('a queue whose older files are gone begins at the first message that is left', async () => {
  const it = filled(2, 200, 200)
  assert.ok(it.store.commitLog.appended > 4 * 8192)
  await it.runFor(31_000)
  it.sendAndWait({ body: 'last' })
  assert.ok(it.store.deleteExpiredNow() > 0)
  const { minPhysicalOffset } = it.store
  assert.ok(minPhysicalOffset > 0)
  const min = it.store.minOffset('T', 0)
  assert.ok(min > 0)
  const small = it.get({ offset: 0 })
  assert.deepEqual([small.status, small.nextBeginOffset], ['OFFSET_TOO_SMALL', min])
  const got = it.get({ offset: min, maxCount: 1 })
  assert.equal(got.status, 'FOUND')
  assert.ok(got.messages[0]!.physicalOffset >= minPhysicalOffset)
})

test('the limits of count and bytes hold, near and far; the first message always fits', () => {
  const it = filled(3, 100)
  const tailStart = it.readAll().length - 5
  const near = it.get({ offset: tailStart, maxCount: 3 })
  assert.deepEqual([near.count, near.nextBeginOffset, near.fromMemory], [3, tailStart + 3, true])
  const size = 92 + 7 + 50
  assert.equal(it.get({ offset: tailStart, maxBytes: 2 * size }).count, 2)
  assert.equal(it.get({ offset: tailStart, maxBytes: 2 * size - 1 }).count, 1)
  assert.equal(it.get({ offset: tailStart, maxBytes: 1 }).count, 1)
  const far = it.get({ offset: 0, maxCount: 32, diskMaxCount: 8 })
  assert.deepEqual([far.count, far.nextBeginOffset, far.fromMemory], [8, 8, false])
  assert.equal(it.get({ offset: 0, diskMaxBytes: 3 * size }).count, 3)
})

test('filters by tag and by record skip what does not match and move the offset on', () => {
  const it = filled(4, 90)
  const tagA = it.get({ filter: onlyTag(javaHash('A')), maxCount: 10, diskMaxCount: 10 })
  assert.deepEqual(
    tagA.messages.map((message) => message.queueOffset),
    [0, 3, 6, 9, 12, 15, 18, 21, 24, 27],
  )
  assert.ok(tagA.nextBeginOffset > 27 && tagA.nextBeginOffset <= 30)
  const seen: number[] = []
  const bySize: MessageFilter = {
    needsRecord: true,
    matchesTags: () => true,
    matchesRecord: (buffer, start, size) => {
      assert.equal(Buffer.from(buffer.buffer, buffer.byteOffset + start, 4).readInt32BE(), size)
      seen.push(start)
      return seen.length % 4 === 0
    },
  }
  const filtered = it.get({ filter: bySize, maxCount: 16, diskMaxCount: 16 })
  assert.equal(filtered.status, 'FOUND')
  assert.deepEqual(
    filtered.messages.map((message) => message.queueOffset),
    [3, 7, 11, 15],
  )
  assert.equal(filtered.nextBeginOffset, 16)
})

test('what left the tail is read from disk, over blocks and files, whatever its size', () => {
  const it = openNew(5, { readBlockSize: 512, tailBytes: 1024, tailChunkSize: 512 })
  const bodies: string[] = []
  for (let i = 0; i < 120; i++) {
    const body = `${i}:`.padEnd((i * 37) % 1500, 'z')
    bodies.push(body)
    it.sendAndWait({ body })
  }
  assert.deepEqual(it.bodies(), bodies)
  const got = it.get({ offset: 10 })
  assert.equal(got.fromMemory, false)
  const again = new TestStore(killed(it.world), { readBlockSize: 700 })
  again.store.open()
  assert.deepEqual(again.bodies(), bodies, 'with blocks that do not divide the file')
})

test('readers at many places at once get the right bytes from few blocks', () => {
  const it = filled(6, 150, 100)
  const results = new Map<number, number[]>()
  for (let offset = 0; offset < 150; offset += 3) {
    const query = { topic: 'T', queueId: 0, offset, maxCount: 5, maxBytes: 1e6, filter: null }
    it.store.getMessage({ ...query, diskMaxCount: 5, diskMaxBytes: 1e6 }, (result) => {
      const { body } = result
      const numbers: number[] = []
      for (let at = 0; body !== null && at < body.length; at += body.readInt32BE(at)) {
        numbers.push(Number(body.readBigInt64BE(at + 20)))
        assert.equal(bodyNumber(body.subarray(at + 88, at + 92)), numbers.at(-1))
      }
      results.set(offset, numbers)
    })
  }
  it.runUntil(() => results.size === 50)
  for (const [offset, numbers] of results) {
    const expected = [0, 1, 2, 3, 4].map((i) => offset + i).filter((i) => i < 150)
    assert.deepEqual(numbers, expected)
  }
  assert.deepEqual(it.bodies().map((body) => Number.parseInt(body, 10)).length, 150)
})

test('records that leave the tail while others of the same get are on their way are read too', () => {
  const it = openNew(7, { tailBytes: 1024, tailChunkSize: 512, pendingBytesMax: 1 << 20 })
  for (let i = 0; i < 40; i++) it.sendAndWait({ body: `${i}:`.padEnd(100, 'q') })
  let numbers: number[] | null = null
  const query = { topic: 'T', queueId: 0, offset: 25, maxCount: 15, maxBytes: 1e6, filter: null }
  it.store.getMessage({ ...query, diskMaxCount: 15, diskMaxBytes: 1e6 }, (result) => {
    const body = result.body!
    numbers = []
    for (let at = 0; at < body.length; at += body.readInt32BE(at)) {
      numbers.push(bodyNumber(body.subarray(at + 88, at + 92)))
    }
  })
  assert.equal(numbers, null, 'needs the disk')
  for (let i = 0; i < 40; i++) it.send({ queueId: 1, body: 'push the others out'.padEnd(90) })
  it.runUntil(() => numbers !== null)
  assert.deepEqual(numbers, [25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39])
})

test('a read that fails, or whose file retention took meanwhile, is MESSAGE_WAS_REMOVING', () => {
  const it = filled(8, 200, 200)
  it.world.disk.faults.failWhen(isLogRead, { code: 'EIO' }, 1)
  const got = it.get({ offset: 0 })
  assert.deepEqual([got.status, got.nextBeginOffset], ['MESSAGE_WAS_REMOVING', 0])
  assert.equal(it.get({ offset: 0 }).status, 'FOUND', 'the next try reads again')
})

test('retention removes a file under a reader: it gets the bytes or MESSAGE_WAS_REMOVING', async () => {
  const it = filled(9, 200, 200)
  await it.runFor(31_000)
  it.sendAndWait({ body: 'new' })
  const statuses: string[] = []
  for (let offset = 0; offset < 60; offset += 20) {
    const query = { topic: 'T', queueId: 0, offset, maxCount: 3, maxBytes: 1e6, filter: null }
    it.store.getMessage({ ...query, diskMaxCount: 3, diskMaxBytes: 1e6 }, (result) => {
      statuses.push(result.status)
      if (result.status === 'FOUND') assert.equal(result.body!.length, result.bytes)
    })
  }
  assert.ok(it.store.deleteExpiredNow() > 0)
  await it.runFor(1000)
  assert.equal(statuses.length, 3)
  for (const status of statuses) assert.ok(['FOUND', 'MESSAGE_WAS_REMOVING'].includes(status))
})

test('a queue whose units cannot be read is OFFSET_FOUND_NULL and skips nothing', async () => {
  const it = filled(10, 120)
  await it.close()
  const again = new TestStore(killed(it.world))
  again.store.open()
  const isQueueRead = (call: DiskCall): boolean =>
    call.kind === 'read' && /consumequeue/.test(call.path)
  again.store.maxOffset('T', 0)
  again.world.disk.faults.failWhen(isQueueRead, { code: 'EIO' })
  const got = again.get({ offset: 7 })
  assert.deepEqual([got.status, got.nextBeginOffset, got.count], ['OFFSET_FOUND_NULL', 7, 0])
  again.world.disk.faults.clear()
  assert.equal(again.get({ offset: 7 }).messages[0]?.queueOffset, 7)
})

test('a log file that cannot be opened is a failed read, not an exception', async () => {
  const it = filled(11, 120, 200)
  await it.close()
  const again = new TestStore(killed(it.world))
  again.store.open()
  const isLogOpen = (call: DiskCall): boolean => call.kind === 'open' && /commitlog/.test(call.path)
  again.world.disk.faults.failWhen(isLogOpen, { code: 'EMFILE' })
  const got = again.get({ offset: 3 })
  assert.deepEqual([got.status, got.nextBeginOffset], ['MESSAGE_WAS_REMOVING', 3])
  assert.equal(await again.resolve(again.store.readRecord(8192)), null)
  again.world.disk.faults.clear()
  assert.equal(again.get({ offset: 3 }).messages[0]?.queueOffset, 3)
})
