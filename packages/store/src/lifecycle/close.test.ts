import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STORED } from '../commit-log/ack-queue.ts'
import { APPEND_UNAVAILABLE } from '../commit-log/commit-log-options.ts'
import { killed, openNew, ROOT, TestStore } from '../testing/store-fixture.ts'

for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH'] as const) {
  test(`${flushDiskType}: a stop answers what was appended, then refuses`, async () => {
    const it = openNew(1, { flushDiskType })
    for (let i = 0; i < 30; i++) it.send({ body: `${i}`.padEnd(400) })
    await it.close()
    assert.equal(it.send().status, APPEND_UNAVAILABLE)
    assert.equal(it.acks.length, 30)
    assert.ok(it.acks.every((ack) => ack.outcome === STORED))
    const again = new TestStore(killed(it.world), { flushDiskType })
    assert.equal(again.store.open().records, 0)
    assert.equal(again.readAll().length, 30)
  })
}

test('a stop while a checkpoint is under way, and while the index catches up, is clean', async () => {
  const it = openNew(2)
  for (let i = 0; i < 200; i++) it.sendAndWait({ body: 'x'.repeat(100), keys: `k${i}` })
  const again = new TestStore(killed(it.world))
  again.store.open()
  await again.close()
  const third = new TestStore(killed(again.world))
  third.store.open()
  await third.runFor(999)
  third.sendAndWait({ keys: 'late' })
  third.world.clock.runUntil(() => false, 1.2)
  await third.close()
  const last = new TestStore(killed(third.world))
  assert.equal(last.store.open().crashed, false)
  await last.runFor(200)
  for (const key of ['k0', 'k150', 'late']) {
    const found = await last.resolve(last.store.queryByKey('T', key, 4, 0, 1e15))
    assert.equal(found.records.length, 1, key)
  }
})

const INCOMPLETE = { name: 'ApogeeError', code: 'STORE_CLOSE_INCOMPLETE' }

test('a stop whose last checkpoint fails rejects, and the next start recovers', async () => {
  const it = openNew(3)
  for (let i = 0; i < 20; i++) it.sendAndWait({ body: `${i}` })
  const isDerived = (path: string): boolean => !/commitlog/.test(path)
  it.world.disk.faults.failWhen((call) => call.kind === 'writeMany' && isDerived(call.path), {
    code: 'EIO',
  })
  await assert.rejects(it.close(), INCOMPLETE)
  assert.ok(it.world.disk.exists(`${ROOT}/abort`))
  it.world.disk.faults.clear()
  const again = new TestStore(killed(it.world))
  assert.equal(again.store.open().crashed, true)
  assert.equal(again.readAll().length, 20)
})

for (const folder of ['index', 'consumequeue', 'checkpoint', 'commitlog', 'abort']) {
  test(`a stop that cannot write ${folder} rejects, and frees the store for the next start`, async () => {
    const it = openNew(6)
    for (let i = 0; i < 20; i++) it.sendAndWait({ body: `${i}`, keys: `k${i}` })
    const closing = it.store.close()
    const kinds = ['write', 'writeMany', 'sync', 'remove']
    it.world.disk.faults.failWhen(
      (call) => kinds.includes(call.kind) && call.path.startsWith(`${ROOT}/${folder}`),
      { code: 'EIO' },
    )
    await assert.rejects(it.resolve(closing), (error: Error & { code?: string }) => {
      assert.equal(error.code, INCOMPLETE.code)
      assert.equal((error.cause as Error).message.includes('EIO'), true, String(error.cause))
      return true
    })
    assert.ok(it.world.disk.exists(`${ROOT}/abort`))
    it.world.disk.faults.clear()
    // In the same process: nothing may hold the lock.
    const again = new TestStore(it.world)
    assert.equal(again.store.open().crashed, true)
    assert.equal(again.readAll().length, 20)
    await again.runFor(200)
    const found = await again.resolve(again.store.queryByKey('T', 'k7', 4, 0, 1e15))
    assert.equal(found.records.length, 1)
    await again.close()
  })
}

test('disk errors of queues, index, checkpoint and config neither block nor lose messages', async () => {
  const it = openNew(4)
  // A queue that cannot be read cannot take messages: nobody knows its next offset.
  it.store.consumeQueue('T', 0)
  it.world.disk.faults.failWhen((call) => !/commitlog/.test(call.path), { code: 'EIO' })
  for (let i = 0; i < 50; i++) {
    it.sendAndWait({ body: `${i}`, keys: `k${i}` })
    await it.runFor(100)
  }
  assert.equal(it.store.failure, null)
  assert.ok(it.acks.every((ack) => ack.outcome === STORED))
  assert.equal(it.readAll().length, 50)
  it.world.disk.faults.clear()
  const again = new TestStore(killed(it.world))
  again.store.open()
  assert.deepEqual(again.bodies(), [...Array(50).keys()].map(String))
})

test('an idle store does next to nothing', async () => {
  const it = openNew(5)
  for (let i = 0; i < 20; i++) it.sendAndWait({ body: `${i}`, keys: `k${i}` })
  await it.runFor(30_000)
  const before = it.world.disk.faults.calls
  await it.runFor(50_000)
  assert.ok(it.world.disk.faults.calls - before < 5, `${it.world.disk.faults.calls - before}`)
})
