import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { printableLine, printableText } from './printable.ts'

test('what could steer a terminal is shown instead', () => {
  equal(printableLine('a\u001b[31mred\u0007'), 'a\\x1b[31mred\\x07')
  equal(printableLine('one\ntwo\tthree\r'), 'one\\ntwo\\tthree\\r')
  equal(printableLine('evil\u202etxt'), 'evil\\u202etxt')
  equal(printableLine('\u009b2J'), '\\x9b2J')
})

test('letters of every language, and joined emoji, stay as they are', () => {
  const text = 'naïve 世界 👩‍💻 ☺'
  equal(printableLine(text), text)
  equal(printableText(text), text)
})

test('a text of several lines keeps its line breaks', () => {
  equal(printableText('a\n\tb\u001b'), 'a\n\tb\\x1b')
})
