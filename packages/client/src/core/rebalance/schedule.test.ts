import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_REBALANCE_LIMITS, RebalanceSchedule } from './schedule.ts'

const start = (): RebalanceSchedule => new RebalanceSchedule(DEFAULT_REBALANCE_LIMITS, 1_000_000)

/** Lets the rounds run, each for `roundMs`, until `untilMs`; when they began, from the start. */
function rounds(
  schedule: RebalanceSchedule,
  untilMs: number,
  outcomeOf: (round: number) => 'complete' | 'incomplete',
  requestsMs: readonly number[] = [],
  roundMs = 0,
): number[] {
  const began: number[] = []
  let endMs = Number.POSITIVE_INFINITY
  for (let nowMs = 1_000_000; nowMs <= 1_000_000 + untilMs; nowMs += 10) {
    if (requestsMs.includes(nowMs - 1_000_000)) schedule.request(nowMs)
    if (nowMs >= endMs) {
      schedule.end(nowMs, outcomeOf(began.length))
      endMs = Number.POSITIVE_INFINITY
    }
    if (schedule.begin(nowMs)) {
      began.push(nowMs - 1_000_000)
      endMs = nowMs + roundMs
      if (roundMs === 0) {
        schedule.end(nowMs, outcomeOf(began.length))
        endMs = Number.POSITIVE_INFINITY
      }
    }
  }
  return began
}

test('a round at once, then one every interval', () => {
  deepEqual(
    rounds(start(), 60_000, () => 'complete'),
    [0, 20_000, 40_000, 60_000],
  )
})

test('an incomplete round is tried again after a second, until one is complete', () => {
  const outcome = (round: number): 'complete' | 'incomplete' =>
    round <= 3 ? 'incomplete' : 'complete'
  deepEqual(rounds(start(), 24_000, outcome), [0, 1_000, 2_000, 3_000, 23_000])
})

test('members that change bring a round at once, and the interval starts anew', () => {
  deepEqual(
    rounds(start(), 30_000, () => 'complete', [7_000]),
    [0, 7_000, 27_000],
  )
})

test('a storm of changes brings one round a second, and none of them is forgotten', () => {
  const storm = [10, 20, 200, 500, 990, 1_010, 1_500, 1_900]
  deepEqual(
    rounds(start(), 10_000, () => 'complete', storm),
    [0, 1_000, 2_000],
  )
})

test('a change during a round brings another one after it', () => {
  deepEqual(
    rounds(start(), 10_000, () => 'complete', [300], 500),
    [0, 1_500],
  )
})

test('nothing is due while a round runs', () => {
  const schedule = start()
  equal(schedule.dueAtMs, 1_000_000)
  equal(schedule.begin(1_000_000), true)
  equal(schedule.isRunning, true)
  equal(schedule.request(1_000_001), Number.POSITIVE_INFINITY)
  equal(schedule.begin(1_100_000), false)
  equal(schedule.end(1_100_000, 'complete'), 1_101_000)
  equal(schedule.begin(1_100_999), false)
  throws(() => schedule.end(1_101_000, 'complete'), /did not begin/)
})

test('whatever happens: rounds never overlap or crowd, a request never waits longer than a round and a gap', () => {
  const event = fc.tuple(
    fc.constantFrom('request', 'wait', 'complete', 'incomplete'),
    fc.nat(3_000),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      const schedule = start()
      let nowMs = 1_000_000
      let lastEndMs = Number.NEGATIVE_INFINITY
      let requestedMs: number | null = null
      for (const [kind, afterMs] of events) {
        nowMs += afterMs
        if (kind === 'request') {
          schedule.request(nowMs)
          requestedMs ??= nowMs
        } else if (kind !== 'wait' && schedule.isRunning) {
          schedule.end(nowMs, kind as 'complete')
          lastEndMs = nowMs
        }
        const isDue = !schedule.isRunning && schedule.dueAtMs <= nowMs
        if (requestedMs !== null && !schedule.isRunning) {
          equal(schedule.dueAtMs <= Math.max(requestedMs, lastEndMs + 1_000), true)
        }
        equal(schedule.begin(nowMs), isDue)
        if (isDue) {
          equal(nowMs - lastEndMs >= 1_000, true)
          requestedMs = null
        } else if (!schedule.isRunning) {
          equal(schedule.dueAtMs <= nowMs + 20_000, true, 'no queue waits longer than an interval')
        }
      }
    }),
  )
})
