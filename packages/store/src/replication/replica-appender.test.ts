import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { APPEND_UNAVAILABLE } from '../commit-log/commit-log-options.ts'
import {
  contentOf,
  keysOf,
  logBytes,
  openPair,
  type Pair,
  pieceSizes,
  readRaw,
  reopened,
  seeds,
  sendDrawn,
  settle,
  stream,
} from '../testing/replica-pair.ts'
import { killed, TestStore } from '../testing/store-fixture.ts'
import {
  REPLICA_GAP,
  REPLICA_MALFORMED,
  REPLICA_OK,
  REPLICA_UNAVAILABLE,
} from './log-replication.ts'

const MAGIC_BLANK = 0xcbd43194 | 0

function assertEqualLogs(pair: Pair, about: string): void {
  const { master, slave } = pair
  settle(slave)
  const { written } = master.store.watermarks
  assert.equal(slave.store.watermarks.appended, written, about)
  const expected = logBytes(master.world.disk, written)
  assert.deepEqual(logBytes(slave.world.disk, written), expected, about)
  assert.deepEqual(contentOf(slave), contentOf(master), about)
}

for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH'] as const) {
  test(`${flushDiskType}: a log in any pieces gives the same files, queues and keys`, async () => {
    for (const seed of seeds(100, 16)) {
      const prng = new Prng(seed)
      const storeHost = new Uint8Array(prng.chance(0.5) ? 4 : 16).fill(10)
      const pair = openPair(seed, { flushDiskType, storeHost })
      for (let round = 0; round < 4; round++) {
        sendDrawn(pair.master, prng, round * 40, 40)
        assert.equal(stream(pair, pieceSizes(prng)), REPLICA_OK, `seed ${seed}`)
      }
      assertEqualLogs(pair, `seed ${seed}`)
      assert.ok(pair.master.world.disk.list('/data/store/commitlog').length > 3, 'several files')
      assert.deepEqual(await keysOf(pair.slave, 160), await keysOf(pair.master, 160))
    }
  })

  test(`${flushDiskType}: a slave that stops or is killed anywhere goes on where it ends`, async () => {
    for (const seed of seeds(200, 12)) {
      const prng = new Prng(seed)
      let pair = openPair(seed, { flushDiskType })
      sendDrawn(pair.master, prng, 0, 120)
      const target = pair.master.store.watermarks.written
      while (pair.slave.store.replication.replica.received < target) {
        const upTo = pair.slave.store.replication.replica.received + prng.below(6000)
        assert.equal(stream(pair, pieceSizes(prng), true, upTo), REPLICA_OK, `seed ${seed}`)
        for (let i = prng.below(30); i > 0; i--) pair.slave.world.clock.step()
        pair = { master: pair.master, slave: await reopened(pair.slave, prng.chance(0.5)) }
        const { appended, replica } = pair.slave.store.replication
        assert.equal(replica.received, appended, 'no part of a record')
      }
      assertEqualLogs(pair, `seed ${seed}`)
    }
  })
}

test('behind a blank record all, a part, or nothing may come', () => {
  for (const rest of [0, 1, 7, 1e9]) {
    const pair = openPair(300)
    const { master, slave } = pair
    const { replica } = slave.store.replication
    for (let i = 0; i < 40; i++) master.sendAndWait({ body: 'x'.repeat(300 + i) })
    const { written } = master.store.watermarks
    let jumps = 0
    while (replica.received < written) {
      const { received } = replica
      const fileEnd = received - (received % 8192) + 8192
      const bytes = readRaw(master, received, 8192)
      const blank = findBlank(bytes)
      const took = blank < 0 ? bytes : bytes.subarray(0, Math.min(blank + 8 + rest, bytes.length))
      assert.equal(replica.append(received, took, true), REPLICA_OK)
      if (blank < 0) break
      assert.equal(slave.store.watermarks.appended, fileEnd, 'the blank ends the file')
      assert.equal(replica.received, received + took.length)
      const next = readRaw(master, fileEnd, readRaw(master, fileEnd, 4).readInt32BE(0))
      assert.equal(replica.append(fileEnd, next, true), REPLICA_OK)
      assert.equal(replica.append(fileEnd - 1, next, true), REPLICA_GAP)
      jumps++
    }
    assert.ok(jumps >= 1)
    assertEqualLogs(pair, `rest ${rest}`)
  }
})

function findBlank(bytes: Buffer): number {
  for (let at = 0; at + 8 <= bytes.length; at += bytes.readInt32BE(at)) {
    if (bytes.readInt32BE(at + 4) === MAGIC_BLANK) return at
    if (bytes.readInt32BE(at) <= 0) return -1
  }
  return -1
}

