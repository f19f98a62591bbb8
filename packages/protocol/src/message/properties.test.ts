import assert from 'node:assert/strict'
import { test } from 'node:test'
import { javaHash } from '@apogee/base'
import fc from 'fast-check'
import { formatProperties, parseProperties, propertyFits } from './properties.ts'
import {
  copyProperties,
  findProperty,
  PropertyNameSet,
  PropertySlot,
  PropertySpan,
  PropertySpans,
  scanProperties,
  writeProperty,
} from './property-bytes.ts'
import {
  PROPERTY_CRC_SIZE,
  propertyCrcHolds,
  readPropertyCrc,
  writePropertyCrc,
} from './property-crc.ts'
import { tagsCodeOf } from './tags-code.ts'

/** Text in which separators, known names and empty parts come up often. */
const propertiesText = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('\x01', '\x02', '\x01\x02', '\x02\x02') },
      {
        weight: 3,
        arbitrary: fc.constantFrom('TAGS', 'KEYS', 'WAIT', 'CLUSTER', 'TAG', 'UNIQ_KEY'),
      },
      { weight: 2, arbitrary: fc.string({ maxLength: 4, unit: 'grapheme' }) },
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(''))

const drop = new PropertyNameSet(['WAIT', 'CLUSTER', 'ü'])
const nothing = new PropertyNameSet([])

function copied(text: string, names: PropertyNameSet, spans = new PropertySpans()): string {
  const source = Buffer.from(`xx${text}`, 'utf8')
  const into = Buffer.alloc(source.length + 4, 0xee)
  const end = copyProperties(source, 2, source.length, into, 3, names, spans)
  assert.ok(end <= 3 + source.length - 2 + 1)
  assert.ok(into.subarray(0, 3).every((byte) => byte === 0xee))
  return into.toString('utf8', 3, end)
}

test('properties text is read by the rules of every RocketMQ client', () => {
  const cases: [text: string, entries: [string, string][]][] = [
    ['', []],
    [
      'a\x011\x02b\x012\x02',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'a\x011\x02b\x012',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['a\x01\x01\x02', [['a', '\x01']]],
    ['a\x01x\x01y\n\x07\x02', [['a', 'x\x01y\n\x07']]],
    ['a\x01\x02b\x012\x02', [['b', '2']]],
    ['\x011\x02b\x012\x02', [['b', '2']]],
    ['junk\x02b\x012\x02', [['b', '2']]],
    ['\x02\x02\x02', []],
    ['a\x011\x02a\x012\x02', [['a', '2']]],
    ['__proto__\x01x\x02', [['__proto__', 'x']]],
  ]
  for (const [text, entries] of cases) {
    assert.deepEqual([...parseProperties(text)], entries, JSON.stringify(text))
  }
})

test('properties survive a round trip', () => {
  const unit = fc.constantFrom('\0', '\x01', '\x02', '\x03', '\n', 'a', 'ü', '\u{1f600}')
  const part = fc.string({ unit })
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part)), (entries) => {
      const fitting = new Map(entries.filter(([name, value]) => propertyFits(name, value)))
      assert.deepEqual(parseProperties(formatProperties(fitting)), fitting)
    }),
  )
})

test('a property that would come back as another is not written', () => {
  assert.throws(() => formatProperties([['a', 'x\x02b\x01y']]), { code: 'PROPERTY_ILLEGAL' })
  assert.throws(() => formatProperties([['a\x01', 'x']]), { code: 'PROPERTY_ILLEGAL' })
  assert.throws(() => formatProperties([['', 'x']]), { code: 'PROPERTY_ILLEGAL' })
  assert.equal(
    formatProperties([
      ['a', ''],
      ['b', 'x'],
    ]),
    'b\x01x\x02',
  )
})

test('a property found in bytes is the one that parsing finds', () => {
  const span = new PropertySpan()
  fc.assert(
    fc.property(propertiesText, (text) => {
      const bytes = Buffer.from(`\x02a${text}\x01b\x02`, 'utf8')
      const end = bytes.length - 3
      const properties = parseProperties(text)
      for (const name of ['TAGS', 'TAG', 'WAIT', ...properties.keys()]) {
        const found = findProperty(bytes, 2, end, Buffer.from(name), span)
        assert.equal(found, properties.has(name))
        if (found) assert.equal(bytes.toString('utf8', span.start, span.end), properties.get(name))
      }
    }),
    { numRuns: 1000 },
  )
})

