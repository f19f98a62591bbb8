import type { JsonPair, JsonValue } from './json-value.ts'
import { JsonMap } from './json-value.ts'

/** Entries whose keys are objects: a Java map keyed by MessageQueue. */
export class JsonPairs {
  readonly entries: readonly { readonly key: JsonOutput; readonly value: JsonOutput }[]

  constructor(entries: readonly { readonly key: JsonOutput; readonly value: JsonOutput }[]) {
    this.entries = entries
  }
}

/** What the writer takes. A Map's number keys are Java's non-text keys: fastjson leaves those unquoted. */
export type JsonOutput =
  | null
  | boolean
  | number
  | string
  | readonly JsonOutput[]
  | ReadonlyMap<string | number, JsonOutput>
  | JsonPairs
  | JsonMap

/**
 * `fastjson`: what fastjson 1.x writes and every Java client reads: `{0:"a"}`, `{{"queueId":0}:1}`. `standard`: JSON for
 * everyone: all keys quoted, an object key as its text, ASCII only.
 */
export type JsonSpelling = 'fastjson' | 'standard'

/**
 * Writes JSON in UTF-8. Members that are null are left out, as fastjson leaves them out; nulls in lists and
 * in a JsonMap, which is passed on as it came, stay.
 */
export function writeFastjson(value: JsonOutput, spelling: JsonSpelling = 'fastjson'): Buffer {
  return Buffer.from(textOf(value, spelling === 'standard'))
}

function textOf(value: JsonOutput, standard: boolean): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return quoted(value, standard)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  if (typeof value === 'boolean') return String(value)
  if (value instanceof JsonPairs) return `{${pairsText(value.entries, standard)}}`
  if (value instanceof JsonMap) return jsonMapText(value, standard)
  if (value instanceof Map) return `{${membersText(value, standard, false)}}`
  let text = ''
  for (const item of value as readonly JsonOutput[]) {
    text += `${text === '' ? '' : ','}${textOf(item, standard)}`
  }
  return `[${text}]`
}

function membersText(
  map: ReadonlyMap<string | number, JsonOutput>,
  standard: boolean,
  nulls: boolean,
): string {
  let text = ''
  for (const [key, value] of map) {
    if (value === null && !nulls) continue
    const bare = typeof key === 'number' && !standard
    text += `${text === '' ? '' : ','}${bare ? key : quoted(String(key), standard)}:`
    text += textOf(value, standard)
  }
  return text
}

function pairsText(
  pairs: readonly { readonly key: JsonOutput; readonly value: JsonOutput }[],
  standard: boolean,
): string {
  let text = ''
  for (const { key, value } of pairs) {
    if (value === null) continue
    const keyText = textOf(key, standard)
    text += `${text === '' ? '' : ','}${standard ? quoted(keyText, true) : keyText}:`
    text += textOf(value, standard)
  }
  return text
}

function jsonMapText(map: JsonMap, standard: boolean): string {
  const members = membersText(map.fields as Map<string, JsonValue>, standard, true)
  const pairs = pairsText(map.pairs as readonly JsonPair[], standard)
  return `{${members}${members !== '' && pairs !== '' ? ',' : ''}${pairs}}`
}

function quoted(text: string, ascii: boolean): string {
  const plain = JSON.stringify(text)
  if (!ascii) return plain
  return plain.replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
