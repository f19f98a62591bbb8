import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { readPointInTime, readSpan, readStartPoint } from './time-expression.ts'

const NOW_MS = Date.parse('2026-01-31T08:00:00Z')
const USAGE = { code: 'CLI_USAGE' }

test('a span has a unit, a number alone is seconds', () => {
  const spans = {
    '500ms': 500,
    '10s': 10_000,
    '10': 10_000,
    '1.5m': 90_000,
    '2h': 7_200_000,
    '1d': 86_400_000,
    '0': 0,
  }
  for (const [text, ms] of Object.entries(spans)) equal(readSpan('--x', text), ms, text)
})

test('what is no span is refused with the name of its option', () => {
  for (const text of ['', 'ten', '-5s', '10 s', '5w', '1e3s', '400d', 'NaN', 'Infinity']) {
    throws(
      () => readSpan('--duration', text),
      { ...USAGE, message: /^--duration: .* is no span/ },
      text,
    )
  }
})

test('a point in time is ISO 8601, so long ago, or milliseconds', () => {
  equal(readPointInTime('--until', '2026-01-31T07:59:00Z', NOW_MS), NOW_MS - 60_000)
  equal(readPointInTime('--until', '10m', NOW_MS), NOW_MS - 600_000)
  equal(readPointInTime('--until', 'now', NOW_MS), NOW_MS)
  equal(readPointInTime('--until', String(NOW_MS), NOW_MS), NOW_MS)
  for (const text of ['12', 'yesterday', '2026-13-01', '']) {
    throws(() => readPointInTime('--until', text, NOW_MS), USAGE, text)
  }
})

test('reading begins at an end, so many before it, an offset, or a time', () => {
  const points = {
    first: { kind: 'first' },
    last: { kind: 'last' },
    '-10': { kind: 'back', count: 10 },
    '0': { kind: 'offset', offset: 0 },
    '123': { kind: 'offset', offset: 123 },
    '10m': { kind: 'time', timeMs: NOW_MS - 600_000 },
    '2026-01-31T07:00:00Z': { kind: 'time', timeMs: NOW_MS - 3_600_000 },
    [String(NOW_MS)]: { kind: 'time', timeMs: NOW_MS },
  }
  for (const [text, point] of Object.entries(points)) {
    deepEqual(readStartPoint('--from', text, NOW_MS), point, text)
  }
  for (const text of ['-', '--5', 'middle', '1.5', '']) {
    throws(() => readStartPoint('--from', text, NOW_MS), USAGE, text)
  }
})
