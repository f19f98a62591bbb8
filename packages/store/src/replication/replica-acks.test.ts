import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import {
  isStored,
  NOT_STORED_DISK_FULL,
  STORE_FAILED,
  STORED,
  STORED_FLUSH_TIMEOUT,
  STORED_NO_SLAVE,
  STORED_SLAVE_TIMEOUT,
} from '../commit-log/ack-queue.ts'
import { APPEND_BUSY, APPEND_OK } from '../commit-log/commit-log-options.ts'
import type { MessageStoreOptions } from '../options.ts'
import { type Ack, openNew, type Sent, type TestStore } from '../testing/store-fixture.ts'

const TIMEOUT_MS = 3000
/** Acknowledgements are given up on at a tick. */
const TICK_MS = 100

function openMaster(seed: number, options: Partial<MessageStoreOptions> = {}): TestStore {
  const it = openNew(seed, options)
  it.store.replication.requireReplicas(TIMEOUT_MS)
  return it
}

const endOf = (sent: Sent): number => sent.physicalOffset + sent.size

/** Runs until everything appended is written, and synced under SYNC_FLUSH. */
function untilStored(it: TestStore): void {
  it.runUntil(() => it.store.replication.stored === it.store.watermarks.appended)
}

function replicated(it: TestStore, offset: number, available = true): void {
  it.store.replication.setReplicated(offset, available)
}

const outcomes = (it: TestStore): number[] => it.acks.map((ack) => ack.outcome)

test('the outcomes that mean stored', () => {
  const all = [STORED, STORED_FLUSH_TIMEOUT, NOT_STORED_DISK_FULL, STORE_FAILED, 4, 5, 6]
  assert.deepEqual(all.map(isStored), [true, true, false, false, true, true, false])
  assert.deepEqual([STORED_SLAVE_TIMEOUT, STORED_NO_SLAVE], [4, 5])
})

for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH'] as const) {
  test(`${flushDiskType}: without a slave a message is stored, visible, and its sender told so`, () => {
    const it = openMaster(1, { flushDiskType })
    it.sendAndWait({ body: 'alone' })
    assert.deepEqual(outcomes(it), [STORED_NO_SLAVE])
    assert.deepEqual(it.bodies(), ['alone'])
  })

  test(`${flushDiskType}: with slaves a message waits for them, in log order`, async () => {
    const it = openMaster(2, { flushDiskType })
    replicated(it, 0)
    const sent = [it.send({ body: 'a' }), it.send({ body: 'b' }), it.send({ body: 'c' })]
    untilStored(it)
    await it.runFor(500)
    assert.deepEqual(it.acks, [], 'acknowledged before a slave has it')
    assert.equal(it.store.maxOffset('T', 0), 0, 'visible before a slave has it')
    replicated(it, endOf(sent[1]!))
    const acks: readonly Ack[] = it.acks
    assert.deepEqual(
      acks.map((ack) => ack.token),
      [1, 2],
    )
    it.runUntilVisible()
    assert.equal(it.store.maxOffset('T', 0), 2)
    replicated(it, endOf(sent[2]!) - 1)
    assert.equal(it.acks.length, 2, 'a part of a record is not the record')
    replicated(it, endOf(sent[2]!))
    assert.deepEqual(outcomes(it), [STORED, STORED, STORED])
    it.runUntilVisible()
    assert.deepEqual(it.bodies(), ['a', 'b', 'c'])
  })

  test(`${flushDiskType}: when slaves go, who waits is told at once, and confirmed never goes back`, () => {
    const it = openMaster(3, { flushDiskType })
    replicated(it, 0)
    const first = it.send()
    const second = it.send()
    untilStored(it)
    replicated(it, endOf(first), false)
    assert.deepEqual(outcomes(it), [STORED, STORED_NO_SLAVE])
    assert.equal(it.store.watermarks.confirmed, endOf(second))
    it.sendAndWait()
    assert.deepEqual(outcomes(it), [STORED, STORED_NO_SLAVE, STORED_NO_SLAVE])
    replicated(it, endOf(first), true)
    assert.equal(it.store.watermarks.confirmed, it.store.watermarks.appended)
    const last = it.send()
    untilStored(it)
    assert.equal(it.acks.length, 3, 'slaves are back: it waits again')
    replicated(it, endOf(last))
    assert.equal(it.outcomeOf(last.token), STORED)
  })

  test(`${flushDiskType}: a silent slave times a message out, which is visible then`, async () => {
    const it = openMaster(4, { flushDiskType })
    replicated(it, 0)
    const sent = it.send()
    await it.runFor(TIMEOUT_MS - 1)
    assert.deepEqual(it.acks, [])
    const later = it.send()
    await it.runFor(TICK_MS + 1)
    assert.deepEqual(it.acks, [{ token: sent.token, outcome: STORED_SLAVE_TIMEOUT }])
    it.runUntilVisible()
    assert.equal(it.store.maxOffset('T', 0), 1)
    replicated(it, endOf(later))
    assert.equal(it.outcomeOf(later.token), STORED)
    assert.equal(it.acks.length, 2)
  })

  test(`${flushDiskType}: WAIT=false is acknowledged once written, and seen when slaves have it`, () => {
    const it = openMaster(5, { flushDiskType })
    replicated(it, 0)
    const waits = it.send()
    const early = it.send({ waitStore: false })
    untilStored(it)
    assert.deepEqual(it.acks, [{ token: early.token, outcome: STORED }])
    assert.equal(it.store.maxOffset('T', 0), 0)
    replicated(it, endOf(early))
    assert.deepEqual(it.acks[1], { token: waits.token, outcome: STORED })
    it.runUntilVisible()
    assert.equal(it.store.maxOffset('T', 0), 2)
  })

  test(`${flushDiskType}: what nobody waits for becomes visible too`, async () => {
    const it = openMaster(6, { flushDiskType })
    const append = (): void => {
      it.send({ waitStore: false })
      untilStored(it)
    }
    const silently = (): void => {
      assert.equal(it.store.append(null, 0), APPEND_OK)
      untilStored(it)
    }
    append()
    silently()
    it.runUntilVisible()
    assert.equal(it.store.maxOffset('T', 0), 2, 'no slave')
    replicated(it, 0)
    silently()
    await it.runFor(TIMEOUT_MS - TICK_MS)
    assert.equal(it.store.maxOffset('T', 0), 2, 'a slave that may yet answer')
    await it.runFor(3 * TICK_MS)
    assert.equal(it.store.maxOffset('T', 0), 3, 'a silent slave')
    silently()
    replicated(it, it.store.watermarks.written)
    it.runUntilVisible()
    assert.equal(it.store.maxOffset('T', 0), 4, 'replicated')
    silently()
    replicated(it, 0, false)
    it.runUntilVisible()
    assert.equal(it.store.maxOffset('T', 0), 5, 'the slave has gone')
  })
}

