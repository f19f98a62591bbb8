import { LanguageCode } from '../code/language-code.ts'
import { parseAsciiInt } from './ascii.ts'
import { FieldKeys } from './field-keys.ts'
import type { Frame } from './frame.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN = 0x7b
const CLOSE = 0x7d

const CODE = Buffer.from('code')
const FLAG = Buffer.from('flag')
const OPAQUE = Buffer.from('opaque')
const REMARK = Buffer.from('remark')
const VERSION = Buffer.from('version')
const LANGUAGE = Buffer.from('language')
const FIELDS = Buffer.from('extFields')
const LANGUAGES = new FieldKeys(LanguageCode)

/** Set by `stringEnd`: whether the string it passed holds escapes. */
let escaped = false

/**
 * Reads a JSON header into a frame that `open` has prepared, in one pass over the bytes:
 *
 *   {"code":310,"extFields":{"a":"group",…},"flag":0,"language":"JAVA","opaque":7,"remark":…,"version":479}
 *
 * False when the text is anything but what RocketMQ's clients write (escapes in a key, a number as a string, nested
 * values, other quotes, a mistake): the caller then takes the general reader, which decides.
 */
export function readJsonHeader(frame: Frame): boolean {
  const bytes = frame.buffer
  const end = frame.headerEnd
  let at = skipSpace(bytes, frame.headerStart, end)
  if (at >= end || bytes[at] !== OPEN) return false
  at = skipSpace(bytes, at + 1, end)
  while (at < end) {
    if (bytes[at] !== QUOTE) return false
    const keyStart = at + 1
    const keyEnd = stringEnd(bytes, keyStart, end)
    if (keyEnd < 0 || escaped) return false
    at = skipSpace(bytes, keyEnd + 1, end)
    if (at >= end || bytes[at] !== COLON) return false
    at = readMember(frame, keyStart, keyEnd, skipSpace(bytes, at + 1, end))
    if (at < 0) return false
    at = skipSpace(bytes, at, end)
    if (at >= end) return false
    if (bytes[at] === CLOSE) return skipSpace(bytes, at + 1, end) === end
    if (bytes[at] !== COMMA) return false
    at = skipSpace(bytes, at + 1, end)
  }
  return false
}

/** Reads one member's value at `at`; returns where it ends, −1 when it is unusual. */
function readMember(frame: Frame, keyStart: number, keyEnd: number, at: number): number {
  const bytes = frame.buffer
  if (at >= frame.headerEnd) return -1
  switch (keyEnd - keyStart) {
    case 4:
      if (same(bytes, keyStart, CODE)) return readNumber(frame, at, 0)
      if (same(bytes, keyStart, FLAG)) return readNumber(frame, at, 1)
      break
    case 6:
      if (same(bytes, keyStart, OPAQUE)) return readNumber(frame, at, 2)
      if (same(bytes, keyStart, REMARK)) return readRemark(frame, at)
      break
    case 7:
      if (same(bytes, keyStart, VERSION)) return readNumber(frame, at, 3)
      break
    case 8:
      if (same(bytes, keyStart, LANGUAGE)) return readLanguage(frame, at)
      break
    case 9:
      if (same(bytes, keyStart, FIELDS)) return readFields(frame, at)
      break
  }
  return bytes[at] === QUOTE ? afterString(frame, at) : bareEnd(bytes, at, frame.headerEnd)
}

function readNumber(frame: Frame, at: number, member: number): number {
  const end = bareEnd(frame.buffer, at, frame.headerEnd)
  if (end < 0) return -1
  const value = parseAsciiInt(frame.buffer, at, end)
  if (Number.isNaN(value)) return -1
  if (member === 0) frame.code = value
  else if (member === 1) frame.flag = value
  else if (member === 2) frame.opaque = value
  else frame.version = value
  return end
}

function readRemark(frame: Frame, at: number): number {
  if (frame.buffer[at] !== QUOTE) return nullEnd(frame.buffer, at, frame.headerEnd)
  const end = stringEnd(frame.buffer, at + 1, frame.headerEnd)
  if (end < 0) return -1
  frame.remarkStart = at + 1
  frame.remarkEnd = end
  frame.remarkEscaped = escaped
  return end + 1
}

