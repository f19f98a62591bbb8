import assert from 'node:assert/strict'
import { test } from 'node:test'
import { javaHash } from '@apogee/base'
import { killed, openNew, type Sent, TestStore } from '../testing/store-fixture.ts'
import { NOT_STORED_DISK_FULL, STORED, STORED_FLUSH_TIMEOUT } from './ack-queue.ts'
import {
  APPEND_BUSY,
  APPEND_DISK_FULL,
  APPEND_OK,
  APPEND_PROPERTIES_TOO_LARGE,
  APPEND_TOO_LARGE,
  APPEND_UNAVAILABLE,
} from './commit-log-options.ts'

const modes = ['ASYNC_FLUSH', 'SYNC_FLUSH'] as const

for (const flushDiskType of modes) {
  test(`${flushDiskType}: a message is acknowledged, dispatched and read back as it was sent`, () => {
    const it = openNew(1, { flushDiskType })
    const sent = it.send({ body: 'hello', tags: 'A', keys: 'k1 k2', queueId: 3 })
    assert.equal(sent.status, APPEND_OK)
    assert.deepEqual(it.acks, [], 'an acknowledgement inside append')
    it.runUntilAcks(1)
    assert.deepEqual(it.acks, [{ token: sent.token, outcome: STORED }])
    const got = it.get({ queueId: 3 })
    assert.equal(got.status, 'FOUND')
    assert.equal(got.fromMemory, true)
    assert.equal(got.nextBeginOffset, 1)
    const message = got.messages[0]!
    assert.equal(Buffer.from(message.body).toString(), 'hello')
    assert.deepEqual(
      [...message.properties],
      [
        ['KEYS', 'k1 k2'],
        ['TAGS', 'A'],
      ],
    )
    assert.equal(message.physicalOffset, sent.physicalOffset)
    assert.equal(message.queueOffset, 0)
    assert.equal(message.queueId, 3)
    assert.equal(message.storeTimestamp, sent.storeTimestamp)
  })

  test(`${flushDiskType}: nothing is acknowledged or visible before its promise holds`, () => {
    const it = openNew(2, { flushDiskType })
    const sync = flushDiskType === 'SYNC_FLUSH'
    const ends: number[] = []
    it.onAck = (token) => {
      const { confirmed, flushed, written } = it.store.watermarks
      assert.equal(confirmed, sync ? flushed : written)
      assert.ok(ends[token]! <= confirmed, 'acknowledged above the watermark')
    }
    for (let i = 0; i < 60; i++) {
      const sent = it.send({ body: `m${i}`, queueId: i % 3 })
      ends[sent.token] = sent.physicalOffset + sent.size
      for (let k = 0; k < i % 4; k++) it.world.clock.step()
      for (let queueId = 0; queueId < 3; queueId++) {
        for (const message of it.get({ queueId }).messages) {
          assert.ok(message.physicalOffset < it.store.watermarks.confirmed, 'visible too early')
        }
      }
    }
    it.runUntilAcks(60)
    assert.deepEqual(
      it.acks.map((ack) => ack.token),
      [...Array(60).keys()].map((i) => i + 1),
    )
    assert.ok(it.acks.every((ack) => ack.outcome === STORED))
  })
}

test('appends of one turn are one write, and under load batches grow by themselves', () => {
  const it = openNew(3)
  for (let i = 0; i < 20; i++) it.send({ body: `${i}` })
  it.runUntilAcks(20)
  assert.equal(it.store.commitLog.batches, 1)
  it.send({ body: 'first' })
  it.runUntil(() => it.store.commitLog.batches === 2)
  for (let i = 0; i < 10; i++) it.send({ body: 'while it is on its way' })
  it.runUntilAcks(31)
  assert.equal(it.store.commitLog.batches, 3)
})

test('a batch is cut between records, however much waits', () => {
  const it = openNew(4, { batchBytesMax: 1000, pendingBytesMax: 1 << 20, tailBytes: 1 << 20 })
  for (let i = 0; i < 300; i++) it.send({ body: 'x'.repeat(i % 97), queueId: i % 2 })
  it.runUntilAcks(300)
  assert.ok(it.store.commitLog.batches > 30)
  assert.equal(it.readAll('T', 0).length + it.readAll('T', 1).length, 300)
})

test('WAIT=false is acknowledged once written; SYNC_FLUSH shows it only once it is on disk', () => {
  const it = openNew(5, { flushDiskType: 'SYNC_FLUSH' })
  const early = it.send({ waitStore: false })
  const late = it.send()
  it.runUntilAcks(1)
  assert.deepEqual(it.acks, [{ token: early.token, outcome: STORED }])
  assert.ok(it.store.watermarks.flushed < it.store.watermarks.written)
  assert.equal(it.store.maxOffset('T', 0), 0)
  it.runUntilAcks(2)
  assert.equal(it.acks[1]?.token, late.token)
  assert.equal(it.store.maxOffset('T', 0), 2)
})

