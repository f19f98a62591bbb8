import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed, Malformed } from '@apogee/base'
import fc from 'fast-check'
import { encodeFrame, type FrameContent, frameSize, writeFrameInto } from './encode.ts'
import { frameOf, openFrame, rawFrame } from './frame.fixture.ts'
import { Frame } from './frame.ts'
import { FrameScanner } from './scanner.ts'

const text: fc.Arbitrary<string> = fc.string({ unit: 'grapheme', maxLength: 12 })
const fieldName = fc.stringMatching(/^[A-Za-z_]{1,10}$/)
const filled = text.filter((value) => value.length > 0)

const contents = fc.record({
  code: fc.oneof(fc.integer({ min: -32768, max: 32767 }), fc.constantFrom(310, 11)),
  opaque: fc.integer(),
  flag: fc.nat(3),
  language: fc.nat(13),
  version: fc.nat(600),
  serializeType: fc.constantFrom(0 as const, 1 as const),
  remark: fc.option(filled),
  fields: fc.option(
    fc
      .array(fc.tuple(fc.oneof(fieldName, fc.constant('__proto__')), filled), { minLength: 1 })
      .map((entries) => new Map(entries)),
  ),
  body: fc.option(fc.uint8Array({ maxLength: 60 })),
}) as fc.Arbitrary<FrameContent>

function checkSame(frame: Frame, content: FrameContent): void {
  equal(frame.code, content.code)
  equal(frame.opaque, content.opaque)
  equal(frame.flag, content.flag)
  equal(frame.language, content.language)
  equal(frame.version, content.version)
  equal(frame.serializeType, content.serializeType)
  deepEqual(frame.remark(), content.remark ?? null)
  deepEqual(frame.fields(), content.fields ?? new Map())
  deepEqual(frame.body(), Buffer.from(content.body ?? []))
}

/** Pushes the stream in pieces of the given sizes and checks each frame that comes out. */
function scan(stream: Buffer, cuts: readonly number[], expected: readonly FrameContent[]): void {
  const scanner = new FrameScanner()
  const frame = new Frame()
  let at = 0
  let found = 0
  for (let i = 0; at < stream.length; i++) {
    const size = cuts.length === 0 ? stream.length : cuts[i % cuts.length]!
    scanner.push(Buffer.from(stream.subarray(at, at + size)))
    at += size
    while (true) {
      const next = scanner.next(frame)
      if (next === false) break
      equal(next, true)
      checkSame(frame, expected[found++]!)
    }
  }
  equal(found, expected.length)
  equal(scanner.buffered, 0)
}

test('frames of both forms come out of any cutting of the stream as they went in', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 6 })
  fc.assert(
    fc.property(fc.array(contents, { maxLength: 6 }), cuts, (frames, sizes) => {
      scan(Buffer.concat(frames.map(encodeFrame)), sizes, frames)
    }),
  )
})

test('a frame written into a buffer is the encoded one and takes the size announced', () => {
  fc.assert(
    fc.property(contents, (content) => {
      const encoded = encodeFrame(content)
      equal(frameSize(content), encoded.length)
      const into = Buffer.alloc(encoded.length + 7)
      equal(writeFrameInto(into, 5, content), encoded.length + 5)
      deepEqual(into.subarray(5, encoded.length + 5), encoded)
    }),
  )
})

test('a frame that lies whole in a chunk is not copied', () => {
  const bytes = frameOf({ body: Buffer.from('abc') })
  const frame = openFrame(bytes)
  equal(frame.buffer, bytes)
  bytes[bytes.length - 1] = 0x21
  equal(frame.body().toString(), 'ab!')
})

test('a large frame in small pieces arrives whole', () => {
  const body = Buffer.alloc(1_000_000, 'x')
  scan(frameOf({ body }), [7919], [contentOf(body)])
})

function contentOf(body: Buffer): FrameContent {
  return { code: 310, opaque: 1, flag: 0, language: 0, version: 479, serializeType: 0, body }
}

test('a push before the last one is used up loses nothing', () => {
  const one = frameOf({ opaque: 1 })
  const scanner = new FrameScanner()
  const frame = new Frame()
  scanner.push(Buffer.concat([one, one.subarray(0, 3)]))
  scanner.push(one.subarray(3))
  equal(scanner.next(frame), true)
  equal(scanner.next(frame), true)
  equal(scanner.next(frame), false)
})

