import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApogeeError, Prng } from '@apogee/base'
import { powerCut } from '@apogee/env/sim'
import { STORE_FAILED, STORED } from '../commit-log/ack-queue.ts'
import {
  killed,
  makeWorld,
  nextWorld,
  openNew,
  ROOT,
  TestStore,
  type World,
} from '../testing/store-fixture.ts'

const LOG = `${ROOT}/commitlog/00000000000000000000`

function reopened(world: World, options = {}): TestStore {
  const it = new TestStore(killed(world), options)
  it.store.open()
  return it
}

const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof ApogeeError, String(error))
    return error.code
  }
  return 'none'
}

function removeAll(world: World, path: string): void {
  const { disk } = world
  for (const name of disk.list(path)) {
    const inner = `${path}/${name}`
    if (disk.stat(inner)?.isFolder === true) removeAll(world, inner)
    else disk.remove(inner)
  }
  disk.remove(path)
}

function bytesOf(world: World, path: string): Buffer {
  const bytes = Buffer.from(world.disk.contents().get(path)!)
  return bytes
}

test('after a clean stop nothing is walked, and everything is there', async () => {
  const it = openNew(1)
  for (let i = 0; i < 100; i++) it.sendAndWait({ body: `${i}`, queueId: i % 4, keys: `k${i}` })
  const end = it.store.maxPhysicalOffset
  assert.ok(it.world.disk.exists(`${ROOT}/abort`))
  await it.close()
  assert.equal(it.world.disk.exists(`${ROOT}/abort`), false)
  const again = new TestStore(killed(it.world))
  const report = again.store.open()
  assert.deepEqual(
    [report.crashed, report.from, report.end, report.records, report.damaged],
    [false, end, end, 0, []],
  )
  for (let queueId = 0; queueId < 4; queueId++) {
    const expected = Array.from({ length: 25 }, (_, i) => `${i * 4 + queueId}`)
    assert.deepEqual(again.bodies('T', queueId), expected)
  }
  assert.equal(again.sendAndWait({ queueId: 2 }).queueOffset, 25)
})

test('a kill costs a walk over what came since the checkpoint, not over the log', async () => {
  const it = openNew(2, { indexEntries: 5000 })
  for (let i = 0; i < 500; i++) it.sendAndWait({ body: `${i}`, queueId: i % 2 })
  await it.runFor(2500)
  for (let i = 0; i < 7; i++) it.sendAndWait({ body: 'late', queueId: 0 })
  const again = new TestStore(killed(it.world), { indexEntries: 5000 })
  const report = again.store.open()
  assert.equal(report.crashed, true)
  assert.equal(report.records, 7)
  assert.equal(again.bodies('T', 0).length, 257)
  assert.equal(again.bodies('T', 1).length, 250)
})

test('kills at random moments, again and again on one store, lose and double nothing', () => {
  for (let seed = 1; seed <= 25; seed++) {
    const prng = new Prng(seed)
    let it = new TestStore(makeWorld(seed))
    it.store.open()
    const acknowledged = new Map<number, string>()
    for (let round = 0; round < 6; round++) {
      const sent = new Map<number, { offset: number; body: string }>()
      it.onAck = (token): void => {
        const { offset, body } = sent.get(token)!
        acknowledged.set(offset, body)
      }
      for (let i = 0; i < 30; i++) {
        const body = `${seed}-${round}-${i}`.padEnd(prng.below(700), '.')
        const { token, queueOffset } = it.send({ body })
        sent.set(token, { offset: queueOffset, body })
        for (let k = prng.below(12); k > 0; k--) it.world.clock.step()
      }
      it = reopened(it.world)
      const bodies = it.bodies()
      for (const [offset, body] of acknowledged) assert.equal(bodies[offset], body, `seed ${seed}`)
      assert.equal(new Set(bodies).size, bodies.length, `seed ${seed}: doubled`)
      acknowledged.clear()
      for (const [offset, body] of bodies.entries()) acknowledged.set(offset, body)
    }
  }
})