function readLanguage(frame: Frame, at: number): number {
  const bytes = frame.buffer
  if (bytes[at] !== QUOTE) return -1
  const end = stringEnd(bytes, at + 1, frame.headerEnd)
  if (end < 0) return -1
  const code = LANGUAGES.slotOf(bytes, at + 1, end)
  frame.language = code < 0 ? LanguageCode.OTHER : code
  return end + 1
}

function readFields(frame: Frame, open: number): number {
  const bytes = frame.buffer
  const end = frame.headerEnd
  if (bytes[open] !== OPEN) return nullEnd(bytes, open, end)
  frame.fieldCount = 0
  frame.extStart = open + 1
  let at = skipSpace(bytes, open + 1, end)
  if (at < end && bytes[at] === CLOSE) {
    frame.extEnd = at
    return at + 1
  }
  while (at < end) {
    if (bytes[at] !== QUOTE) return -1
    const keyStart = at + 1
    const keyEnd = stringEnd(bytes, keyStart, end)
    if (keyEnd < 0 || escaped) return -1
    at = skipSpace(bytes, keyEnd + 1, end)
    if (at >= end || bytes[at] !== COLON) return -1
    at = readField(frame, keyStart, keyEnd, skipSpace(bytes, at + 1, end))
    if (at < 0) return -1
    at = skipSpace(bytes, at, end)
    if (at >= end) return -1
    if (bytes[at] === CLOSE) {
      frame.extEnd = at
      return at + 1
    }
    if (bytes[at] !== COMMA) return -1
    at = skipSpace(bytes, at + 1, end)
  }
  return -1
}

/** One field's value: a string, or a number or boolean taken as its text, or null, which is none. */
function readField(frame: Frame, keyStart: number, keyEnd: number, at: number): number {
  const bytes = frame.buffer
  if (at >= frame.headerEnd) return -1
  if (bytes[at] === QUOTE) {
    const end = stringEnd(bytes, at + 1, frame.headerEnd)
    if (end < 0 || !frame.addField(keyStart, keyEnd, at + 1, end, escaped)) return -1
    return end + 1
  }
  const afterNull = nullEnd(bytes, at, frame.headerEnd)
  if (afterNull >= 0) return afterNull
  const end = bareEnd(bytes, at, frame.headerEnd)
  if (end < 0 || !frame.addField(keyStart, keyEnd, at, end, false)) return -1
  return end
}

function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end) {
    const byte = bytes[i]!
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    i++
  }
  return i
}

/** Where the closing quote stands of the string whose inside starts at `at`; −1 when there is none. */
function stringEnd(bytes: Uint8Array, at: number, end: number): number {
  escaped = false
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!
    if (byte === QUOTE) return i
    if (byte === BACKSLASH) {
      escaped = true
      i++
    }
  }
  return -1
}

function afterString(frame: Frame, at: number): number {
  const end = stringEnd(frame.buffer, at + 1, frame.headerEnd)
  return end < 0 ? -1 : end + 1
}

/** The end of an integer, `true`, `false` or `null`; −1 when something else stands there. */
function bareEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end) {
    const byte = bytes[i]!
    const plain =
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      byte === 0x2d ||
      byte === 0x2e
    if (!plain) break
    i++
  }
  if (i === at) return -1
  const first = bytes[at]!
  if (first < 0x61) return Number.isFinite(spelled(bytes, at, i)) ? i : -1
  return isWord(bytes, at, i) ? i : -1
}

/** The number that a bare word spells; a long run of digits is enough to know that it is one. */
function spelled(bytes: Uint8Array, at: number, end: number): number {
  let dots = 0
  let i = bytes[at] === 0x2d ? at + 1 : at
  if (i === end || bytes[i] === 0x2e || bytes[end - 1] === 0x2e) return Number.NaN
  for (; i < end; i++) {
    const byte = bytes[i]!
    if (byte === 0x2e) dots++
    else if (byte < 0x30 || byte > 0x39) return Number.NaN
  }
  return dots > 1 ? Number.NaN : 0
}

const WORDS = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')]
const NULL = Buffer.from('null')

function isWord(bytes: Uint8Array, at: number, end: number): boolean {
  for (let i = 0; i < WORDS.length; i++) {
    const word = WORDS[i]!
    if (end - at === word.length && same(bytes, at, word)) return true
  }
  return false
}

function nullEnd(bytes: Uint8Array, at: number, end: number): number {
  return at + 4 <= end && same(bytes, at, NULL) ? at + 4 : -1
}

function same(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false
  return true
}
