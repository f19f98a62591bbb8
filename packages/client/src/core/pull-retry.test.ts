import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseCode } from '@apogee/protocol'
import { decidePullRetry } from './pull-retry.ts'

const delays = (code: number | null): number[] =>
  [1, 2, 3, 4, 5, 6, 100].map((failures) => decidePullRetry(code, failures).delayMs)

test('a broker that does not answer is asked again soon, then every second, by a fresh route', () => {
  deepEqual(delays(null), [100, 200, 400, 800, 1_000, 1_000, 1_000])
  equal(decidePullRetry(null, 1).refreshRoute, true)
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
    const { heartbeat, refreshRoute } = decidePullRetry(code, 1)
    deepEqual([heartbeat, refreshRoute], [true, false])
  }
  equal(decidePullRetry(null, 1).heartbeat, false)
})

test('a topic that is gone is looked for by its route; other refusals wait a second', () => {
  deepEqual(decidePullRetry(ResponseCode.TOPIC_NOT_EXIST, 1), {
    delayMs: 1_000,
    refreshRoute: true,
    heartbeat: false,
  })
  deepEqual(decidePullRetry(ResponseCode.SYSTEM_BUSY, 1), {
    delayMs: 1_000,
    refreshRoute: false,
    heartbeat: false,
  })
})