test('a sync that takes too long gives FLUSH_DISK_TIMEOUT, and the message becomes visible later', async () => {
  const it = openNew(6, { flushDiskType: 'SYNC_FLUSH', pendingAgeMaxMs: 1e9 })
  it.sendAndWait()
  it.world.disk.faults.failWhen((call) => call.kind === 'sync', { stallMs: 9000 }, 1)
  it.send()
  await it.runFor(5200)
  assert.deepEqual(
    it.acks.map((ack) => ack.outcome),
    [STORED, STORED_FLUSH_TIMEOUT],
  )
  assert.equal(it.store.maxOffset('T', 0), 1)
  await it.runFor(5000)
  assert.equal(it.acks.length, 2)
  assert.equal(it.store.maxOffset('T', 0), 2)
  assert.equal(it.store.failure, null)
})

/** Size of a record of topic T with a body of this many bytes and no properties. */
function bodyFor(size: number): string {
  return 'r'.repeat(size - 92)
}

for (const [name, over] of [
  ['one byte less than fits with the blank', -1],
  ['exactly what fits with the blank', 0],
  ['one byte more', 1],
] as const) {
  test(`file boundary: a record of ${name}`, async () => {
    const it = openNew(7)
    const fileSize = 8192
    it.sendAndWait({ body: bodyFor(2000) })
    it.sendAndWait({ body: bodyFor(2000) })
    const left = fileSize - 4000
    const sent = it.sendAndWait({ body: bodyFor(left - 8 + over) })
    assert.equal(sent.physicalOffset, over <= 0 ? 4000 : fileSize)
    const next = it.sendAndWait({ body: 'next' })
    assert.equal(next.physicalOffset, over <= 0 ? fileSize : fileSize + sent.size)
    assert.equal(it.readAll().length, 4)
    const again = new TestStore(killed(it.world))
    again.store.open()
    assert.equal(again.readAll().length, 4)
    assert.equal(again.store.maxPhysicalOffset, it.store.maxPhysicalOffset)
    assert.equal(again.bodies()[3], 'next')
  })
}

test('records larger than a chunk, topics above 127 bytes and IPv6 hosts are stored as Apache does', async () => {
  const long = 'L'.repeat(200)
  const v6 = Uint8Array.from([0xfe, 0x80, ...Array<number>(13).fill(0), 7])
  const it = openNew(8, { storeHost: v6 })
  it.sendAndWait({ body: 'B'.repeat(3000) })
  it.sendAndWait({ topic: long, bornHost: v6, tags: 'x' })
  it.sendAndWait({ body: 'small' })
  const [large, small] = it.readAll()
  assert.equal(large?.body.length, 3000)
  assert.equal(Buffer.from(small!.body).toString(), 'small')
  const wide = it.readAll(long)[0]!
  assert.equal(wide.version, 2)
  assert.equal(wide.topic, long)
  assert.equal(wide.bornHost.address, wide.storeHost.address.replace(/$/, ''))
  await it.close()
  const again = new TestStore(killed(it.world), { storeHost: v6 })
  again.store.open()
  assert.equal(again.readAll(long)[0]?.topic, long)
  assert.equal(again.get({ topic: long, filter: null }).count, 1)
  const tags = again.get({
    topic: long,
    filter: {
      needsRecord: false,
      matchesTags: (code) => code === javaHash('x'),
      matchesRecord: () => false,
    },
  })
  assert.equal(tags.count, 1)
})

test('appends are refused at each limit, and the ones at it are taken', async () => {
  const it = openNew(9, { maxMessageSize: 4096, pendingBytesMax: 10_000 })
  const send = (bodySize: number, propertiesSize = 0): Sent =>
    it.send({ body: 'x'.repeat(bodySize), properties: 'p'.repeat(propertiesSize) })
  assert.equal(send(4096).status, APPEND_OK)
  assert.equal(send(4097).status, APPEND_TOO_LARGE)
  assert.equal(send(0, 8192 - 8 - 92).status, APPEND_BUSY, 'pending bytes')
  it.runUntilAcks(1)
  assert.equal(send(0, 8192 - 8 - 92).status, APPEND_OK, 'a record of exactly one file')
  assert.equal(send(0, 8192 - 8 - 92 + 1).status, APPEND_TOO_LARGE, 'more than one file')
  await it.close()
  assert.equal(send(1).status, APPEND_UNAVAILABLE)

  const large = openNew(10, { commitLogFileSize: 1 << 17, pendingBytesMax: 1 << 20 })
  const status = (size: number): number => large.send({ properties: 'p'.repeat(size) }).status
  assert.equal(status(32_767), APPEND_OK)
  assert.equal(status(32_768), APPEND_PROPERTIES_TOO_LARGE)
})

