import { type Decoded, Malformed } from '@apogee/base'
import { saturatedLong } from '../frame/ascii.ts'
import { type JsonLimits, parseFastjson } from './json-reader.ts'
import { JsonMap, type JsonValue } from './json-value.ts'
import { type JsonOutput, JsonPairs, type JsonSpelling, writeFastjson } from './json-writer.ts'

/**
 * One way to read and write a kind of JSON body. Bodies are declared once, from the small codecs below; absent members get
 * the value that the Java class starts with.
 */
export interface BodyCodec<T> {
  /** `path` says where in the body, for the error. */
  decode(value: JsonValue | undefined, path: string): Decoded<T>
  encode(value: T): JsonOutput
}

/** Reads a body. Codes: BODY_EMPTY, BODY_INVALID (a member of the wrong kind), and those of `parseFastjson`. */
export function decodeBody<T>(
  codec: BodyCodec<T>,
  bytes: Uint8Array,
  limits?: JsonLimits,
): Decoded<T> {
  if (bytes.length === 0) return new Malformed('BODY_EMPTY', 'a body is needed')
  const value = parseFastjson(bytes, limits)
  return value instanceof Malformed ? value : codec.decode(value, '$')
}

/** Writes a body, by default in the spelling of fastjson, which every Java peer reads. */
export function encodeBody<T>(
  codec: BodyCodec<T>,
  value: T,
  spelling: JsonSpelling = 'fastjson',
): Buffer {
  return writeFastjson(codec.encode(value), spelling)
}

function wrong(path: string, wanted: string): Malformed {
  return new Malformed('BODY_INVALID', `${path.slice(0, 120)} is not ${wanted}`)
}

function absent(value: JsonValue | undefined): value is null | undefined {
  return value === undefined || value === null
}

/** Text; scalars of other kinds are taken as their text, as fastjson takes them. */
export function text(missing = ''): BodyCodec<string> {
  return {
    decode: (value, path) => {
      if (absent(value)) return missing
      return typeof value === 'object' ? wrong(path, 'text') : String(value)
    },
    encode: (value) => value,
  }
}

function number(
  missing: number,
  wanted: string,
  fits: (value: number) => boolean,
): BodyCodec<number> {
  return {
    decode: (value, path) => {
      if (absent(value) || value === '') return missing
      const spelled = typeof value === 'string' && /^-?[0-9.eE+-]{1,24}$/.test(value)
      const read = spelled ? Number(value) : value
      return typeof read === 'number' && fits(read) ? read : wrong(path, wanted)
    },
    encode: (value) => value,
  }
}

export function int(missing = 0): BodyCodec<number> {
  return number(missing, 'an int', (value) => value === (value | 0))
}

/** An int64. What a number does not hold exactly becomes ±(2^53−1): Go clients send nanoseconds as subVersion. */
export function long(missing = 0): BodyCodec<number> {
  const plain = number(missing, 'a long', isWhole)
  return {
    decode: (value, path) => {
      const read = plain.decode(value, path)
      return typeof read === 'number' ? (saturatedLong(read) ?? wrong(path, 'a long')) : read
    },
    encode: (value) => value,
  }
}

function isWhole(value: number): boolean {
  return Number.isInteger(value) && saturatedLong(value) !== undefined
}

export function double(missing = 0): BodyCodec<number> {
  return number(missing, 'a number', Number.isFinite)
}

export function bool(missing = false): BodyCodec<boolean> {
  return {
    decode: (value, path) => {
      if (absent(value) || value === '') return missing
      if (typeof value === 'boolean') return value
      if (value === 'true' || value === 1) return true
      return value === 'false' || value === 0 ? false : wrong(path, 'a boolean')
    },
    encode: (value) => value,
  }
}

/** One of a Java enum's names, in the enum's order: C++ clients send the ordinal. */
export function name<T extends string>(names: readonly T[], missing: T): BodyCodec<T> {
  return {
    decode: (value, path) => {
      if (absent(value)) return missing
      const found = typeof value === 'number' ? names[value] : names.find((it) => it === value)
      return found ?? wrong(path, `one of ${names.join(', ')}`)
    },
    encode: (value) => value,
  }
}

/** A member that may be null or absent. */
export function nullable<T>(codec: BodyCodec<T>): BodyCodec<T | null> {
  return {
    decode: (value, path) => (absent(value) ? null : codec.decode(value, path)),
    encode: (value) => (value === null ? null : codec.encode(value)),
  }
}

