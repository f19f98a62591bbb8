import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { median } from '../measure/statistics.ts'
import { type Goal, rowOf, Samples } from './result.ts'

const goal = (better: Goal['better']): Goal => {
  const [atLeast, aim] = better === 'higher' ? [0.6, 0.8] : [0.5, 0.25]
  return { measure: 'm', unit: '/s', atLeast, aim, better }
}

test('a median is the middle, or the mean of the two in the middle', () => {
  equal(median([3, 1, 2]), 2)
  equal(median([4, 1, 2, 3]), 2.5)
  equal(median([]), Number.NaN)
})

test('a row says whether the aim, the limit or neither is reached', () => {
  const verdicts = [79, 80, 60, 59].map((value) => rowOf(goal('higher'), value, 100)?.verdict)
  deepEqual(verdicts, ['pass', 'aim', 'pass', 'short'])
  const lower = [25, 26, 50, 51].map((value) => rowOf(goal('lower'), value, 100)?.verdict)
  deepEqual(lower, ['aim', 'pass', 'pass', 'short'])
})

test('a fixed limit is held against the value itself', () => {
  const row = rowOf(goal('lower'), 0.3, 'limit')
  deepEqual([row?.ratio, row?.reference, row?.verdict], [0.3, null, 'pass'])
})

test('there is no row for what was not measured', () => {
  equal(rowOf(goal('higher'), null, 1), null)
  equal(rowOf(goal('higher'), 1, null), null)
})

test('the median of a sample is taken over its rounds alone', () => {
  const samples = new Samples()
  for (const [round, value] of [10, 30, 20].entries()) {
    samples.add('apogee', '1x64', round, { perSecond: value })
    samples.add('floor', '1x64', round, { perSecond: 99 })
  }
  equal(samples.median('apogee', '1x64', 'perSecond'), 20)
  equal(samples.median('apogee', '1x1', 'perSecond'), null)
  equal(samples.median('apogee', '1x64', 'other'), null)
})
