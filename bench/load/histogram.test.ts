import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Histogram } from './histogram.ts'

test('an empty histogram says zero', () => {
  equal(new Histogram().percentileMs(0.99), 0)
})

test('percentiles are within 1.6 % of the sorted values', () => {
  const values = fc.array(fc.integer({ min: 0, max: 100_000_000 }), { minLength: 1 })
  fc.assert(
    fc.property(values, fc.constantFrom(0.5, 0.9, 0.99, 1), (all, share) => {
      const histogram = new Histogram()
      for (const us of all) histogram.recordMs(us / 1000)
      const sorted = all.toSorted((a, b) => a - b)
      const exact = (sorted[Math.ceil(all.length * share) - 1] ?? 0) / 1000
      const said = histogram.percentileMs(share)
      ok(said >= exact - 1e-9 && said <= exact * (1 + 1 / 64) + 0.001, `${said} for ${exact}`)
    }),
  )
})
