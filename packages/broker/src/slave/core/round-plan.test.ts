import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { nextRoundMs } from './round-plan.ts'

const cases: readonly [
  what: string,
  isDone: boolean,
  isOurs: boolean,
  busyMs: number,
  intervalMs: number,
  nextMs: number,
][] = [
  ['ours, small tables', true, true, 1, 1000, 1000],
  ['ours, large tables take a part in 33', true, true, 100, 1000, 3300],
  ['Apache s, small tables', true, false, 1, 1000, 10_000],
  ['Apache s, large tables', true, false, 1000, 1000, 33_000],
  ['Apache s, an operator asks for less', true, false, 1, 60_000, 60_000],
  ['away: soon again', false, false, 0, 1000, 1000],
  ['away: no hammering', false, true, 0, 100, 100],
  ['away, no busy loop with Apache s', false, false, 0, 100, 1000],
  ['away in the middle of large tables', false, true, 200, 1000, 6600],
]

for (const [what, isDone, isOurs, busyMs, intervalMs, nextMs] of cases) {
  test(`next round: ${what}`, () =>
    equal(nextRoundMs({ isDone, isOurs, busyMs }, intervalMs), nextMs))
}