test('a torn tail is cut and erased: a record behind it never comes back (rocketmq#10666)', () => {
  for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH'] as const) {
    const it = openNew(3, { flushDiskType })
    it.sendAndWait({ body: 'kept' })
    const torn = it.sendAndWait({ body: 'T'.repeat(300) })
    const stale = it.sendAndWait({ body: 'S'.repeat(300) })
    // The crash lost a byte of the second record and kept the third.
    it.world.disk.corrupt(LOG, torn.physicalOffset + 200, 0xff)
    const cut = reopened(it.world, { flushDiskType })
    assert.deepEqual(cut.bodies(), ['kept'])
    assert.deepEqual(cut.store.maxPhysicalOffset, torn.physicalOffset)
    const behind = bytesOf(cut.world, LOG).subarray(torn.physicalOffset)
    assert.ok(
      behind.every((byte) => byte === 0),
      'erased',
    )
    const again = cut.sendAndWait({ body: 'N'.repeat(300) })
    assert.equal(again.physicalOffset + again.size, stale.physicalOffset, 'lines up')
    const last = reopened(cut.world, { flushDiskType })
    assert.deepEqual(last.bodies(), ['kept', 'N'.repeat(300)])
    assert.deepEqual(last.get({ offset: 2 }).status, 'OFFSET_OVERFLOW_ONE')
  }
})

test('damage inside the durable log is reported, kept as it is, and what is behind it is read', async () => {
  const cases = [4, 30, 150].flatMap((at) => [false, true].map((isApache) => ({ at, isApache })))
  for (const { at, isApache } of cases) {
    const it = openNew(4)
    const sent = [...Array(60).keys()].map((i) =>
      it.sendAndWait({ body: `${i}:`.padEnd(150, 'd') }),
    )
    await it.runFor(3000)
    // The queues are rebuilt, so that recovery walks over the damage.
    const victim = sent[20]!
    it.world.disk.corrupt(LOG, victim.physicalOffset + at, 0xff)
    const before = bytesOf(it.world, LOG)
    removeAll(it.world, `${ROOT}/consumequeue`)
    if (isApache) it.world.disk.remove(`${ROOT}/apogee.checkpoint`)
    const again = new TestStore(killed(it.world))
    const report = again.store.open()
    const from = victim.physicalOffset
    assert.deepEqual(report.damaged, [{ from, to: from + victim.size }], `byte ${at}`)
    assert.equal(again.events('log_damaged').length > 0, true)
    assert.deepEqual(bytesOf(again.world, LOG), before, 'kept')
    assert.equal(report.end, sent[59]!.physicalOffset + sent[59]!.size)
    for (const offset of [0, 19, 21, 59]) {
      const got = again.get({ offset, maxCount: 1, diskMaxCount: 1 })
      assert.equal(Number.parseInt(Buffer.from(got.messages[0]!.body).toString(), 10), offset)
    }
    assert.notEqual(again.get({ offset: 20, maxCount: 1, diskMaxCount: 1 }).nextBeginOffset, 20)
    assert.equal(again.sendAndWait().queueOffset, 60)
  }
})

test('missing queues and a missing index are built anew from the log', async () => {
  const it = openNew(5)
  for (let i = 0; i < 120; i++) {
    it.sendAndWait({ body: `${i}`, topic: i % 2 === 0 ? 'Even' : 'Odd', uniqKey: `U${i}` })
  }
  await it.close()
  removeAll(it.world, `${ROOT}/consumequeue`)
  removeAll(it.world, `${ROOT}/index`)
  const again = reopened(it.world)
  assert.equal(again.bodies('Even').length, 60)
  assert.equal(again.bodies('Odd')[59], '119')
  await again.runFor(100)
  for (const key of ['U0', 'U77', 'U119']) {
    const topic = Number(key.slice(1)) % 2 === 0 ? 'Even' : 'Odd'
    const found = await again.resolve(again.store.queryByKey(topic, key, 4, 0, 1e15))
    assert.equal(found.records.length, 1, key)
  }
})

