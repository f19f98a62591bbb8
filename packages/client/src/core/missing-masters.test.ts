import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOOK_FOR_UNTIL_MS, MissingMasters } from './missing-masters.ts'

const all = (): boolean => true
const masters = (...names: string[]): Set<string> => new Set(names)

test('of all topics that lost a master one is asked for, and the others when it is back', () => {
  const missing = new MissingMasters()
  assert(missing.isEmpty)
  for (const topic of ['T', 'U', 'V']) {
    assert.deepEqual(missing.routeChanged(topic, masters('a', 'b'), masters('b'), 0), [])
  }
  assert.deepEqual(missing.due(1_000, all), ['T'])
  assert.deepEqual(missing.due(2_000, all), ['T'])
  assert.deepEqual(missing.routeChanged('T', masters('b'), masters('a', 'b'), 3_000), ['U', 'V'])
  assert(missing.isEmpty)
  assert.deepEqual(missing.due(4_000, all), [])
})

test('each missing master is looked for; a topic that nobody watches is not', () => {
  const missing = new MissingMasters()
  missing.routeChanged('T', masters('a', 'b', 'c'), masters('c'), 0)
  missing.routeChanged('U', masters('b', 'c'), masters(), 0)
  assert.deepEqual(missing.due(0, all), ['T', 'U'])
  assert.deepEqual(
    missing.due(0, (topic) => topic === 'U'),
    ['U'],
  )
  assert.deepEqual(
    missing.due(0, () => false),
    [],
  )
  assert(missing.isEmpty)
})

test('what does not come back for long is left to the poll', () => {
  const missing = new MissingMasters()
  missing.routeChanged('T', masters('a'), masters(), 100)
  missing.routeChanged('U', masters('a'), masters(), 50_000)
  assert.deepEqual(missing.due(LOOK_FOR_UNTIL_MS + 99, all), ['T'])
  assert.deepEqual(missing.due(LOOK_FOR_UNTIL_MS + 100, all), [])
  assert(missing.isEmpty)
})
