import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Drivers } from './drivers.fixture.ts'

/** Both logs hold the same `count` records of 100 bytes. */
function same(it: Drivers, count: number): void {
  for (let i = 0; i < count; i++) {
    it.m.log.put(100, i % 250)
    it.s.log.put(100, i % 250)
  }
}

test('a slave whose log is a prefix follows from its end, without a cut', async () => {
  const it = new Drivers()
  same(it, 30)
  for (let i = 0; i < 500; i++) it.m.log.put(90, i % 250)
  const slave = it.s.slave()
  it.m.master()
  await it.runAsync(5_000)
  deepEqual(it.s.cuts, [])
  equal(slave.status.state, 'following')
  deepEqual(it.s.log.content(), it.m.log.content())
})

test('a slave that holds more than its master is cut where the master ends', async () => {
  const it = new Drivers()
  same(it, 30)
  const end = it.m.log.written
  for (let i = 0; i < 5; i++) it.s.log.put(64, 77)
  it.m.master()
  const slave = it.s.slave()
  await it.runAsync(5_000)
  deepEqual(it.s.cuts, [{ at: end, end: it.s.log.written }])
  equal(slave.status.state, 'stopped')
  equal(slave.status.problem?.code, 'HA_DIVERGED')
  // Nothing of the log is touched here: the owner cuts the closed store.
  equal(it.s.log.written, end + 5 * 64)
  it.s.log.cut(end)
  it.s.slave()
  await it.runAsync(5_000)
  ok(it.m.log.available)
})

test('logs that parted are cut at the last record that both hold, wherever the difference is', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const it = new Drivers(seed, 64 * 1024)
    const { prng } = it.world
    same(it, 1 + prng.below(3_000))
    const common = it.m.log.written
    const ours = 1 + prng.below(1_000)
    const theirs = prng.below(2_000)
    for (let i = 0; i < ours; i++) it.s.log.put(100 + prng.below(3), 251)
    for (let i = 0; i < theirs; i++) it.m.log.put(100 + prng.below(3), 252)
    const end = it.s.log.written
    it.m.master()
    const slave = it.s.slave()
    await it.runAsync(5_000)
    // A file that ends at the fork may add a blank of the same size to both.
    const [cut] = it.s.cuts
    ok(cut !== undefined, `seed ${seed}: ${slave.status.state}`)
    equal(cut.end, end)
    ok(cut.at >= common && cut.at <= common + 103, `seed ${seed}: ${cut.at} for ${common}`)
    ok(it.m.log.bytes.subarray(0, cut.at).equals(it.s.log.bytes.subarray(0, cut.at)))
    equal(it.m.log.replicated, 0)
  }
})

test('a tail above haDivergedTailMax is not cut, and the same is not tried faster than retryMs', async () => {
  const it = new Drivers()
  same(it, 30)
  for (let i = 0; i < 50; i++) it.s.log.put(100, 77)
  const master = it.m.master()
  const slave = it.s.slave({ divergedTailMax: 4_000 })
  await it.runAsync(10_000)
  deepEqual(it.s.cuts, [])
  equal(slave.status.state, 'refused')
  equal(slave.status.problem?.code, 'HA_DIVERGED_TOO_FAR')
  equal(master.connected, 0)
  equal(it.s.log.written > it.m.log.written, true)
  const tries = it.s.states.filter((state) => state.startsWith('refused')).length
  ok(tries >= 5 && tries <= 10, String(tries))
  equal(it.s.logged('ha_not_following').filter(({ level }) => level === 'warn').length, 1)
})

test('a master that was emptied, or that began anew, does not empty its slave', async () => {
  for (const records of [0, 3, 300]) {
    const it = new Drivers()
    for (let i = 0; i < 100; i++) it.s.log.put(100, i)
    for (let i = 0; i < records; i++) it.m.log.put(120, 200)
    it.m.master()
    const slave = it.s.slave()
    await it.runAsync(3_000)
    deepEqual(it.s.cuts, [])
    equal(slave.status.problem?.code, 'HA_DIVERGED_TOO_FAR')
    equal(it.s.log.written > 9_000, true)
  }
})

