import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageStoreDefaults } from '../options.ts'
import { killed, openNew, TestStore } from '../testing/store-fixture.ts'
import { decideRetention, type RetentionOptions } from './retention.ts'

const HOUR_MS = 3_600_000
const defaults: RetentionOptions = { ...messageStoreDefaults.retention, forcibly: false }

/** Ages of the files in hours, oldest first. */
function decide(
  ages: readonly number[],
  state: { hour?: number; usedRatio?: number; asked?: boolean; keepFrom?: number },
  options: Partial<RetentionOptions> = {},
): [remove: number, forced: boolean, refuseWrites: boolean] {
  const now = 1000 * HOUR_MS
  const { remove, forced, refuseWrites } = decideRetention(
    { ...defaults, ...options },
    {
      now,
      hour: state.hour ?? 12,
      usedRatio: state.usedRatio ?? 0.1,
      asked: state.asked ?? false,
      keepFrom: state.keepFrom ?? Number.POSITIVE_INFINITY,
      fileSize: 1,
      files: ages.map((age, i) => ({ start: i, modifiedMs: now - age * HOUR_MS })),
    },
  )
  return [remove, forced, refuseWrites]
}

test('what retention removes, case by case', () => {
  const ages = [100, 80, 72, 71.9, 10]
  const cases: [string, ReturnType<typeof decide>, [number, boolean, boolean]][] = [
    ['nothing at noon with space', decide(ages, {}), [0, false, false]],
    ['expired ones at 04', decide(ages, { hour: 4 }), [3, false, false]],
    ['expired ones when asked', decide(ages, { asked: true }), [3, false, false]],
    ['at 75 % nothing', decide(ages, { usedRatio: 0.75 }), [0, false, false]],
    ['above 75 % expired ones', decide(ages, { usedRatio: 0.751 }), [3, false, false]],
    ['at 86 % only expired ones', decide(ages, { usedRatio: 0.86 }), [3, false, false]],
    [
      'at 86 % the oldest when forced deletion is on',
      decide(ages, { usedRatio: 0.86 }, { forcibly: true }),
      [5, true, false],
    ],
    ['at 85 % not yet', decide(ages, { usedRatio: 0.85 }, { forcibly: true }), [3, false, false]],
    ['above 90 % writes are refused', decide(ages, { usedRatio: 0.91 }), [3, false, true]],
    ['at 90 % not yet', decide(ages, { usedRatio: 0.9 }), [3, false, false]],
    ['what a replica needs stays', decide(ages, { hour: 4, keepFrom: 2 }), [2, false, false]],
    ['… the file it is in too', decide(ages, { hour: 4, keepFrom: 1.5 }), [1, false, false]],
    ['… when asked', decide(ages, { asked: true, keepFrom: 0 }), [0, false, false]],
    ['… at 89 %', decide(ages, { usedRatio: 0.89, keepFrom: 0 }), [0, false, false]],
    ['… not above 90 %', decide(ages, { usedRatio: 0.91, keepFrom: 0 }), [3, false, true]],
    [
      '… not when deletion is forced',
      decide(ages, { usedRatio: 0.86, keepFrom: 0 }, { forcibly: true }),
      [5, true, false],
    ],
    ['no files', decide([], { asked: true }), [0, false, false]],
    ['an unexpired one stops', decide([100, 5, 100], { hour: 4 }), [1, false, false]],
    ['several hours', decide(ages, { hour: 16 }, { deleteWhen: [4, 16] }), [3, false, false]],
    [
      'only so many in a pass',
      decide(Array<number>(30).fill(99), { hour: 4 }),
      [defaults.filesPerPassMax, false, false],
    ],
  ]
  for (const [name, actual, expected] of cases) assert.deepEqual(actual, expected, name)
})

test('expired files go by themselves, the newest stays, and queues and index follow', async () => {
  const retention = { ...defaults, reservedMs: 20_000, deleteWhen: [...Array(24).keys()] }
  const it = openNew(1, { retention, indexEntries: 40 })
  for (let i = 0; i < 300; i++) {
    it.sendAndWait({ body: `${i}`.padEnd(200), keys: `k${i}`, queueId: i % 2 })
  }
  await it.runFor(12_000)
  const last = it.sendAndWait({ body: 'last', keys: 'last' })
  await it.runFor(70_000)
  const logFiles = it.world.disk.list('/data/store/commitlog')
  assert.equal(logFiles.length, 1)
  assert.ok(it.store.minPhysicalOffset > 0)
  assert.equal(it.store.minPhysicalOffset, Number(logFiles[0]))
  assert.ok(it.world.disk.list('/data/store/consumequeue/T/1').length <= 2)
  assert.ok(it.world.disk.list('/data/store/index').length < 5)
  const min = it.store.minOffset('T', 0)
  assert.ok(min > 0)
  assert.equal(it.get({ offset: min }).status, 'FOUND')
  assert.equal(it.get({ offset: 0 }).status, 'OFFSET_TOO_SMALL')
  const again = new TestStore(killed(it.world), { retention, indexEntries: 40 })
  const report = again.store.open()
  assert.deepEqual(report.damaged, [])
  assert.equal(again.store.minOffset('T', 0), min)
  assert.equal(again.sendAndWait().queueOffset, last.queueOffset + 1)
})

test('a device that fills up refuses messages at 90 % and takes them again below', async () => {
  const it = openNew(2)
  it.sendAndWait({ body: 'before' })
  it.world.disk.setCapacity(Math.floor(it.world.disk.used / 0.95))
  await it.runFor(80_000)
  assert.equal(it.send().status, 4)
  assert.equal(it.events('disk_full').length, 1, 'told once')
  assert.deepEqual(it.bodies(), ['before'])
  it.world.disk.setCapacity(2 ** 30)
  await it.runFor(20_000)
  assert.equal(it.events('disk_space_back').length, 1)
  it.sendAndWait({ body: 'after' })
  assert.deepEqual(it.bodies(), ['before', 'after'])
})

test('a disk that cannot remove costs space, not the broker', async () => {
  const retention = { ...defaults, reservedMs: 1000 }
  const it = openNew(3, { retention })
  for (let i = 0; i < 100; i++) it.sendAndWait({ body: 'x'.repeat(300) })
  await it.runFor(2000)
  it.sendAndWait()
  it.world.disk.faults.failWhen((call) => call.kind === 'remove', { code: 'EIO' }, 3)
  assert.equal(it.store.deleteExpiredNow(), 0)
  assert.equal(it.events('log_not_cleaned').length, 1)
  assert.equal(it.store.minPhysicalOffset, 0)
  assert.equal(it.readAll().length, 101)
  it.world.disk.faults.clear()
  assert.ok(it.store.deleteExpiredNow() > 0)
  assert.equal(it.store.failure, null)
})
