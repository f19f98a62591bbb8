import { Malformed } from '@apogee/base'
import { parseFastjson } from '../body/json-reader.ts'
import { JsonMap, type JsonValue } from '../body/json-value.ts'
import { languageCode } from '../code/language-code.ts'
import type { ExtFields } from '../header/table.ts'
import { encodeFrame } from './encode.ts'
import { FIELDS_MAX, type Frame } from './frame.ts'
import { readJsonHeader } from './json-header.ts'

/**
 * Reads a JSON header that the one-pass reader did not want: parses it in full, then opens the frame again on a copy with
 * the same meaning in the usual spelling. Slow, and only for peers that write strange JSON. A field whose very name holds
 * quotes, backslashes or control characters is refused: RocketMQ has none.
 */
export function readUnusualHeader(frame: Frame): Malformed | null {
  const parsed = parseFastjson(frame.buffer.subarray(frame.headerStart, frame.headerEnd))
  if (parsed instanceof Malformed) return parsed
  if (!(parsed instanceof JsonMap)) return new Malformed('HEADER_JSON_INVALID', 'not an object')
  const code = intOf(parsed.get('code'))
  const flag = intOf(parsed.get('flag'))
  const opaque = intOf(parsed.get('opaque'))
  const version = intOf(parsed.get('version'))
  const language = languageOf(parsed.get('language'))
  const remark = textOf(parsed.get('remark'))
  const numbers = [code, flag, opaque, version, language]
  if (numbers.some(Number.isNaN) || remark === undefined) {
    return new Malformed('HEADER_JSON_INVALID', 'a fixed field of the wrong kind')
  }
  const fields = fieldsOf(parsed.get('extFields'))
  if (fields instanceof Malformed) return fields
  const whole = encodeFrame({
    code,
    flag,
    opaque,
    version,
    language,
    serializeType: 0,
    remark,
    fields,
    body: frame.body(),
  })
  const bodyStart = whole.length - frame.bodySize
  frame.open(whole, 0, whole.length, bodyStart, 0)
  if (!readJsonHeader(frame)) return new Malformed('HEADER_JSON_INVALID', `code ${code}`)
  return null
}

function fieldsOf(value: JsonValue | undefined): ExtFields | null | Malformed {
  if (value === undefined || value === null) return null
  if (!(value instanceof JsonMap)) return new Malformed('HEADER_JSON_INVALID', 'extFields')
  if (value.fields.size > FIELDS_MAX) {
    return new Malformed('HEADER_FIELDS_TOO_MANY', `${value.fields.size}`)
  }
  const fields: ExtFields = new Map()
  for (const [key, member] of value.fields) {
    const text = textOf(member)
    if (text === undefined) return new Malformed('HEADER_JSON_INVALID', `field ${key.slice(0, 40)}`)
    if (text !== null) fields.set(key, text)
  }
  return fields
}

/** A missing number is 0, a quoted one its value, anything else NaN. */
function intOf(value: JsonValue | undefined): number {
  if (value === undefined || value === null) return 0
  if (typeof value === 'string' && !/^-?[0-9]{1,11}$/.test(value)) return Number.NaN
  if (typeof value !== 'number' && typeof value !== 'string') return Number.NaN
  const number = Number(value)
  return number === (number | 0) ? number : Number.NaN
}

function languageOf(value: JsonValue | undefined): number {
  return typeof value === 'string' ? languageCode(value) : intOf(value) & 0xff
}

/** Scalars as their text, null as null, nested values as undefined. */
function textOf(value: JsonValue | undefined): string | null | undefined {
  if (value === undefined || value === null) return null
  return typeof value === 'object' ? undefined : String(value)
}