test('a blank at the end of the log is written and acknowledged to the end of its file', () => {
  const pair = openPair(310)
  for (let i = 0; i < 30; i++) pair.master.sendAndWait({ body: 'x'.repeat(300) })
  const { replica } = pair.slave.store.replication
  const bytes = readRaw(pair.master, 0, 8192)
  replica.append(0, bytes.subarray(0, findBlank(bytes) + 8), true)
  settle(pair.slave)
  assert.equal(pair.slave.store.replication.stored, 8192)
  stream(pair, () => 1000)
  assertEqualLogs(pair, 'after the blank')
})

test('a record of 16 MB and one of the smallest size', () => {
  const big = { commitLogFileSize: 64 << 20, maxMessageSize: 16 << 20, pendingBytesMax: 64 << 20 }
  const pair = openPair(320, big, { maxMessageSize: 4096 })
  pair.master.sendAndWait({ body: Buffer.alloc(16 << 20, 7), properties: 'p'.repeat(32_000) })
  pair.master.sendAndWait({ topic: 't', body: '', properties: '' })
  let size = 1
  assert.equal(
    stream(pair, () => (size *= 3)),
    REPLICA_OK,
  )
  assertEqualLogs(pair, 'big')
})

test('what is no record of this log is refused, and what came before it stays', () => {
  const cases: [string, (record: Buffer) => unknown][] = [
    ['magic', (it) => it.writeInt32BE(0x12345678, 4)],
    ['zeros', (it) => it.fill(0)],
    ['a size below the least', (it) => it.writeInt32BE(90, 0)],
    ['a negative size', (it) => it.writeInt32BE(-5, 0)],
    ['a size beyond the file', (it) => it.writeInt32BE(9000, 0)],
    ['a size that does not add up', (it) => it.writeInt32BE(it.length - 1, 0)],
    ['another place', (it) => it.writeBigInt64BE(1n, 28)],
    ['a negative queue', (it) => it.writeInt32BE(-1, 12)],
    ['a negative queue offset', (it) => it.writeBigInt64BE(-1n, 20)],
    ['a topic that leads out of the store', (it) => it.write('../x', it.indexOf('Topc'))],
    ['its body', (it) => (it[90]! ^= 1)],
    ['a blank too early', (it) => it.writeInt32BE(MAGIC_BLANK, 4)],
  ]
  for (const [name, damage] of cases) {
    for (const piece of [1, 7, 8, 50, 10_000]) {
      const { master, slave } = openPair(330)
      const good = master.sendAndWait({ topic: 'Topc', body: 'good' })
      master.sendAndWait({ topic: 'Topc', body: 'to be damaged' })
      const bytes = readRaw(master, 0, 8192)
      damage(bytes.subarray(good.size))
      const { replica } = slave.store.replication
      let status = 0
      for (let at = 0; at < bytes.length && status === REPLICA_OK; at += piece) {
        status = replica.append(at, bytes.subarray(at, at + piece), true)
      }
      const about = `${name} in pieces of ${piece}`
      assert.equal(status, REPLICA_MALFORMED, about)
      assert.equal(replica.received, good.size, about)
      settle(slave)
      assert.deepEqual(slave.bodies('Topc'), ['good'], about)
      const rest = readRaw(master, good.size, 8192)
      assert.equal(
        replica.append(good.size, rest, true),
        REPLICA_OK,
        `${about}: then the right one`,
      )
      settle(slave)
      assert.deepEqual(slave.bodies('Topc'), ['good', 'to be damaged'], about)
    }
  }
})

test('a claim of a size that no record has takes no memory', () => {
  const { slave } = openPair(340, { commitLogFileSize: 1 << 30 })
  const head = Buffer.alloc(8)
  head.writeInt32BE(100 << 20, 0)
  head.writeUInt32BE(0xdaa320a7, 4)
  assert.equal(slave.store.replication.replica.append(0, head, true), REPLICA_MALFORMED)
})

test('without the check of bodies a master with checksums of its own is believed', () => {
  const { master, slave } = openPair(350)
  master.sendAndWait({ body: 'body' })
  const bytes = readRaw(master, 0, 8192)
  bytes[90]! ^= 1
  const { replica } = slave.store.replication
  assert.equal(replica.append(0, bytes, true), REPLICA_MALFORMED)
  assert.equal(replica.append(0, bytes, false), REPLICA_OK)
})

test('bytes that do not follow are a gap, and a connection that ends takes its part of a record along', () => {
  const { master, slave } = openPair(360)
  master.sendAndWait({ body: 'first' })
  master.sendAndWait({ body: 'second' })
  const bytes = readRaw(master, 0, 8192)
  const { replica } = slave.store.replication
  assert.equal(replica.append(5, bytes, true), REPLICA_GAP)
  assert.equal(replica.append(0, bytes.subarray(0, 60), true), REPLICA_OK)
  assert.equal(replica.received, 60)
  assert.equal(slave.store.watermarks.appended, 0)
  assert.equal(replica.append(0, bytes, true), REPLICA_GAP)
  replica.reset()
  assert.equal(replica.received, 0)
  assert.equal(replica.append(0, bytes, true), REPLICA_OK)
  settle(slave)
  assert.deepEqual(slave.bodies(), ['first', 'second'])
})

