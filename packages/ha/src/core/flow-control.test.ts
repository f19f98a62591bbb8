import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FlowControl } from './flow-control.ts'
import { RateMeter } from './rate-meter.ts'

test('whatever is wanted whenever, no more goes out than the rate and a tenth of a second of it', () => {
  const step = fc.record({ waitMs: fc.nat(500), wanted: fc.integer({ min: 1, max: 100_000 }) })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.array(step), (rate, steps) => {
      const flow = new FlowControl(rate, 0)
      let nowMs = 0
      let sent = 0
      for (const { waitMs, wanted } of steps) {
        nowMs += waitMs
        const size = flow.allow(wanted, nowMs)
        ok(size >= 0 && size <= wanted)
        flow.spend(size)
        sent += size
      }
      ok(sent <= (rate * nowMs) / 1000 + Math.max(4, rate / 10) + 1)
    }),
  )
})

test('who waits as long as it says may send, at any rate', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000_000 }), fc.nat(100_000), (rate, more) => {
      const flow = new FlowControl(rate, 0)
      flow.spend(flow.allow(10_000_000, 0))
      const waitMs = flow.waitMs(1 + more, 0)
      ok(waitMs > 0)
      ok(flow.allow(1 + more, waitMs) > 0)
    }),
  )
})

test('without a limit everything may go at once', () => {
  const flow = new FlowControl(Number.POSITIVE_INFINITY, 0)
  flow.spend(flow.allow(1e12, 0))
  equal(flow.allow(1e12, 0), 1e12)
  equal(flow.waitMs(1e12, 0), 0)
})

test('the meter tells the rate of the last whole second, and 0 after a long silence', () => {
  const meter = new RateMeter(0)
  for (let ms = 0; ms < 1_000; ms += 10) meter.add(50, ms)
  equal(meter.perSecond(1_000), 5_000)
  equal(meter.perSecond(1_500), 5_000)
  equal(meter.perSecond(2_000), 0)
})