test('a store without our checkpoint, as Apache leaves it, opens after a clean stop and after a kill', async () => {
  for (const clean of [true, false]) {
    const it = openNew(6)
    for (let i = 0; i < 200; i++) it.sendAndWait({ body: `${i}`.padEnd(100), queueId: i % 2 })
    await it.runFor(clean ? 1 : 2000)
    if (clean) await it.close()
    it.world.disk.remove(`${ROOT}/apogee.checkpoint`)
    const again = new TestStore(killed(it.world))
    const report = again.store.open()
    assert.equal(report.crashed, !clean)
    assert.equal(again.bodies('T', 0).length, 100)
    assert.equal(again.bodies('T', 1)[99]?.trim(), '199')
    assert.equal(again.sendAndWait({ queueId: 1 }).queueOffset, 100)
  }
})

test('a store of another file size, or one in use, is refused with a code and left alone', async () => {
  const it = openNew(7)
  for (let i = 0; i < 50; i++) it.sendAndWait({ body: 'x'.repeat(500) })
  const second = new TestStore(it.world)
  assert.equal(
    codeOf(() => second.store.open()),
    'STORE_LOCKED',
  )
  await it.close()
  for (const commitLogFileSize of [4096, 16384]) {
    const other = new TestStore(killed(it.world), { commitLogFileSize })
    assert.match(
      codeOf(() => other.store.open()),
      /^STORE_(CONFIG_MISMATCH|CORRUPT)$/,
    )
  }
  const right = reopened(it.world)
  assert.equal(right.bodies().length, 50, 'the failed tries let go of the lock')
})

test('a missing file inside the log is STORE_CORRUPT, not a shorter log', async () => {
  const it = openNew(8)
  for (let i = 0; i < 60; i++) it.sendAndWait({ body: 'x'.repeat(500) })
  await it.close()
  it.world.disk.remove(`${ROOT}/commitlog/00000000000000008192`)
  assert.equal(
    codeOf(() => new TestStore(killed(it.world)).store.open()),
    'STORE_CORRUPT',
  )
})

test('after a failed sync nothing is acknowledged, the failure is told once, and the next start writes again', async () => {
  const it = openNew(9, { flushDiskType: 'SYNC_FLUSH' })
  it.sendAndWait({ body: 'safe' })
  it.world.disk.faults.failWhen((call) => call.kind === 'sync', { code: 'EIO' }, 1)
  const lost = [it.send({ body: 'unknown' }), it.send({ body: 'unknown too', waitStore: false })]
  it.runUntil(() => it.acks.length === 3)
  await it.runFor(2000)
  assert.equal(it.outcomeOf(lost[0]!.token), STORE_FAILED)
  assert.equal(it.outcomeOf(lost[1]!.token), STORED, 'WAIT=false: when written, before the sync')
  assert.equal(it.failures.length, 1)
  assert.equal(it.store.failure?.code, 'STORE_SYNC_FAILED')
  assert.equal(it.send().status, 5)
  assert.deepEqual(it.bodies(), ['safe'])
  await assert.rejects(it.close(), { code: 'STORE_CLOSE_INCOMPLETE' })

  // The process ends, the machine goes on: what the system has in memory reads well and is on no disk.
  const again = reopened(it.world, { flushDiskType: 'SYNC_FLUSH' })
  const visible = again.bodies()
  assert.equal(visible.length, 3)
  const cut = nextWorld(again.world, (clock) =>
    again.world.disk.crash(powerCut(new Prng(1), { keep: 0, damage: 0, keepNames: 0 }), clock),
  )
  const last = new TestStore(cut, { flushDiskType: 'SYNC_FLUSH' })
  last.store.open()
  assert.deepEqual(last.bodies(), visible, 'what a consumer saw stays')
})
