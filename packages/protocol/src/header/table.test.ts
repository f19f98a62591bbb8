import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Malformed } from '@apogee/base'
import fc from 'fast-check'
import * as protocol from '../mod.ts'
import { GetMaxOffsetRequestHeader } from './offset.ts'
import { SendMessageRequestHeaderV2 } from './send.ts'
import { decodeHeader, encodeHeader, type HeaderTable } from './table.ts'

const table = {
  topic: 'string',
  queueId: ['int', 'q'],
  offset: 'long?',
  order: 'boolean=true',
  count: 'int=-1',
} as const

test('a header survives its fields', () => {
  const values = fc.record({
    topic: fc.string(),
    queueId: fc.integer(),
    offset: fc.option(fc.maxSafeInteger()),
    order: fc.boolean(),
    count: fc.integer(),
  })
  fc.assert(
    fc.property(values, (value) => {
      deepEqual(decodeHeader(table, encodeHeader(table, value)), { ...value })
    }),
  )
})

test('short names go on the wire, absent fields take their default', () => {
  deepEqual(
    encodeHeader(table, { topic: 'T', queueId: 3 }),
    new Map([
      ['topic', 'T'],
      ['q', '3'],
    ]),
  )
  const header = decodeHeader(
    GetMaxOffsetRequestHeader,
    new Map(Object.entries({ topic: 'T', queueId: '0' })),
  )
  deepEqual(header, { topic: 'T', queueId: 0, committed: true })
  deepEqual(
    Object.values(SendMessageRequestHeaderV2)
      .map((field) => field[1])
      .join(''),
    'abcdefghijklmn',
  )
})

test('what is missing or not of its kind has a code', () => {
  const good = { topic: 'T', q: '1' }
  const cases: [string, Record<string, string>][] = [
    ['HEADER_FIELD_MISSING', { topic: 'T' }],
    ['HEADER_FIELD_INVALID', { ...good, q: '2147483648' }],
    ['HEADER_FIELD_INVALID', { ...good, q: '1.5' }],
    ['HEADER_FIELD_INVALID', { ...good, q: '' }],
    ['HEADER_FIELD_INVALID', { ...good, offset: '99999999999999999999' }],
    ['HEADER_FIELD_INVALID', { ...good, count: 'many' }],
  ]
  for (const [code, fields] of cases) {
    const decoded = decodeHeader(table, new Map(Object.entries(fields)))
    ok(decoded instanceof Malformed)
    equal(decoded.code, code)
  }
})

test('every header table has only kinds that exist, and no wire name twice', () => {
  const tables = Object.entries(protocol).filter(([name]) => /Header(V2)?$/.test(name))
  equal(tables.length > 90, true, String(tables.length))
  for (const [name, value] of tables) {
    if (typeof value === 'function') continue
    const fields = Object.entries(value as unknown as HeaderTable)
    const wireNames = fields.map(([field, spec]) => (typeof spec === 'string' ? field : spec[1]))
    equal(new Set(wireNames).size, wireNames.length, name)
    for (const [field, spec] of fields) {
      const kind = typeof spec === 'string' ? spec : spec[0]
      ok(/^(string|int|long|boolean)(\?|=[a-z0-9-]+)?$/.test(kind), `${name}.${field}`)
    }
  }
})
