import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../testing/manual-clock.ts'
import { EventTime } from './event-time.ts'
import { RequestMetrics } from './request-metrics.ts'

test('requests are told apart by code, answer and whether they waited', () => {
  const metrics = new RequestMetrics()
  for (let i = 0; i < 3; i++) {
    metrics.requestDone(310, 0, 2000)
    metrics.requestDone(11, 0, 500)
    metrics.requestDone(11, 19, 9_000_000, true)
  }
  metrics.requestDone(310, 2, 100)
  deepEqual(
    [...metrics.latencies()].map((one) => {
      const { requestCode, responseCode, isLongPolling, histogram } = one
      return [requestCode, responseCode, isLongPolling, histogram.count, histogram.max]
    }),
    [
      [310, 0, false, 3, 2],
      [11, 0, false, 3, 0.5],
      [11, 19, true, 3, 9000],
      [310, 2, false, 1, 0.1],
    ],
  )
  equal(metrics.putTimes.count, 4)
  equal(metrics.pullTimeMax, 0.5)
})

test('codes that peers make up have no histograms without end', () => {
  const metrics = new RequestMetrics()
  for (let code = 0; code < 5000; code++) metrics.requestDone(code, code % 7, 1000)
  for (let code = 0; code < 5000; code++) metrics.requestDone(code, code % 7, 1000)
  const counted = [...metrics.latencies()]
  equal(counted.length, 1024)
  for (const { histogram } of counted) equal(histogram.count, 2)
})

test('one look at the clock serves all answers of an event', () => {
  const clock = new ManualClock()
  const time = new EventTime(clock)
  equal(time.nowMs(), 0)
  let looks = 0
  const monotonicMs = clock.monotonicMs.bind(clock)
  clock.monotonicMs = () => {
    looks++
    return monotonicMs()
  }
  equal(time.nowMs(), 0)
  equal(looks, 0)
  clock.turn()
  clock.advance(5)
  for (let i = 0; i < 10; i++) equal(time.nowMs(), 5)
  equal(looks, 1)
})