test('what the limits forbid ends the stream with its code, before the bytes arrive', () => {
  const cases: [string, number[]][] = [
    ['FRAME_LENGTH_INVALID', [0, 0, 0, 3, 0, 0, 0, 0]],
    ['FRAME_LENGTH_INVALID', [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
    ['FRAME_LENGTH_INVALID', [0, 0, 0, 10, 0, 0, 0, 7]],
    ['FRAME_TOO_LARGE', [0x00, 0xff, 0xff, 0xfd, 0, 0, 0, 0]],
    ['FRAME_TOO_LARGE', [...Buffer.from('GET / HT')]],
    ['HEADER_TYPE_UNKNOWN', [0, 0, 0, 10, 2, 0, 0, 1]],
    ['HEADER_TOO_LARGE', [0, 5, 0, 0, 0, 4, 0, 1]],
    ['HEADER_BINARY_INVALID', [0, 0, 0, 4, 1, 0, 0, 0]],
    ['JSON_INVALID', [0, 0, 0, 4, 0, 0, 0, 0]],
  ]
  for (const [code, bytes] of cases) {
    const scanner = new FrameScanner()
    scanner.push(Buffer.from(bytes))
    const found = scanner.next(new Frame())
    ok(found instanceof Malformed, code)
    equal(found.code, code)
    scanner.push(frameOf({}))
    equal(scanner.next(new Frame()), found)
  }
})

test('the largest frame allowed is 16 MiB with its length field', () => {
  const scanner = new FrameScanner()
  scanner.push(Buffer.from([0x00, 0xff, 0xff, 0xfc, 0, 0, 0, 2]))
  equal(scanner.next(new Frame()), false)
})

test('strange but valid JSON headers mean what they say', () => {
  const strange = [
    `{"code":11,"opaque":5,"extFields":{"topic":"T"}}`,
    ` { "code" : "11" , "opaque" : 5 , "extFields" : { "topic" : "T" } } `,
    `{'code':11,opaque:5,extFields:{topic:'T'}}`,
    `{"c\\u006fde":11,"opaque":5,"extFields":{"t\\u006fpic":"\\u0054"}}`,
    `{"code":11,"opaque":5,"remark":null,"nested":{"a":[1,{}]},"extFields":{"topic":"T","x":null}}`,
  ]
  for (const header of strange) {
    const frame = openFrame(rawFrame(0, header, 'body'))
    equal(frame.code, 11)
    equal(frame.opaque, 5)
    deepEqual(frame.fields(), new Map([['topic', 'T']]))
    equal(frame.remark(), null)
    equal(frame.body().toString(), 'body')
  }
})

test('numbers and booleans among the fields are their text', () => {
  const frame = openFrame(rawFrame(0, '{"code":1,"extFields":{"a":12,"b":true,"c":-3,"d":1.5}}'))
  const fields = frame.fields()
  deepEqual(fields, new Map(Object.entries({ a: '12', b: 'true', c: '-3', d: '1.5' })))
})

test('more than 256 fields are refused in both forms', () => {
  const fields = new Map(Array.from({ length: 257 }, (_, i) => [`f${i}`, 'v'] as const))
  for (const serializeType of [0, 1] as const) {
    const scanner = new FrameScanner()
    scanner.push(frameOf({ fields, serializeType }))
    const found = scanner.next(new Frame())
    ok(found instanceof Malformed)
    equal(found.code, 'HEADER_FIELDS_TOO_MANY')
  }
})

test('a code beyond 16 bits is written with a JSON header', () => {
  const frame = openFrame(frameOf({ code: 200050, serializeType: 1 }))
  equal(frame.code, 200050)
  equal(frame.serializeType, 0)
})

function exercise(bytes: Buffer): void {
  const scanner = new FrameScanner({ frameMax: 4096, headerMax: 1024 })
  const frame = new Frame()
  scanner.push(Buffer.from(bytes))
  for (let i = 0; i < 100; i++) {
    const next = scanner.next(frame)
    if (next !== true) {
      equal(next === false || isMalformed(next), true)
      return
    }
    frame.fields()
    frame.remark()
    ok(frame.bodyStart <= frame.end && frame.end <= frame.buffer.length)
  }
}

test('any bytes give frames or a Malformed, never an exception', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => exercise(Buffer.from(bytes))))
})

test('a valid frame with any bytes changed gives a frame or a Malformed', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })
  fc.assert(
    fc.property(contents, changes, (content, edits) => {
      const bytes = encodeFrame(content)
      for (const [at, value] of edits) bytes[at % bytes.length] = value
      exercise(bytes)
    }),
    { numRuns: 1000 },
  )
})

test('any text as JSON header gives a frame or a Malformed', () => {
  const token = fc.constantFrom(
    '{',
    '}',
    '"',
    ':',
    ',',
    '\\',
    'code',
    'extFields',
    '1',
    'null',
    '[',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(token, text), { maxLength: 20 }), (tokens) => {
      exercise(rawFrame(0, tokens.join('')))
    }),
    { numRuns: 1000 },
  )
})
