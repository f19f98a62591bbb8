import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  asciiIntegerSize,
  parseAsciiBoolean,
  parseAsciiInt,
  parseAsciiLong,
  writeAsciiInteger,
  writeHex,
} from './ascii.ts'
import { escapeJson, unescapeJson } from './json-text.ts'

test('integers are written as String writes them and read back', () => {
  const bytes = Buffer.alloc(40)
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer()), (value) => {
      const end = writeAsciiInteger(bytes, 3, value)
      equal(bytes.toString('latin1', 3, end), String(value))
      equal(asciiIntegerSize(value), end - 3)
      equal(parseAsciiLong(bytes, 3, end), value)
      equal(parseAsciiInt(bytes, 3, end), value === (value | 0) ? value : Number.NaN)
    }),
  )
})

test('what is not an integer is NaN, whatever the bytes', () => {
  for (const text of ['', '-', '+', '1.0', '1e3', ' 1', '1 ', 'abc', '99999999999999999999']) {
    equal(parseAsciiLong(Buffer.from(text), 0, text.length), Number.NaN, text)
  }
  equal(parseAsciiLong(Buffer.from('+7'), 0, 2), 7)
  equal(parseAsciiLong(Buffer.from('9223372036854775807'), 0, 19), Number.MAX_SAFE_INTEGER)
  equal(parseAsciiLong(Buffer.from('-0'), 0, 2), 0)
  equal(parseAsciiInt(Buffer.from('2147483648'), 0, 10), Number.NaN)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
      const value = parseAsciiLong(bytes, 0, bytes.length)
      equal(Number.isNaN(value) || Number.isSafeInteger(value), true)
    }),
  )
})

test('booleans read as Java reads them', () => {
  for (const text of ['true', 'TRUE', 'True', 'false', '', 'truth', '1', 'yes']) {
    equal(parseAsciiBoolean(Buffer.from(text), 0, text.length), text.toLowerCase() === 'true')
  }
})

test('hexadecimal is upper case', () => {
  const bytes = Buffer.alloc(8)
  equal(writeHex(bytes, 0, Buffer.from([0xc0, 0xa8, 0, 0x1f]), 0, 4), 8)
  equal(bytes.toString('latin1'), 'C0A8001F')
})

test('text survives escaping and unescaping, also in place, and JSON.parse agrees', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (text, byUs) => {
      const plain = Buffer.from(text)
      const escaped = Buffer.alloc(plain.length * 6)
      const size = byUs
        ? escapeJson(plain, 0, plain.length, escaped, 0)
        : escaped.write(JSON.stringify(text).slice(1, -1))
      equal(JSON.parse(`"${escaped.toString('utf8', 0, size)}"`), text)
      equal(unescapeJson(escaped, 0, size, escaped, 0), plain.length)
      equal(escaped.toString('utf8', 0, plain.length), text)
    }),
  )
})

test('\\u escapes give UTF-8, pairs one character, a lone half a question mark', () => {
  const cases = { '\\u0001': '\u0001', '\\u00e9\\u4E2D': 'é中', '\\ud83d\\ude00': '😀' }
  for (const [escaped, text] of Object.entries({ ...cases, '\\ud83dx': '?x', '\\/\\b': '/\b' })) {
    const into = Buffer.alloc(40)
    const size = unescapeJson(Buffer.from(escaped), 0, escaped.length, into, 0)
    equal(into.toString('utf8', 0, size), text)
  }
  for (const bad of ['\\', '\\q', '\\u12', '\\u12g4']) {
    equal(unescapeJson(Buffer.from(bad), 0, bad.length, Buffer.alloc(9), 0), -1)
  }
})

test('unescaping any bytes writes no more than it reads', () => {
  const byte = fc.oneof(fc.constantFrom(0x5c, 0x75, 0x64, 0x38, 0x30), fc.nat(255))
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 40 }), (bytes) => {
      const size = unescapeJson(Buffer.from(bytes), 0, bytes.length, Buffer.alloc(200), 0)
      equal(size <= bytes.length, true)
    }),
  )
})
