import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import type { DiskCall } from '@apogee/env/sim'
import {
  contentOf,
  logBytes,
  openPair,
  pieceSizes,
  readRaw,
  reopened,
  seeds,
  sendDrawn,
  settle,
  stream,
} from '../testing/replica-pair.ts'
import { REPLICA_OK, REPLICA_UNAVAILABLE } from './log-replication.ts'

test('a slave whose disk is slow is full at the limit, and says when it no longer is', () => {
  const { master, slave } = openPair(1, { pendingBytesMax: 10_000 }, { pendingBytesMax: 4000 })
  for (let i = 0; i < 20; i++) master.sendAndWait({ body: 'x'.repeat(200) })
  const { replication } = slave.store
  const { replica } = replication
  slave.world.disk.faults.failWhen((call) => call.kind === 'write', { stallMs: 500 }, 1)
  while (!replica.full) {
    replica.append(replica.received, readRaw(master, replica.received, 500), true)
    assert.ok(replication.appended < 5000, 'no end of what is taken')
  }
  let freed = false
  replication.onProgress(() => {
    freed ||= !replica.full
  })
  slave.runUntil(() => freed, 1000)
  assert.equal(
    stream({ master, slave }, () => 500),
    REPLICA_OK,
  )
})

test('a full device takes back what it did not write, and the slave goes on when there is space', async () => {
  for (const seed of seeds(10, 10)) {
    const prng = new Prng(seed)
    const about = `seed ${seed}`
    const flushDiskType = prng.chance(0.5) ? 'SYNC_FLUSH' : 'ASYNC_FLUSH'
    const pair = openPair(seed, { flushDiskType })
    const { master, slave } = pair
    sendDrawn(master, prng, 0, 60)
    stream(pair, pieceSizes(prng), true, prng.below(9000))
    const { replica } = slave.store.replication
    const fault = { code: 'ENOSPC', appliedBytes: prng.below(300) }
    const isLogWrite = (call: DiskCall): boolean =>
      call.kind === 'write' && call.path.includes('commitlog')
    slave.world.disk.faults.failWhen(isLogWrite, fault, 1)
    let status = 0
    for (let i = 0; i < 100 && status === REPLICA_OK; i++) {
      sendDrawn(master, prng, 60 + i, 1)
      status = stream(pair, pieceSizes(prng))
      slave.world.clock.step()
    }
    assert.equal(status, REPLICA_UNAVAILABLE, about)
    const { appended, written } = slave.store.watermarks
    assert.equal(appended, written, about)
    assert.equal(replica.received, appended, about)
    const bytes = readRaw(master, appended, 100)
    assert.equal(replica.append(appended, bytes, true), REPLICA_UNAVAILABLE, about)
    let back = false
    slave.store.replication.onProgress(() => {
      back = true
    })
    await slave.runFor(500)
    assert.ok(back, `${about}: nobody was told`)
    assert.equal(stream(pair, pieceSizes(prng)), REPLICA_OK, about)
    settle(slave)
    const end = master.store.watermarks.written
    assert.deepEqual(logBytes(slave.world.disk, end), logBytes(master.world.disk, end), about)
    assert.deepEqual(contentOf(slave), contentOf(master), about)
    const again = await reopened(slave, false)
    assert.deepEqual(contentOf(again), contentOf(master), about)
  }
})

test('a record that has come in part is forgotten when the device is full', async () => {
  const pair = openPair(25)
  const { master, slave } = pair
  master.sendAndWait({ body: 'first' })
  const second = master.sendAndWait({ body: 'second' })
  const fault = { code: 'ENOSPC' }
  slave.world.disk.faults.failWhen((call) => call.kind === 'write', fault, 1)
  const { replica } = slave.store.replication
  replica.append(0, readRaw(master, 0, second.physicalOffset + 40), true)
  assert.equal(replica.received, second.physicalOffset + 40)
  slave.runUntil(() => slave.events('disk_full').length === 1)
  assert.equal(replica.received, 0)
  await slave.runFor(500)
  assert.equal(
    stream(pair, () => 100),
    REPLICA_OK,
  )
  settle(slave)
  assert.deepEqual(slave.bodies(), ['first', 'second'])
})

test('a slave of a disk that is nearly full takes nothing until it has space', async () => {
  const { master, slave } = openPair(30)
  master.sendAndWait()
  const bytes = readRaw(master, 0, 8192)
  const { replica } = slave.store.replication
  replica.append(0, bytes.subarray(0, 20), true)
  slave.world.disk.setCapacity(Math.floor(slave.world.disk.used / 0.95))
  await slave.runFor(11_000)
  assert.equal(replica.append(20, bytes.subarray(20), true), REPLICA_UNAVAILABLE)
  assert.equal(replica.received, 0)
  let told = 0
  slave.store.replication.onProgress(() => told++)
  slave.world.disk.setCapacity(2 ** 30)
  await slave.runFor(11_000)
  assert.ok(told > 0)
  assert.equal(replica.append(0, bytes, true), REPLICA_OK)
})