test('a slave that is behind what its master deleted is refused, and says what to do', async () => {
  const it = new Drivers()
  same(it, 20)
  for (let i = 0; i < 200; i++) it.m.log.put(100, i)
  it.m.log.deleteBefore(8192)
  it.m.master()
  const slave = it.s.slave()
  await it.runAsync(3_000)
  equal(slave.status.state, 'refused')
  equal(slave.status.problem?.code, 'HA_LOG_GONE')
  ok(slave.status.problem.message.includes("empty the slave's store"))
  deepEqual(it.s.cuts, [])
  // Once it is emptied it begins where the master does.
  it.s.log.startAt(0)
  await it.runAsync(3_000)
  equal(slave.status.state, 'following')
  equal(it.s.log.minOffset, 8192)
  deepEqual(it.s.log.content(), it.m.log.content())
})

test('with syncFromLastFile an empty slave begins at the last file, in either protocol', async () => {
  for (const protocol of ['apogee', 'apache'] as const) {
    const it = new Drivers()
    for (let i = 0; i < 200; i++) it.m.log.put(100, i)
    it.m.master({ sharedSecret: '', fromLastFile: true })
    const slave = it.s.slave({ sharedSecret: '', fromLastFile: true }, protocol)
    await it.runAsync(3_000)
    equal(slave.status.state, 'following')
    equal(it.s.log.minOffset, it.m.log.written - (it.m.log.written % 4096))
    deepEqual(it.s.log.content(), it.m.log.bytes.subarray(it.s.log.minOffset, it.m.log.written))
    equal(it.m.log.replicated, it.m.log.written)
  }
})

test('a log that has begun goes on where it began, though nothing could be kept of it yet', async () => {
  const it = new Drivers()
  it.m.log.put(100)
  it.m.master()
  it.s.log.isHeld = true
  it.s.slave({ fromLastFile: true })
  await it.runAsync(1_000)
  equal(it.s.log.appended, 100)
  it.s.log.cut(0)
  for (let i = 0; i < 100; i++) it.m.log.put(100, i)
  it.s.log.isHeld = false
  it.s.log.progress()
  await it.runAsync(3_000)
  equal(it.s.log.minOffset, 0)
  deepEqual(it.s.log.content(), it.m.log.content())
})

test("Apache's protocol: an offset that does not follow, and a file size that does not fit", async () => {
  const it = new Drivers()
  same(it, 10)
  it.m.master({ sharedSecret: '' })
  const slave = it.s.slave({ sharedSecret: '' }, 'apache')
  await it.runAsync(1_000)
  // Somebody else writes to the slave's log.
  it.s.log.put(64)
  it.m.log.put(100)
  await it.runAsync(100)
  equal(slave.status.problem?.code, 'HA_OFFSET_GAP')
  const other = it.node('10.0.0.3', 5_000)
  for (let i = 0; i < 200; i++) it.m.log.put(100, i)
  it.m.log.deleteBefore(4096)
  const wrong = other.slave({ sharedSecret: '' }, 'apache')
  await it.runAsync(1_000)
  equal(wrong.status.problem?.code, 'HA_FILE_SIZE_DIFFERS')
  equal(other.log.appended, 0)
})

test('the slave connects only once all that it holds is stored, so that what it compares is the whole of it', async () => {
  const it = new Drivers()
  same(it, 10)
  it.s.log.isHeld = true
  it.s.log.put(100, 77)
  it.m.master()
  const slave = it.s.slave()
  await it.runAsync(3_000)
  equal(slave.status.state, 'connecting')
  it.s.log.isHeld = false
  it.s.log.release()
  await it.runAsync(1_000)
  deepEqual(it.s.cuts, [{ at: 1_000, end: 1_100 }])
})
