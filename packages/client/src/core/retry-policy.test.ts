import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RetryLater, Unrecoverable } from '../api/errors.ts'
import {
  deadLetterFields,
  decideExpired,
  decideFailed,
  decideOrderedFailed,
  maxReconsumeTimes,
  retryMessageFields,
} from './retry-policy.ts'

test('−1 retries are 16 in concurrent consumption and without limit in ordered', () => {
  equal(maxReconsumeTimes(-1, false), 16)
  equal(maxReconsumeTimes(-1, true), 2_147_483_647)
  equal(maxReconsumeTimes(0, false), 0)
  equal(maxReconsumeTimes(3, true), 3)
})

test('a concurrent handler: its error says how the message comes back', () => {
  const rows: [unknown, number][] = [
    [new Error('any'), 0],
    ['not even an error', 0],
    [undefined, 0],
    [new RetryLater(), 0],
    [new RetryLater({ delayLevel: 5 }), 5],
    [new RetryLater({ delayLevel: -1 }), 0],
    [new RetryLater({ delayLevel: 2.5 }), 0],
    [new Unrecoverable('never'), -1],
  ]
  for (const [error, delayLevel] of rows) {
    deepEqual(decideFailed(error, 'clustering'), { action: 'sendBack', delayLevel })
    deepEqual(decideFailed(error, 'broadcasting'), { action: 'drop' })
  }
  deepEqual(decideExpired('clustering'), { action: 'sendBack', delayLevel: 3 })
  deepEqual(decideExpired('broadcasting'), { action: 'drop' })
})

test('an ordinary message to the retry topic counts one more delivery, at a later level each time', () => {
  deepEqual(retryMessageFields(0, 16, 0), {
    reconsumeTimes: 1,
    maxReconsumeTimes: 16,
    delayLevel: 3,
  })
  deepEqual(retryMessageFields(4, 16, 0), {
    reconsumeTimes: 5,
    maxReconsumeTimes: 16,
    delayLevel: 7,
  })
  equal(retryMessageFields(4, 16, 2).delayLevel, 2)
  deepEqual(retryMessageFields(4, 16, -1), deadLetterFields(4, 16))
})

test('for the dead letters the broker always sees retries used up, and the true count', () => {
  fc.assert(
    fc.property(fc.nat(2_147_483_646), fc.nat(2_147_483_647), (reconsumeTimes, max) => {
      const fields = deadLetterFields(reconsumeTimes, max)
      equal(fields.reconsumeTimes, reconsumeTimes + 1)
      equal(fields.reconsumeTimes > fields.maxReconsumeTimes, true)
      equal(fields.maxReconsumeTimes <= max, true)
    }),
  )
})

test('an ordered handler: its queue rests between 10 ms and 30 s, until the retries are used up', () => {
  const context = { reconsumeTimes: 0, maxReconsumeTimes: 3, suspendMs: 1_000 }
  const decide = (error: unknown, change: Partial<typeof context> = {}): unknown =>
    decideOrderedFailed(error, { ...context, ...change })
  const suspended = (suspendMs: number): unknown => ({ action: 'suspend', suspendMs })
  deepEqual(decide(new Error('any')), suspended(1_000))
  deepEqual(decide(new Error('any'), { suspendMs: 1 }), suspended(10))
  deepEqual(decide(new Error('any'), { suspendMs: 99_999 }), suspended(30_000))
  deepEqual(decide(new RetryLater({ suspendMs: 200 })), suspended(200))
  deepEqual(decide(new RetryLater({ suspendMs: 0 })), suspended(10))
  deepEqual(decide(new RetryLater()), suspended(1_000))
  deepEqual(decide(new Error('any'), { reconsumeTimes: 2 }), suspended(1_000))
  deepEqual(decide(new Error('any'), { reconsumeTimes: 3 }), { action: 'dead' })
  deepEqual(decide(new RetryLater(), { reconsumeTimes: 3 }), { action: 'dead' })
  deepEqual(decide(new Unrecoverable('never')), { action: 'dead' })
})
