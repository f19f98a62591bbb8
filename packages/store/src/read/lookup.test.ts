import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killed, openNew, TestStore } from '../testing/store-fixture.ts'

test('an offset by time has the boundaries of ConsumeQueue.getOffsetInQueueByTime', async () => {
  const it = openNew(1)
  const times: number[] = []
  for (let i = 0; i < 30; i++) {
    times.push(it.sendAndWait({ body: `${i}` }).storeTimestamp)
    // Runs of the same time, and gaps.
    if (i % 4 === 3) await it.runFor(10)
  }
  const search = (time: number, boundary: 'lower' | 'upper'): Promise<number> =>
    it.resolve(it.store.searchOffset('T', 0, time, boundary))
  for (let time = times[0]! - 2; time <= times[29]! + 2; time++) {
    const lower = times.findIndex((at) => at >= time)
    assert.equal(await search(time, 'lower'), lower === -1 ? 30 : lower, `lower ${time}`)
    const upper = times.findLastIndex((at) => at <= time)
    assert.equal(await search(time, 'upper'), Math.max(0, upper), `upper ${time}`)
  }
  assert.equal(await it.resolve(it.store.searchOffset('none', 0, 1, 'lower')), 0)
})

test('store times by queue offset and of the oldest message', async () => {
  const it = openNew(2)
  assert.equal(await it.resolve(it.store.earliestStoreTime()), -1)
  const first = it.sendAndWait()
  await it.runFor(50)
  const second = it.sendAndWait()
  assert.equal(await it.resolve(it.store.storeTime('T', 0, 0)), first.storeTimestamp)
  assert.equal(await it.resolve(it.store.storeTime('T', 0, 1)), second.storeTimestamp)
  assert.equal(await it.resolve(it.store.storeTime('T', 0, 2)), -1)
  assert.equal(await it.resolve(it.store.storeTime('T', 9, 0)), -1)
  assert.equal(await it.resolve(it.store.earliestStoreTime()), first.storeTimestamp)
})

test('a record is read by its physical offset, and only where one starts', async () => {
  const it = openNew(3)
  const sent = it.sendAndWait({ body: 'x'.repeat(500) })
  for (let i = 0; i < 40; i++) it.sendAndWait({ body: 'push it out of the tail'.padEnd(300) })
  const last = it.sendAndWait({ body: 'last' })
  const read = (offset: number): Promise<Buffer | null> => it.resolve(it.store.readRecord(offset))
  assert.equal((await read(sent.physicalOffset))?.length, sent.size)
  assert.equal((await read(last.physicalOffset))?.length, last.size)
  for (const offset of [-1, 1, sent.size - 1, last.physicalOffset + last.size, 1e12]) {
    assert.equal(await read(offset), null, String(offset))
  }
  it.send({ body: 'not confirmed' })
  assert.equal(await it.store.readRecord(last.physicalOffset + last.size), null)
})

async function keysOf(it: TestStore, key: string, topic = 'T', max = 10): Promise<number[]> {
  const found = await it.resolve(it.store.queryByKey(topic, key, max, 0, 1e15))
  return found.records.map((record) => Number(record.readBigInt64BE(20)))
}

test('messages are found by key and by unique key, newest first, live and after a restart', async () => {
  const it = openNew(4)
  await it.runFor(5)
  for (let i = 0; i < 60; i++) {
    it.sendAndWait({ body: `${i}`, keys: `k${i % 5} all`, uniqKey: `U${i}` })
  }
  it.sendAndWait({ topic: 'Other', keys: 'k3', uniqKey: 'U3' })
  assert.deepEqual(await keysOf(it, 'k3'), [58, 53, 48, 43, 38, 33, 28, 23, 18, 13])
  assert.deepEqual(await keysOf(it, 'k3', 'Other'), [0])
  assert.deepEqual(await keysOf(it, 'U17'), [17])
  assert.deepEqual(await keysOf(it, 'all', 'T', 3), [59, 58, 57])
  assert.deepEqual(await keysOf(it, 'k'), [])
  await it.close()
  const clean = new TestStore(killed(it.world))
  clean.store.open()
  await clean.runFor(50)
  assert.deepEqual(await keysOf(clean, 'U17'), [17])
  assert.deepEqual(await keysOf(clean, 'k3', 'T', 2), [58, 53])
})

test('after a kill the index catches up over chunks, blanks and files, and misses no key', async () => {
  const it = openNew(5, { tailBytes: 2048, tailChunkSize: 512, indexEntries: 1000 })
  for (let i = 0; i < 150; i++)
    it.sendAndWait({ body: 'b'.repeat((i * 53) % 400), uniqKey: `U${i}` })
  const again = new TestStore(killed(it.world), { tailBytes: 65536, indexEntries: 1000 })
  again.store.open()
  // New messages come while the index is behind: it walks from disk into the tail.
  for (let i = 150; i < 200; i++) {
    again.send({ body: 'c'.repeat((i * 53) % 400), uniqKey: `U${i}` })
    if (i % 10 === 0) await again.runFor(1)
  }
  await again.runFor(500)
  for (let i = 0; i < 200; i++) assert.deepEqual(await keysOf(again, `U${i}`), [i], `U${i}`)
})

test('a deleted topic is gone, others stay, and its name can be used again', async () => {
  const it = openNew(6)
  for (let i = 0; i < 5; i++) it.sendAndWait({ topic: 'Gone', queueId: i % 2 })
  it.sendAndWait({ topic: 'Stays' })
  assert.deepEqual(it.store.topics(), ['Gone', 'Stays'])
  assert.deepEqual(it.store.queuesOf('Gone'), [0, 1])
  await it.runFor(3000)
  it.store.deleteTopic('Gone')
  assert.deepEqual(it.store.topics(), ['Stays'])
  assert.equal(it.get({ topic: 'Gone' }).status, 'NO_MATCHED_LOGIC_QUEUE')
  await it.runFor(3000)
  assert.equal(it.sendAndWait({ topic: 'Gone', body: 'again' }).queueOffset, 0)
  assert.deepEqual(it.bodies('Gone'), ['again'])
  await it.close()
  const reopened = new TestStore(killed(it.world))
  reopened.store.open()
  assert.deepEqual(reopened.bodies('Gone'), ['again'])
  assert.deepEqual(reopened.bodies('Stays'), ['body'])
})
