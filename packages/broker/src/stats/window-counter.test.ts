import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WindowCounter } from './window-counter.ts'

test('a window sums what its span saw and forgets the rest', () => {
  const counter = new WindowCounter()
  for (let tick = 1000; tick < 1006; tick++) counter.add(10, tick)
  equal(counter.tps(1006), 1)
  equal(counter.window('minute', 1006).sum, 60)
  equal(counter.window('minute', 1009).sum, 30)
  equal(counter.window('minute', 1012).sum, 0)
  equal(counter.window('hour', 1012).sum, 60)
  equal(counter.window('day', 1012 + 361).sum, 60)
  equal(counter.window('hour', 1012 + 3700).sum, 0)
  equal(counter.window('day', 1012 + 360 * 25).sum, 0)
  equal(counter.total, 60)
})

test('the average is per event', () => {
  const counter = new WindowCounter()
  counter.add(100, 5)
  counter.add(300, 5)
  equal(counter.window('minute', 6).avgpt, 200)
  equal(new WindowCounter().window('day', 7).avgpt, 0)
})

test('any sequence of ticks gives the sum of the last six full ticks', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(100)), { maxLength: 60 }), (steps) => {
      const counter = new WindowCounter()
      const seen: [number, number][] = []
      let tick = 500
      for (const [ahead, amount] of steps) {
        tick += ahead
        counter.add(amount, tick)
        seen.push([tick, amount])
        const expected = seen
          .filter(([at]) => at < tick && at >= tick - 6)
          .reduce((sum, [, value]) => sum + value, 0)
        equal(counter.window('minute', tick).sum, expected)
      }
    }),
  )
})