test('a queue that cannot be read holds up what is visible, not the broker, and loses nothing', async () => {
  const pair = openPair(40, { pendingBytesMax: 8000 })
  const { master } = pair
  for (let i = 0; i < 4; i++) master.sendAndWait({ body: `${i}`, queueId: i % 2 })
  stream(pair, () => 1000)
  await pair.slave.runFor(2500)
  const slave = await reopened(pair.slave, true)
  const again = { master, slave }
  slave.world.disk.faults.failWhen(
    (call) => call.kind === 'read' && call.path.includes('consumequeue/T/1'),
    { code: 'EIO' },
    3,
  )
  for (let i = 4; i < 40; i++) master.sendAndWait({ body: `${i}`, queueId: i % 2 })
  const { replica } = slave.store.replication
  replica.append(replica.received, readRaw(master, replica.received, 8192), true)
  await slave.runFor(100)
  const { dispatched, written } = slave.store.watermarks
  assert.ok(dispatched < written)
  assert.ok(slave.events('dispatch_failed').length > 0)
  await slave.runFor(3000)
  assert.equal(
    stream(again, () => 1000),
    REPLICA_OK,
  )
  settle(slave)
  assert.deepEqual(contentOf(slave), contentOf(master))
})

test('a key index that cannot be read is asked again, and no queue is taken for begun anew', async () => {
  const pair = openPair(45, { indexEntries: 5000, indexSlots: 5000 })
  const { master } = pair
  const send = (i: number): unknown => master.sendAndWait({ body: `${i}`, keys: `k${i}` })
  for (let i = 0; i < 60; i++) send(i)
  stream(pair, () => 1000)
  await pair.slave.runFor(12_000)
  const slave = await reopened(pair.slave, true)
  await slave.runFor(0)
  slave.world.disk.faults.failWhen(
    (call) => call.path.includes('/index/') && (call.kind === 'read' || call.kind === 'open'),
    { code: 'EIO' },
    6,
  )
  for (let i = 60; i < 90; i++) send(i)
  assert.equal(
    stream({ master, slave }, () => 1000),
    REPLICA_OK,
  )
  await slave.runFor(5000)
  settle(slave)
  assert.ok(slave.events('dispatch_failed').length > 0, 'the case was met')
  assert.equal(slave.events('consume-queue-started-midway').length, 0)
  assert.deepEqual(contentOf(slave), contentOf(master))
})

test('a queue that begins anew while it is written waits for that', async () => {
  const pair = openPair(46)
  const { master, slave } = pair
  for (let i = 0; i < 120; i++) master.sendAndWait({ body: `old${i}` })
  stream(pair, () => 4000)
  await slave.runFor(2500)
  for (let i = 0; i < 60; i++) master.sendAndWait({ body: `late${i}` })
  stream(pair, () => 4000)
  settle(slave)
  let isWriting = false
  const isQueueWrite = (call: DiskCall): boolean => {
    const matches = call.kind === 'writeMany' && call.path.includes('consumequeue')
    isWriting ||= matches
    return matches
  }
  slave.world.disk.faults.failWhen(isQueueWrite, { stallMs: 800 }, 1)
  // A checkpoint goes by promises.
  for (let i = 0; i < 400 && !isWriting; i++) await slave.runFor(5)
  master.store.deleteTopic('T')
  for (let i = 0; i < 5; i++) master.sendAndWait({ body: `new${i}` })
  stream(pair, () => 4000)
  await slave.runFor(50)
  assert.ok(slave.events('dispatch_failed').length > 0, 'the case was met')
  await slave.runFor(2000)
  settle(slave)
  const expected = ['new0', 'new1', 'new2', 'new3', 'new4']
  assert.deepEqual(slave.bodies(), expected)
  assert.deepEqual((await reopened(slave, true)).bodies(), expected)
})

test('a failed write ends the slave as it ends a master', async () => {
  const { master, slave } = openPair(50)
  master.sendAndWait()
  slave.world.disk.faults.failWhen((call) => call.kind === 'write', { code: 'EIO' }, 1)
  const { replica } = slave.store.replication
  assert.equal(replica.append(0, readRaw(master, 0, 8192), true), REPLICA_OK)
  await slave.runFor(10)
  assert.equal(slave.failures.length, 1)
  const { received } = replica
  assert.equal(replica.append(received, Buffer.alloc(1), true), REPLICA_UNAVAILABLE)
})