test('SYNC_FLUSH: what slaves have and the own disk has not is not acknowledged', async () => {
  const it = openMaster(7, { flushDiskType: 'SYNC_FLUSH' })
  replicated(it, 0)
  it.world.disk.faults.failWhen((call) => call.kind === 'sync', { stallMs: 1000 }, 1)
  const sent = it.send()
  it.runUntil(() => it.store.watermarks.written === endOf(sent))
  replicated(it, endOf(sent))
  assert.deepEqual(it.acks, [])
  assert.equal(it.store.replication.stored, 0)
  replicated(it, endOf(sent), false)
  assert.deepEqual(it.acks, [], 'nor without slaves')
  await it.runFor(1100)
  assert.deepEqual(outcomes(it), [STORED])
})

test('SYNC_FLUSH: a slow disk is a flush time-out whatever slaves do, and visible once synced', async () => {
  const it = openMaster(8, { flushDiskType: 'SYNC_FLUSH', pendingAgeMaxMs: 1e9 })
  it.sendAndWait()
  it.acks.length = 0
  replicated(it, 0)
  it.world.disk.faults.failWhen((call) => call.kind === 'sync', { stallMs: 9000 }, 1)
  const slow = it.send()
  await it.runFor(TIMEOUT_MS + 2 * TICK_MS)
  assert.deepEqual(it.acks, [], 'not on the own disk: no time-out of slaves')
  await it.runFor(2000)
  assert.deepEqual(it.acks, [{ token: slow.token, outcome: STORED_FLUSH_TIMEOUT }])
  assert.equal(it.store.maxOffset('T', 0), 1)
  await it.runFor(4000)
  assert.equal(it.store.maxOffset('T', 0), 2, 'slaves had their time')
  assert.equal(it.acks.length, 1)
})

test('SYNC_FLUSH: synced after the time of slaves is a slave time-out at once', async () => {
  const it = openMaster(9, { flushDiskType: 'SYNC_FLUSH', pendingAgeMaxMs: 1e9 })
  replicated(it, 0)
  it.world.disk.faults.failWhen((call) => call.kind === 'sync', { stallMs: 4000 }, 1)
  it.send()
  await it.runFor(4050)
  assert.deepEqual(outcomes(it), [STORED_SLAVE_TIMEOUT])
})

test('a silent slave fills memory up to the limit, and is not taken for a slow disk', async () => {
  const it = openMaster(10, { pendingBytesMax: 20_000 })
  replicated(it, 0)
  it.send()
  await it.runFor(2500)
  assert.equal(it.send().status, APPEND_OK, 'older than pendingAgeMaxMs, but stored')
  let refused = false
  for (let i = 0; i < 200 && !refused; i++)
    refused = it.send({ body: 'x'.repeat(200) }).status === APPEND_BUSY
  assert.ok(refused)
  const { appended, confirmed } = it.store.watermarks
  assert.ok(appended - confirmed <= 20_000)
  await it.runFor(TIMEOUT_MS + 2 * TICK_MS)
  assert.equal(it.send().status, APPEND_OK)
})

