import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCell, outputToJson } from './output.ts'

test('a table as JSON has raw values, points in time also as ISO text, maps as objects', () => {
  const row = {
    topic: 'T',
    offset: 12,
    storedAtMs: 1_000,
    neverAtMs: 0,
    elapsedMs: 3,
    by: new Map([[0, 'a']]),
    body: Buffer.from('x'),
  }
  assert.deepEqual(outputToJson({ kind: 'table', columns: [], rows: [row] }), {
    items: [
      {
        topic: 'T',
        offset: 12,
        storedAt: '1970-01-01T00:00:01.000Z',
        storedAtMs: 1_000,
        neverAt: null,
        neverAtMs: 0,
        elapsedMs: 3,
        by: { 0: 'a' },
        body: 'eA==',
      },
    ],
  })
})

test('problems are part of the JSON of every kind of output', () => {
  const problem = { target: 'a:1', code: 'ADMIN_BROKER_UNREACHABLE', message: 'm', retriable: true }
  const problems = [problem]
  for (const output of [
    { kind: 'table', columns: [], rows: [], problems } as const,
    { kind: 'record', value: {}, problems } as const,
    { kind: 'done', message: 'done', problems } as const,
  ]) {
    const json = outputToJson(output) as { problems: unknown }
    assert.deepEqual(json.problems, problems)
  }
})

test('a topic called like a member of objects stays a topic', () => {
  const value = { table: new Map([['__proto__', 1]]) }
  const json = outputToJson({ kind: 'record', value }) as { table: object }
  assert.deepEqual(Object.entries(json.table), [['__proto__', 1]])
})

test('cells show nothing as a dash, times as ISO, rates with two digits', () => {
  const cell = (key: string, value: unknown): string => formatCell({ key, title: 'X' }, value)
  assert.equal(cell('a', null), '-')
  assert.equal(cell('a', ''), '-')
  assert.equal(cell('a', []), '-')
  assert.equal(cell('a', ['x', 'y']), 'x,y')
  assert.equal(cell('a', 0), '0')
  assert.equal(cell('a', 1 / 3), '0.33')
  assert.equal(cell('storedAtMs', 1_000), '1970-01-01T00:00:01.000Z')
  assert.equal(cell('storedAtMs', 0), '-')
  assert.equal(cell('a', new Map([['k', 'v']])), 'k=v')
  assert.equal(cell('a', { x: 1 }), '{"x":1}')
  assert.equal(formatCell({ key: 'a', title: 'X', format: () => 'own' }, 1), 'own')
})
