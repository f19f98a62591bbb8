import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Measurement } from './measurement.ts'
import { Pace } from './pace.ts'
import { benchJson } from './report.ts'

test('percentiles are within a thousandth, and never beyond the largest value', () => {
  const measured = new Measurement()
  measured.start(0)
  for (let i = 1; i <= 10_000; i++) measured.record(1, 100, i / 10, i)
  const latency = measured.latency()!
  const expected = { p50Ms: 500, p90Ms: 900, p99Ms: 990, p999Ms: 999, maxMs: 1_000 }
  for (const [name, value] of Object.entries(expected)) {
    const got = latency[name as 'p50Ms']
    ok(Math.abs(got - value) <= value / 500, `${name}: ${got}`)
  }
  ok(latency.p9999Ms <= latency.maxMs)
  ok(Math.abs(latency.meanMs - 500) < 2)
  equal(latency.minMs, 0.1)
})

test('rates go from the start to the last message', () => {
  const measured = new Measurement()
  measured.start(1_000)
  measured.record(10, 1_000, 1, 2_000)
  measured.record(10, 1_000, 1, 3_000)
  const what = { kind: 'produce', topic: 't', settings: {}, isInterrupted: false } as const
  const result = benchJson(what, measured)
  deepEqual(
    [result.messages, result.seconds, result.messagesPerSecond, result.bytesPerSecond],
    [20, 2, 10, 1_000],
  )
})

test('without messages there is no latency, and no division by nothing', () => {
  const measured = new Measurement()
  measured.fail(3, 'RMQ_TIMEOUT')
  const result = benchJson(
    { kind: 'consume', topic: 't', settings: {}, isInterrupted: true },
    measured,
  )
  equal(result.latency, null)
  equal(result.messagesPerSecond, 0)
  deepEqual(result.failures, { RMQ_TIMEOUT: 3 })
})

test('a time beyond every range counts as the longest, one below zero as none', () => {
  const measured = new Measurement()
  measured.record(1, 1, 1e12, 0)
  measured.record(1, 1, -5, 0)
  const latency = measured.latency()!
  ok(latency.maxMs >= 600_000 * 0.99)
  equal(latency.minMs, 0.001)
})

test('a rate gives each send its time, also when it is late', () => {
  const pace = new Pace(100, 5_000)
  deepEqual([pace.next(), pace.next(), pace.next()], [5_000, 5_010, 5_020])
})

test('one value is every percentile', () => {
  for (let i = 1; i <= 50; i++) {
    const one = new Measurement()
    one.record(1, 1, i * 97.531, 0)
    const { maxMs, p50Ms, p9999Ms } = one.latency()!
    equal(p50Ms, maxMs)
    equal(p9999Ms, maxMs)
  }
})