test('a copy holds the same properties without the dropped ones, every entry ended', () => {
  fc.assert(
    fc.property(propertiesText, (text) => {
      const kept = [...parseProperties(text)].filter(
        ([name]) => name !== 'WAIT' && name !== 'CLUSTER' && name !== 'ü',
      )
      const copy = copied(text, drop)
      assert.deepEqual(new Map(parseProperties(copy)), new Map(kept))
      assert.ok(copy === '' || copy.endsWith('\x02'))
    }),
    { numRuns: 1000 },
  )
  assert.equal(copied('a\x011\x02WAIT\x01true\x02b\x012', drop), 'a\x011\x02b\x012\x02')
  assert.equal(copied('a\x011\x02\x02x\x02b\x01\x02', nothing), 'a\x011\x02')
})

test('copying notes the values of known names, dropped or not, as scanning does', () => {
  const spans = new PropertySpans()
  const scanned = new PropertySpans()
  const slots = { TAGS: PropertySlot.TAGS, KEYS: PropertySlot.KEYS, WAIT: PropertySlot.WAIT }
  fc.assert(
    fc.property(propertiesText, (text) => {
      copied(text, drop, spans)
      const bytes = Buffer.from(`xx${text}`, 'utf8')
      scanProperties(bytes, 2, bytes.length, scanned)
      assert.deepEqual(scanned, spans)
      const properties = parseProperties(text)
      for (const [name, slot] of Object.entries(slots)) {
        assert.equal(spans.has(slot), properties.has(name))
        if (!spans.has(slot)) continue
        const value = bytes.toString('utf8', spans.start(slot), spans.end(slot))
        assert.equal(value, properties.get(name))
      }
    }),
    { numRuns: 1000 },
  )
})

test('properties may be copied within their own buffer, towards the front', () => {
  const bytes = Buffer.from('WAIT\x01true\x02TAGS\x01a\x02KEYS\x01k\x02.')
  const end = copyProperties(bytes, 0, bytes.length - 1, bytes, 0, drop, new PropertySpans())
  assert.equal(bytes.toString('utf8', 0, end), 'TAGS\x01a\x02KEYS\x01k\x02')
})

test('a name set knows its names and no others', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, unit: 'grapheme' }), { maxLength: 30 })
  fc.assert(
    fc.property(names, fc.string({ unit: 'grapheme' }), (known, other) => {
      const set = new PropertyNameSet(known)
      for (const name of known) assert.ok(set.placeOf(name) >= 0)
      assert.equal(set.placeOf(other) >= 0, known.includes(other))
      assert.equal(new Set(known.map((name) => set.placeOf(name))).size, known.length)
    }),
  )
})

test('tagsCode is the hash of Java, ASCII or not', () => {
  const cases: [tag: string, code: number][] = [
    ['', 0],
    ['TagA', 2598919],
    ['tag-with-a-long-name', javaHash('tag-with-a-long-name')],
    ['ü😀', javaHash('ü😀')],
  ]
  for (const [tag, code] of cases) {
    const bytes = Buffer.from(`.${tag}.`)
    assert.equal(tagsCodeOf(bytes, 1, bytes.length - 1), code, tag)
  }
})

test('a written property is an entry', () => {
  const into = Buffer.alloc(8)
  assert.equal(writeProperty(into, 1, Buffer.from('ab'), Buffer.from('cd')), 7)
  assert.equal(into.toString('latin1', 1, 7), 'ab\x01cd\x02')
})

test('the checksum property has its digits with the least significant first', () => {
  const record = Buffer.alloc(9 + PROPERTY_CRC_SIZE)
  record.write('123456789')
  writePropertyCrc(record, 0, record.length)
  // CRC-32 of "123456789" is 0xCBF43926; without its sign bit 1274296614.
  assert.equal(record.toString('latin1', 9), '__CRC32#\x014166924721\x02')
  assert.equal(readPropertyCrc(record, 0, record.length), 1274296614)
  assert.ok(propertyCrcHolds(record, 0, record.length))
  record[3]! ^= 1
  assert.ok(!propertyCrcHolds(record, 0, record.length))
  for (let length = 0; length < record.length; length++) {
    assert.ok(!propertyCrcHolds(record, 0, length))
  }
})
