import { equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { SimClock } from './clock.ts'

const drain = (): Promise<void> => setImmediate()
const after = (clock: SimClock, ms: number): Promise<void> =>
  new Promise((resolve) => clock.after(ms, resolve))

test('time passes until a promise settles, and no longer', async () => {
  const clock = new SimClock()
  const twice = async (): Promise<string> => {
    await after(clock, 5000)
    await after(clock, 5000)
    return 'done'
  }
  equal(await clock.settle(twice(), drain), 'done')
  equal(clock.monotonicMs(), 10_000)
  const broken = after(clock, 20).then(() => Promise.reject(new Error('broken')))
  await rejects(clock.settle(broken, drain), /broken/)
  equal(clock.monotonicMs(), 10_020)
})

test('a promise that does not settle within the limit is told', async () => {
  const clock = new SimClock()
  await rejects(clock.settle(new Promise(() => {}), drain, 50), /not settled within 50 ms/)
  equal(clock.monotonicMs(), 50)
  equal(
    await clock.settle(
      after(clock, 50).then(() => 'late enough'),
      drain,
      50,
    ),
    'late enough',
  )
})
