import type { Column, CommandOutput } from './command.ts'

/** What JSON and YAML writers take. */
export type PlainValue =
  | null
  | boolean
  | number
  | string
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue }

/**
 * An output as plain data: a table is `{items, problems}`, a record its members, a done `{message, …}`. Maps become
 * objects, bytes base64, points in time (`…AtMs`) get their ISO text beside them.
 */
export function outputToJson(output: CommandOutput): PlainValue {
  const problems = (output.problems ?? []).map((problem) => plain(problem))
  const extra: Record<string, PlainValue> = problems.length > 0 ? { problems } : {}
  switch (output.kind) {
    case 'table':
      return { items: output.rows.map((row) => plain(row)), ...extra }
    case 'record':
      return { ...asObject(plain(output.value)), ...extra }
    case 'done':
      return { message: output.message, ...asObject(plain(output.value ?? {})), ...extra }
  }
}

function asObject(value: PlainValue): Record<string, PlainValue> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, PlainValue>) : { value }
}

function plain(value: unknown): PlainValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value) || value instanceof Set) return [...value].map((item) => plain(item))
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  const result: Record<string, PlainValue> = {}
  for (const [key, member] of entries as [unknown, unknown][]) {
    if (member === undefined) continue
    const name = String(key)
    const at = /^(.+At)Ms$/.exec(name)
    if (at !== null && typeof member === 'number') setOwn(result, at[1]!, isoTime(member))
    setOwn(result, name, plain(member))
  }
  return result
}

/** A topic may be called `__proto__`. */
function setOwn(target: Record<string, PlainValue>, key: string, value: PlainValue): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  })
}

/** The largest time that JavaScript can name. */
const TIME_MAX_MS = 8.64e15

/** ISO 8601 in UTC; null for 0 and below, which stand for "never" or "unknown". */
export function isoTime(ms: number): string | null {
  return ms > 0 && ms <= TIME_MAX_MS ? new Date(ms).toISOString() : null
}

/** The text of a value in a table, where its column has no format of its own: `-` for nothing. */
export function formatCell(column: Column, value: unknown): string {
  if (column.format !== undefined) return column.format(value)
  if (value === null || value === undefined || value === '') return '-'
  if (typeof value === 'number' && column.key.endsWith('AtMs')) return isoTime(value) ?? '-'
  if (typeof value === 'number' && !Number.isInteger(value)) return value.toFixed(2)
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(String).join(',')
  if (value instanceof Map) {
    return value.size === 0 ? '-' : [...value].map(([key, member]) => `${key}=${member}`).join(',')
  }
  return typeof value === 'string' ? value : JSON.stringify(plain(value))
}
