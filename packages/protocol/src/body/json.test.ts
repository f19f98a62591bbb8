import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed, Malformed } from '@apogee/base'
import fc from 'fast-check'
import { parseFastjson } from './json-reader.ts'
import { JsonMap, type JsonValue } from './json-value.ts'
import { JsonPairs, writeFastjson } from './json-writer.ts'

/** For tests: plain values of what was parsed; pairs go under `pairs`. */
function plain(value: JsonValue | Malformed): unknown {
  if (value instanceof Malformed) return value.code
  if (Array.isArray(value)) return value.map(plain)
  if (!(value instanceof JsonMap)) return value
  const entries = [...value.fields].map(([key, member]) => [key, plain(member)] as const)
  const pairs = value.pairs.map(({ key, value: member }) => [plain(key), plain(member)])
  return Object.fromEntries(pairs.length > 0 ? [...entries, ['pairs', pairs]] : entries)
}

function parse(text: string): unknown {
  return plain(parseFastjson(Buffer.from(text)))
}

test('standard JSON reads as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json(), fc.boolean(), (text, indent) => {
      const value = JSON.parse(text, (_, member) => (Object.is(member, -0) ? 0 : member))
      const spelled = JSON.stringify(value, null, indent ? 2 : 0)
      // Compared as text: a key such as __proto__ would be lost in a plain object.
      equal(String(writeFastjson(parsed(spelled))), JSON.stringify(value))
    }),
  )
})

function parsed(text: string): JsonValue {
  const value = parseFastjson(Buffer.from(text))
  if (value instanceof Malformed) throw new Error(`${value.code} in ${text}`)
  return value
}

test('fastjson forms are read: unquoted keys, single quotes, objects as keys', () => {
  deepEqual(parse('{0:"ip:1",-1:"x"}'), { '0': 'ip:1', '-1': 'x' })
  deepEqual(parse("{name:'it\\'s',b:true}"), { name: "it's", b: true })
  deepEqual(parse('{{"brokerName":"b","queueId":1,"topic":"t"}:{"o":5},{"queueId":2}:7}'), {
    pairs: [
      [{ brokerName: 'b', queueId: 1, topic: 't' }, { o: 5 }],
      [{ queueId: 2 }, 7],
    ],
  })
  equal(parse('\ufeff {"a":1}') instanceof Object, true)
  equal(parse('9223372036854775807'), 2 ** 63)
})

test('names that plain objects mistreat are only names here', () => {
  const value = parseFastjson(Buffer.from('{"__proto__":{"x":1},"constructor":2,"prototype":3}'))
  ok(value instanceof JsonMap)
  deepEqual([...value.fields.keys()], ['__proto__', 'constructor', 'prototype'])
  equal(({} as { x?: number }).x, undefined)
})

test('what is not JSON, too deep or too much has its code', () => {
  for (const bad of [
    '',
    '{',
    '}',
    '{"a"}',
    '{"a":}',
    '[1,]',
    '"a',
    '{,}',
    'tru',
    '1 2',
    '{"a":1,}',
  ]) {
    equal(parse(bad), 'JSON_INVALID', bad)
  }
  for (const bad of ['"\\x"', '01a', '--1', '1.', '{"a":1}x', 'NaN', '{:1}']) {
    equal(parse(bad), 'JSON_INVALID', bad)
  }
  ok(Array.isArray(parse('['.repeat(64) + ']'.repeat(64))))
  equal(parse('['.repeat(65) + ']'.repeat(65)), 'JSON_TOO_DEEP')
  equal(parse('{'.repeat(10_000)), 'JSON_TOO_DEEP')
  const many = parseFastjson(Buffer.from('[1,2,3,4]'), { valuesMax: 4 })
  ok(many instanceof Malformed)
  equal(many.code, 'JSON_TOO_LARGE')
})

test('any bytes give a value or a Malformed', () => {
  const token = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    ':',
    ',',
    '\\u00',
    '1',
    '-',
    'null',
    ' ',
  )
  fc.assert(
    fc.property(
      fc.array(fc.oneof(token, fc.string({ maxLength: 3 })), { maxLength: 30 }),
      (parts) => {
        const value = parseFastjson(Buffer.from(parts.join('')))
        ok(isMalformed(value) || writeFastjson(value).length >= 0)
      },
    ),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      parseFastjson(bytes)
    }),
  )
})

test('both spellings are written', () => {
  const value = new Map<string, never>([
    ['addrs', new Map([[0, 'é\u0001']])],
    ['none', null],
    ['table', new JsonPairs([{ key: new Map([['queueId', 1]]), value: [1, null, true] }])],
  ] as never)
  equal(
    writeFastjson(value).toString(),
    '{"addrs":{0:"é\\u0001"},"table":{{"queueId":1}:[1,null,true]}}',
  )
  equal(
    writeFastjson(value, 'standard').toString(),
    '{"addrs":{"0":"\\u00e9\\u0001"},"table":{"{\\"queueId\\":1}":[1,null,true]}}',
  )
})
