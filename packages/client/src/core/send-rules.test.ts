import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { BATCH_MESSAGES_MAX, splitBatch } from './batch-split.ts'
import { avoidMsOf, FaultStrategy } from './fault-strategy.ts'
import { attemptTimeoutMs, isRetriedCode, pauseBeforeAttempt, sendStatusOf } from './send-retry.ts'

test('a batch is cut where the next message would not fit, and none is lost or turned', () => {
  assert.deepEqual(splitBatch([], 10), [])
  assert.deepEqual(splitBatch([4, 4, 4], 8), [
    [0, 2],
    [2, 3],
  ])
  assert.deepEqual(splitBatch([20, 1, 20], 10), [
    [0, 1],
    [1, 2],
    [2, 3],
  ])
  const many = new Array<number>(BATCH_MESSAGES_MAX + 1).fill(1)
  assert.deepEqual(splitBatch(many, 1_000_000), [
    [0, BATCH_MESSAGES_MAX],
    [BATCH_MESSAGES_MAX, BATCH_MESSAGES_MAX + 1],
  ])
})

test('property: frames follow each other without a gap, and one of several messages fits', () => {
  const seed = Number(process.env['SEED'] ?? 77)
  const prng = new Prng(seed)
  for (let round = 0; round < 1_000; round++) {
    const sizes = Array.from({ length: prng.below(30) }, () => prng.below(60))
    const maxBytes = 1 + prng.below(100)
    const frames = splitBatch(sizes, maxBytes)
    let next = 0
    for (const [from, to] of frames) {
      assert.equal(from, next, `seed ${seed}`)
      assert(to > from, `seed ${seed}`)
      const bytes = sizes.slice(from, to).reduce((sum, size) => sum + size, 0)
      assert(to === from + 1 || bytes <= maxBytes, `seed ${seed}`)
      next = to
    }
    assert.equal(next, sizes.length, `seed ${seed}`)
  }
})

test('latencies keep others away for the times of the table', () => {
  const table = [
    [49, 0],
    [100, 0],
    [549, 0],
    [550, 2_000],
    [1_800, 5_000],
    [3_000, 6_000],
    [5_000, 10_000],
    [15_000, 30_000],
    [60_000, 30_000],
  ]
  for (const [latencyMs, forMs] of table) assert.equal(avoidMsOf(latencyMs!), forMs)
})

test('a broker is avoided until its time is over or it has answered fast', () => {
  const faults = new FaultStrategy()
  assert.equal(faults.sent('a', 600, false, 1_000), 2_000)
  assert(faults.isAvoided('a', 2_999))
  assert(!faults.isAvoided('a', 3_000))
  assert.equal(faults.sent('b', 1, true, 1_000), 10_000)
  assert(faults.isAvoided('b', 10_999))
  faults.sent('b', 1, false, 2_000)
  assert(!faults.isAvoided('b', 2_000))
})

test('exactly the codes of the table are tried again, and four mean stored', () => {
  const all = Array.from({ length: 2_100 }, (_, code) => code)
  assert.deepEqual(all.filter(isRetriedCode), [1, 2, 14, 16, 17, 204, 205, 1500])
  assert.deepEqual(
    all.filter((code) => sendStatusOf(code) !== null),
    [0, 10, 11, 12],
  )
})

test('attempts end with the retries or the deadline, and wait only where the last one failed', () => {
  assert.equal(pauseBeforeAttempt(1, 2, true, 3_000), 0)
  assert.equal(pauseBeforeAttempt(3, 2, true, 3_000), null)
  assert.equal(pauseBeforeAttempt(1, 2, true, 0), null)
  assert.equal(pauseBeforeAttempt(1, 2, false, 3_000), 100)
  assert.equal(pauseBeforeAttempt(2, 2, false, 3_000), 400)
  assert.equal(pauseBeforeAttempt(2, 2, false, 400), null)
  assert.equal(pauseBeforeAttempt(9, 20, false, 3_000), 2_000)
})

test('an attempt leaves time for one at another broker, and the last one takes all that is left', () => {
  assert.equal(attemptTimeoutMs(0, 2, true, 3_000), 1_500)
  assert.equal(attemptTimeoutMs(1, 2, true, 1_500), 750)
  assert.equal(attemptTimeoutMs(2, 2, true, 750), 750)
  assert.equal(attemptTimeoutMs(0, 0, true, 3_000), 3_000)
  assert.equal(attemptTimeoutMs(0, 2, false, 3_000), 3_000)
  assert.equal(attemptTimeoutMs(0, 2, true, 300), 200)
  assert.equal(attemptTimeoutMs(0, 2, true, 150), 150)
})