test('a stop answers everybody who waits for slaves, and forgets nothing', async () => {
  const it = openMaster(11)
  replicated(it, 0)
  for (let i = 0; i < 5; i++) it.send({ body: `${i}`, waitStore: i !== 3 })
  await it.close()
  assert.deepEqual(
    it.acks.map(({ token, outcome }) => [token, outcome]),
    [
      [4, STORED],
      [1, STORED_SLAVE_TIMEOUT],
      [2, STORED_SLAVE_TIMEOUT],
      [3, STORED_SLAVE_TIMEOUT],
      [5, STORED_SLAVE_TIMEOUT],
    ],
  )
})

test('a device that fills up takes back what it refused, and nothing later is let through for it', async () => {
  const it = openMaster(12)
  replicated(it, 0)
  const kept = it.send()
  untilStored(it)
  await it.runFor(200)
  it.world.disk.faults.failWhen((call) => call.kind === 'write', { code: 'ENOSPC' }, 1)
  const refused = it.send()
  it.runUntil(() => it.outcomeOf(refused.token) !== undefined)
  assert.deepEqual(it.acks, [{ token: refused.token, outcome: NOT_STORED_DISK_FULL }])
  replicated(it, endOf(kept))
  assert.equal(it.outcomeOf(kept.token), STORED)
  await it.runFor(500)
  const next = it.send()
  assert.equal(next.physicalOffset, endOf(kept))
  await it.runFor(TIMEOUT_MS - 2 * TICK_MS)
  assert.equal(it.outcomeOf(next.token), undefined)
  replicated(it, endOf(next))
  assert.equal(it.outcomeOf(next.token), STORED)
})

test('nobody can have replicated what is not written', () => {
  const it = openMaster(13)
  const sent = it.send()
  assert.throws(() => replicated(it, endOf(sent)), /replicated what was never written/)
})

test('whatever slaves and disk do, each sender hears once, in log order, and the truth', async () => {
  for (let seed = 500; seed < 540; seed++) await playRandomly(seed)
})

/** Appends, acknowledgements of slaves that come and go, and time, as `seed` draws them. */
async function playRandomly(seed: number): Promise<void> {
  const prng = new Prng(seed)
  const flushDiskType = prng.chance(0.5) ? 'SYNC_FLUSH' : 'ASYNC_FLUSH'
  const it = openMaster(seed, { flushDiskType })
  const about = `seed ${seed}`
  const sent = new Map<number, { end: number; atMs: number }>()
  let available = false
  let held = 0
  let confirmed = 0
  let inAppend = false
  let lastToken = 0
  it.onAck = (token, outcome) => {
    assert.ok(!inAppend, `${about}: an acknowledgement inside append`)
    assert.ok(token > lastToken, `${about}: ${token} after ${lastToken}`)
    lastToken = token
    const { end, atMs } = sent.get(token)!
    const { watermarks } = it.store
    assert.ok(end <= it.store.replication.stored, `${about}: not stored here`)
    assert.ok(end <= watermarks.confirmed, `${about}: answered before it may be seen`)
    const waitedMs = it.world.clock.monotonicMs() - atMs
    if (outcome === STORED) assert.ok(end <= held, `${about}: no slave has it`)
    else if (outcome === STORED_NO_SLAVE) assert.ok(!available, `${about}: there are slaves`)
    else
      assert.ok(outcome === STORED_SLAVE_TIMEOUT && waitedMs >= TIMEOUT_MS, `${about}: ${outcome}`)
  }
  const check = (): void => {
    const now = it.store.watermarks.confirmed
    assert.ok(now >= confirmed && now <= it.store.replication.stored, about)
    assert.ok(it.store.watermarks.dispatched <= now, `${about}: seen before it is confirmed`)
    confirmed = now
  }
  for (let i = 0; i < 300; i++) {
    const kind = prng.below(10)
    if (kind < 5) {
      inAppend = true
      const one = it.send({ body: 'x'.repeat(prng.below(400)) })
      inAppend = false
      if (one.status === APPEND_OK) {
        sent.set(one.token, { end: endOf(one), atMs: it.world.clock.monotonicMs() })
      }
    } else if (kind < 8) {
      for (let k = prng.below(8); k > 0; k--) it.world.clock.step()
    } else if (kind < 9) {
      held = Math.max(held, it.store.watermarks.written - prng.below(1500))
      available = prng.chance(0.7)
      replicated(it, Math.max(0, held), available)
    } else await it.runFor(prng.below(1500))
    check()
  }
  await it.runFor(TIMEOUT_MS + 2 * TICK_MS)
  assert.equal(it.acks.length, sent.size, about)
  it.runUntilVisible()
  assert.equal(it.store.maxOffset('T', 0), sent.size, about)
}