test('messages that wait longer than osPageCacheBusyTimeOutMills make new ones wait elsewhere', async () => {
  const it = openNew(11, { pendingAgeMaxMs: 1000 })
  it.world.disk.faults.failWhen((call) => call.kind === 'write', { stallMs: 3000 }, 1)
  it.send()
  await it.runFor(900)
  assert.equal(it.send().status, APPEND_OK)
  await it.runFor(200)
  assert.equal(it.send().status, APPEND_BUSY)
  await it.runFor(3000)
  assert.equal(it.send().status, APPEND_OK)
})

test('the tail is used again, never under a record that is not written or not dispatched', async () => {
  const it = openNew(12, { tailBytes: 2048, tailChunkSize: 512, pendingBytesMax: 1 << 20 })
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 7; i++) it.send({ body: `${round}-${i}-${'y'.repeat((round * 31) % 300)}` })
    if (round % 3 === 0) await it.runFor(5)
  }
  await it.runFor(1000)
  assert.equal(it.acks.length, 280)
  const bodies = it.bodies()
  assert.equal(bodies.length, 280)
  for (let i = 0; i < 280; i++) {
    assert.ok(bodies[i]!.startsWith(`${Math.floor(i / 7)}-${i % 7}-`), `body ${i}`)
  }
})

test('a full device refuses what it did not take, gives the offsets back, and takes messages again', async () => {
  for (const flushDiskType of modes) {
    const it = openNew(13, { flushDiskType })
    for (let i = 0; i < 5; i++) it.sendAndWait({ body: `kept${i}` })
    it.world.disk.setCapacity(it.world.disk.used)
    const refused = [it.send({ body: 'R'.repeat(3900) }), it.send({ body: 'S'.repeat(3900) })]
    it.runUntilAcks(7)
    assert.deepEqual(
      it.acks.slice(5),
      refused.map(({ token }) => ({ token, outcome: NOT_STORED_DISK_FULL })),
    )
    assert.equal(it.send().status, APPEND_DISK_FULL)
    assert.equal(it.bodies().length, 5, 'reads go on')
    assert.equal(it.store.failure, null)
    assert.equal(it.events('disk_full').length, 1)
    it.world.disk.setCapacity(2 ** 30)
    await it.runFor(1000)
    assert.equal(it.events('disk_space_back').length, 1)
    const after = it.sendAndWait({ body: 'after' })
    assert.equal(after.queueOffset, 5)
    assert.equal(after.physicalOffset, refused[0]?.physicalOffset)
    assert.equal(it.bodies()[5], 'after')
    const again = new TestStore(killed(it.world), { flushDiskType })
    again.store.open()
    assert.deepEqual(again.bodies(), it.bodies())
  }
})

test('no part of a refused batch comes back behind what is written in its place', async () => {
  for (const flushDiskType of modes) {
    for (const appliedBytes of [0, 5, 150, 300, 450, 600]) {
      const it = openNew(14, { flushDiskType })
      it.sendAndWait({ body: 'kept' })
      const fault = { code: 'ENOSPC', appliedBytes }
      it.world.disk.faults.failWhen((call) => call.kind === 'write', fault, 1)
      for (const body of ['A', 'B', 'C']) it.send({ body: body.repeat(100) })
      it.runUntilAcks(4)
      assert.deepEqual(
        it.acks.slice(1).map((ack) => ack.outcome),
        [NOT_STORED_DISK_FULL, NOT_STORED_DISK_FULL, NOT_STORED_DISK_FULL],
      )
      const reopened = new TestStore(killed(it.world), { flushDiskType })
      reopened.store.open()
      assert.deepEqual(reopened.bodies(), ['kept'], 'right after the refusal')
    }
  }
})

test('a record written where a refused one lay is the last one, even with the same size', async () => {
  for (const flushDiskType of modes) {
    const it = openNew(15, { flushDiskType })
    it.sendAndWait({ body: 'kept' })
    const fault = { code: 'ENOSPC', appliedBytes: 10_000 }
    it.world.disk.faults.failWhen((call) => call.kind === 'write', fault, 1)
    for (const body of ['A', 'B', 'C']) it.send({ body: body.repeat(100) })
    it.runUntilAcks(4)
    await it.runFor(500)
    it.sendAndWait({ body: 'N'.repeat(100) })
    const reopened = new TestStore(killed(it.world), { flushDiskType })
    reopened.store.open()
    assert.deepEqual(reopened.bodies(), ['kept', 'N'.repeat(100)])
  }
})