test('a slave takes no messages of its own, a master no records, and a closed store neither', async () => {
  const { master, slave } = openPair(370)
  assert.equal(slave.send().status, APPEND_UNAVAILABLE)
  master.sendAndWait()
  const bytes = readRaw(master, 0, 8192)
  const { replica } = slave.store.replication
  assert.equal(
    master.store.replication.replica.append(bytes.length, bytes, true),
    REPLICA_UNAVAILABLE,
  )
  assert.throws(() => master.store.replication.replica.startAt(8192))
  await slave.close()
  assert.equal(replica.append(0, bytes, true), REPLICA_UNAVAILABLE)
})

test('a slave that becomes a master goes on with the right offsets', async () => {
  for (const clean of [true, false]) {
    const prng = new Prng(380)
    const pair = openPair(380)
    sendDrawn(pair.master, prng, 0, 100)
    stream(pair, () => 700)
    settle(pair.slave)
    if (clean) await pair.slave.close()
    const promoted = new TestStore(killed(pair.slave.world))
    promoted.store.open()
    for (const topic of pair.master.store.topics()) {
      for (const queueId of pair.master.store.queuesOf(topic)) {
        const sent = promoted.sendAndWait({ topic, queueId })
        assert.equal(sent.queueOffset, pair.master.store.maxOffset(topic, queueId), topic)
      }
    }
  }
})

test('a log that begins later, and queues that begin mid-way', async () => {
  const pair = openPair(390)
  for (let i = 0; i < 90; i++) pair.master.sendAndWait({ body: `${i}`.padEnd(300), queueId: i % 3 })
  const { slave, master } = pair
  const { replication } = slave.store
  replication.replica.startAt(16_384)
  assert.deepEqual(
    [replication.minOffset, replication.appended, replication.stored, replication.replica.received],
    [16_384, 16_384, 16_384, 16_384],
  )
  assert.equal(
    stream(pair, () => 999),
    REPLICA_OK,
  )
  settle(slave)
  const check = (it: TestStore): void => {
    assert.equal(it.store.minPhysicalOffset, 16_384)
    for (let queueId = 0; queueId < 3; queueId++) {
      const expected = master.readAll('T', queueId).filter((one) => one.physicalOffset >= 16_384)
      assert.deepEqual(it.readAll('T', queueId), expected)
      assert.equal(it.store.minOffset('T', queueId), expected[0]!.queueOffset)
      assert.equal(it.store.maxOffset('T', queueId), master.store.maxOffset('T', queueId))
    }
  }
  check(slave)
  const again = await reopened(slave, false)
  check(again)
  check(await reopened(again, true))
})

test('a log that was to begin later and got nothing is empty after a restart', async () => {
  for (const clean of [true, false]) {
    const { slave } = openPair(395)
    slave.store.replication.replica.startAt(8192)
    await slave.runFor(2500)
    const again = await reopened(slave, clean)
    assert.equal(again.store.replication.appended, 0)
    again.store.replication.replica.startAt(24_576)
    assert.equal(again.store.replication.minOffset, 24_576)
  }
})

test('a log whose only file got no record may begin elsewhere', async () => {
  const { slave } = openPair(396)
  const { fileSize } = slave.store.replication
  const path = '/data/store/commitlog/00000000000000000000'
  slave.world.disk.open(path, { create: true, size: fileSize }).close()
  const again = await reopened(slave, false)
  const { replication } = again.store
  assert.equal(replication.appended, 0)
  // The file is being synced; the slave comes again.
  replication.replica.startAt(8 * fileSize)
  assert.equal(replication.appended, 0)
  await again.runFor(1000)
  replication.replica.startAt(8 * fileSize)
  assert.equal(replication.minOffset, 8 * fileSize)
  assert.equal(again.world.disk.exists(path), false)
})

test('a queue that its master began anew begins anew, and a hole stays a hole', async () => {
  const pair = openPair(400)
  const { master, slave } = pair
  const send = (body: string, queueId = 0): unknown => master.sendAndWait({ body, queueId })
  for (let i = 0; i < 120; i++) send(`old${i}`)
  send('hole', 1)
  stream(pair, () => 4000)
  await slave.runFor(2500)
  master.store.deleteTopic('T')
  for (let i = 0; i < 5; i++) send(`new${i}`)
  // The master's queue has lost what the log has: its next records stand further on.
  master.store.consumeQueue('T', 1).nextOffset = 4
  send('after the hole', 1)
  stream(pair, () => 4000)
  settle(slave)
  const check = (it: TestStore): void => {
    assert.deepEqual(it.bodies(), ['new0', 'new1', 'new2', 'new3', 'new4'])
    assert.equal(it.store.maxOffset('T', 1), 5)
    const { messages } = it.get({ queueId: 1 })
    assert.deepEqual(
      messages.map((one) => one.queueOffset),
      [0, 4],
    )
  }
  check(slave)
  const again = await reopened(slave, true)
  check(again)
  check(await reopened(again, false))
})