/** A Java list or set; absent means empty. */
export function list<T>(codec: BodyCodec<T>): BodyCodec<T[]> {
  return {
    decode: (value, path) => {
      if (absent(value)) return []
      if (!Array.isArray(value)) return wrong(path, 'a list')
      const items: T[] = []
      for (const item of value) {
        const read = codec.decode(item, `${path}[]`)
        if (read instanceof Malformed) return read
        items.push(read)
      }
      return items
    },
    encode: (value) => value.map((item) => codec.encode(item)),
  }
}

/** A Java map with text keys; absent means empty. Entries whose value is null are left out. */
export function mapOf<T>(codec: BodyCodec<T>): BodyCodec<Map<string, T>> {
  return keyedMap(codec, (key) => key)
}

/** A Java map with integer keys, which fastjson writes unquoted; absent means empty. */
export function intMapOf<T>(codec: BodyCodec<T>): BodyCodec<Map<number, T>> {
  return keyedMap(codec, (key, path) => {
    const value = Number(key)
    return /^-?[0-9]{1,16}$/.test(key) && Number.isSafeInteger(value)
      ? value
      : wrong(path, 'keyed by integers')
  })
}

function keyedMap<K extends string | number, T>(
  codec: BodyCodec<T>,
  keyOf: (key: string, path: string) => Decoded<K>,
): BodyCodec<Map<K, T>> {
  return {
    decode: (value, path) => {
      const map = new Map<K, T>()
      if (absent(value)) return map
      if (!(value instanceof JsonMap)) return wrong(path, 'an object')
      for (const [text, member] of value.fields) {
        if (member === null) continue
        const key = keyOf(text, path)
        if (key instanceof Malformed) return key
        const read = codec.decode(member, `${path}.${text}`)
        if (read instanceof Malformed) return read
        map.set(key, read)
      }
      return map
    },
    encode: (value) => {
      const map = new Map<string | number, JsonOutput>()
      for (const [key, member] of value) map.set(key, codec.encode(member))
      return map
    },
  }
}

/** One entry of a map whose keys are objects. */
export interface BodyEntry<K, V> {
  readonly key: K
  readonly value: V
}

/** A Java map keyed by an object: fastjson writes the key as an object, standard JSON as that object's text. */
export function entriesOf<K, V>(
  keyCodec: BodyCodec<K>,
  codec: BodyCodec<V>,
): BodyCodec<BodyEntry<K, V>[]> {
  const add = (
    into: BodyEntry<K, V>[],
    key: Decoded<JsonValue>,
    value: JsonValue,
    path: string,
  ): Malformed | null => {
    if (key instanceof Malformed) return key
    const readKey = keyCodec.decode(key, `${path} key`)
    if (readKey instanceof Malformed) return readKey
    const read = codec.decode(value, `${path} value`)
    if (read instanceof Malformed) return read
    into.push({ key: readKey, value: read })
    return null
  }
  return {
    decode: (value, path) => {
      const entries: BodyEntry<K, V>[] = []
      if (absent(value)) return entries
      if (!(value instanceof JsonMap)) return wrong(path, 'an object')
      for (const [text, member] of value.fields) {
        const problem = add(entries, parseFastjson(Buffer.from(text)), member, path)
        if (problem !== null) return problem
      }
      for (const pair of value.pairs) {
        const problem = add(entries, pair.key, pair.value, path)
        if (problem !== null) return problem
      }
      return entries
    },
    encode: (value) =>
      new JsonPairs(
        value.map((entry) => ({
          key: keyCodec.encode(entry.key),
          value: codec.encode(entry.value),
        })),
      ),
  }
}

/** An object with these members. They are written in the order of their names, as fastjson does. */
export function record<T extends object>(
  members: {
    [K in keyof T]-?: BodyCodec<T[K]>
  },
): BodyCodec<T> {
  const codecs = Object.entries(members) as [string, BodyCodec<unknown>][]
  const sorted = codecs.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    decode: (value, path) => {
      if (!(value instanceof JsonMap)) {
        if (!absent(value)) return wrong(path, 'an object')
      }
      const result: Record<string, unknown> = {}
      for (const [member, codec] of codecs) {
        const read = codec.decode(value?.fields.get(member), `${path}.${member}`)
        if (read instanceof Malformed) return read
        result[member] = read
      }
      return result as T
    },
    encode: (value) => {
      const map = new Map<string, JsonOutput>()
      const source = value as Record<string, unknown>
      for (const [member, codec] of sorted) map.set(member, codec.encode(source[member]))
      return map
    },
  }
}

/** Any JSON, kept as it came: for bodies that we only hand on. */
export function anyJson(): BodyCodec<JsonValue> {
  return { decode: (value) => value ?? null, encode: (value) => value }
}
