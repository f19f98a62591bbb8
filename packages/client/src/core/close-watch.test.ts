import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSE_KEEP_MS, CloseWatch } from './close-watch.ts'

const BROKERS: Record<string, readonly string[]> = {
  T: ['a', 'b'],
  U: ['a'],
  V: ['b', 'c'],
  W: [],
}
const brokersOf = (topic: string): readonly string[] => BROKERS[topic]!

test('as few topics are asked for as tell of all brokers', () => {
  const watch = new CloseWatch()
  assert(watch.isEmpty)
  for (const topic of ['T', 'U', 'V', 'W']) watch.used(topic, 0)
  assert.deepEqual(watch.due(100, brokersOf), ['T', 'V'])
})

test('a topic that is not used any more is not asked for', () => {
  const watch = new CloseWatch()
  watch.used('T', 0)
  watch.used('U', 0)
  watch.used('U', 3_000)
  assert.deepEqual(watch.due(CLOSE_KEEP_MS - 1, brokersOf), ['T'])
  assert.deepEqual(watch.due(CLOSE_KEEP_MS, brokersOf), ['U'])
  assert.deepEqual(watch.due(3_000 + CLOSE_KEEP_MS, brokersOf), [])
  assert(watch.isEmpty)
})
