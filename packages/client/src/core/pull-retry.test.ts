import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseCode } from '@apogee/protocol'
import { decidePullRetry, fruitlessRestMs } from './pull-retry.ts'

const delays = (code: number | null): number[] =>
  [1, 2, 3, 4, 5, 6, 100].map((failures) => decidePullRetry(code, failures, false).delayMs)

test('a broker that does not answer is asked again soon, then every second, by a fresh route', () => {
  deepEqual(delays(null), [100, 200, 400, 800, 1_000, 1_000, 1_000])
  equal(decidePullRetry(null, 1, false).refreshRoute, true)
})

test('a broker that sheds pulls is asked again after 20 ms', () => {
  deepEqual(delays(ResponseCode.FLOW_CONTROL), [20, 20, 20, 20, 20, 20, 20])
})

test('a broker that does not know the subscription gets a heartbeat', () => {
  for (const code of [
    ResponseCode.SUBSCRIPTION_NOT_EXIST,
    ResponseCode.SUBSCRIPTION_NOT_LATEST,
    ResponseCode.SUBSCRIPTION_PARSE_FAILED,
  ]) {
    const { heartbeat, refreshRoute, elsewhere } = decidePullRetry(code, 1, true)
    deepEqual([heartbeat, refreshRoute, elsewhere], [true, false, false])
  }
  equal(decidePullRetry(null, 1, false).heartbeat, false)
})

test('a topic that is gone is looked for by its route; other refusals wait a second', () => {
  deepEqual(decidePullRetry(ResponseCode.TOPIC_NOT_EXIST, 1, false), {
    delayMs: 1_000,
    refreshRoute: true,
    elsewhere: false,
    heartbeat: false,
  })
  deepEqual(decidePullRetry(ResponseCode.SYSTEM_BUSY, 1, false), {
    delayMs: 1_000,
    refreshRoute: false,
    elsewhere: false,
    heartbeat: false,
  })
})

test('who does not answer is left for another replica, and a slave also when it refuses', () => {
  const { SYSTEM_BUSY, NO_PERMISSION, PULL_OFFSET_MOVED, FLOW_CONTROL } = ResponseCode
  for (const isSlave of [false, true]) equal(decidePullRetry(null, 1, isSlave).elsewhere, true)
  for (const code of [SYSTEM_BUSY, NO_PERMISSION, PULL_OFFSET_MOVED]) {
    equal(decidePullRetry(code, 1, true).elsewhere, true)
    equal(decidePullRetry(code, 1, false).elsewhere, false)
  }
  equal(decidePullRetry(FLOW_CONTROL, 1, true).elsewhere, false)
})

test('answers that bring nothing at once are asked for less and less often', () => {
  deepEqual([1, 2, 3, 4, 5, 6, 50].map(fruitlessRestMs), [50, 100, 200, 400, 800, 1_000, 1_000])
})
