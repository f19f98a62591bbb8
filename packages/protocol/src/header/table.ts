import { type Decoded, Malformed } from '@apogee/base'
import { saturatedLong } from '../frame/ascii.ts'

// A header is declared once, as plain data:
//
//   export const PullMessageRequestHeader = {
//     topic: 'string',              required
//     subscription: 'string?',      may be absent: null
//     committed: 'boolean=true',    absent means the value after '=' (Java's field initialiser)
//     producerGroup: ['string', 'a'],   its name on the wire is 'a'
//   } as const
//
// The TypeScript type, the decoder and the encoder derive from it. Field names and kinds are those of the Java class of
// the same name. On the wire every value is a string, in both forms of the frame header.

/** A frame's extension fields by wire name. A Map: a field may be called anything, `__proto__` too. */
export type ExtFields = Map<string, string>

export type FieldKind = 'string' | 'int' | 'long' | 'boolean'
export type FieldSpec = FieldKind | `${FieldKind}?` | `${FieldKind}=${string}`
export type HeaderTable = Readonly<Record<string, FieldSpec | readonly [FieldSpec, string]>>

interface KindTypes {
  string: string
  int: number
  long: number
  boolean: boolean
}

type ValueOf<S> = S extends keyof KindTypes
  ? KindTypes[S]
  : S extends `${infer K extends FieldKind}?`
    ? KindTypes[K] | null
    : S extends `${infer K extends FieldKind}=${string}`
      ? KindTypes[K]
      : never

type SpecOf<F> = F extends readonly [infer S, string] ? S : F

/** The values of a header: `?` fields are `null` when absent. */
export type HeaderOf<T extends HeaderTable> = { -readonly [K in keyof T]: ValueOf<SpecOf<T[K]>> }

type OptionalKeys<T extends HeaderTable> = {
  [K in keyof T]: SpecOf<T[K]> extends FieldKind ? never : K
}[keyof T]

/** What an encoder takes: fields with a default or `?` may be left out. */
export type HeaderInput<T extends HeaderTable> = Omit<HeaderOf<T>, OptionalKeys<T>> & {
  [K in OptionalKeys<T>]?: HeaderOf<T>[K] | null
}

type Value = string | number | boolean | null

interface FieldPlan {
  readonly name: string
  readonly wireName: string
  readonly kind: FieldKind
  readonly required: boolean
  readonly absent: Value
}

const plans = new WeakMap<HeaderTable, readonly FieldPlan[]>()

function planOf(table: HeaderTable): readonly FieldPlan[] {
  let plan = plans.get(table)
  if (plan === undefined) {
    plan = Object.entries(table).map(([name, field]) =>
      typeof field === 'string'
        ? planField(name, name, field)
        : planField(name, field[1], field[0] as FieldSpec),
    )
    plans.set(table, plan)
  }
  return plan
}

function planField(name: string, wireName: string, spec: FieldSpec): FieldPlan {
  const mark = spec.search(/[?=]/)
  const kind = (mark < 0 ? spec : spec.slice(0, mark)) as FieldKind
  let absent: Value = null
  if (mark >= 0 && spec[mark] === '=') absent = parseValue(kind, spec.slice(mark + 1)) ?? null
  return { name, wireName, kind, required: mark < 0, absent }
}

/** `undefined` when the text is not of the kind. */
function parseValue(kind: FieldKind, text: string): Value | undefined {
  if (kind === 'string') return text
  // java.lang.Boolean.parseBoolean: whatever is not "true", in any case, is false.
  if (kind === 'boolean') return text.toLowerCase() === 'true'
  if (!/^[+-]?[0-9]{1,19}$/.test(text)) return undefined
  const value = Number(text)
  if (kind === 'long') return saturatedLong(value)
  const inRange = value === (value | 0)
  return inRange ? value + 0 : undefined
}

/**
 * Reads a header from a frame's fields; fields the table does not name are ignored. Codes: HEADER_FIELD_MISSING,
 * HEADER_FIELD_INVALID (not a number, an int beyond 32 bits, a long beyond 64). A long beyond ±(2^53−1) becomes
 * that: clients say Long.MAX_VALUE for "no limit".
 */
export function decodeHeader<T extends HeaderTable>(
  table: T,
  fields: ExtFields,
): Decoded<HeaderOf<T>> {
  const values: Record<string, Value> = {}
  for (const field of planOf(table)) {
    const text = fields.get(field.wireName)
    if (text === undefined) {
      if (field.required) return new Malformed('HEADER_FIELD_MISSING', field.wireName)
      values[field.name] = field.absent
      continue
    }
    const value = parseValue(field.kind, text)
    if (value === undefined) {
      return new Malformed('HEADER_FIELD_INVALID', `${field.wireName}=${text.slice(0, 40)}`)
    }
    values[field.name] = value
  }
  return values as HeaderOf<T>
}

/** The fields of a header, in table order; `null` and absent values are left out, as Java leaves them out. */
export function encodeHeader<T extends HeaderTable>(table: T, values: HeaderInput<T>): ExtFields {
  const fields: ExtFields = new Map()
  const source = values as Record<string, Value | undefined>
  for (const { name, wireName } of planOf(table)) {
    const value = source[name]
    if (value !== undefined && value !== null) fields.set(wireName, String(value))
  }
  return fields
}

/**
 * What any request header may carry besides its own fields (Java: RpcRequestHeader, TopicRequestHeader): namespace,
 * whether names are already wrapped in it, the logical broker, one-way, and whether the queue is a logical one.
 */
export const RpcRequestHeader = {
  ns: 'string?',
  nsd: 'boolean?',
  bname: 'string?',
  oway: 'boolean?',
  lo: 'boolean?',
} as const
export type RpcRequestHeader = HeaderOf<typeof RpcRequestHeader>
