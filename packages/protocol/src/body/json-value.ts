/**
 * What a JSON text held. Longs are numbers: exact up to 2^53−1, rounded beyond. Objects are {@link JsonMap}s, never plain
 * objects, so a key may be called anything, `__proto__` and `constructor` too (both are legal topic names).
 */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonMap

/** One member whose key is itself an object: fastjson writes a map keyed by MessageQueue that way. */
export interface JsonPair {
  readonly key: JsonMap
  readonly value: JsonValue
}

const NO_PAIRS: readonly JsonPair[] = []

/** A JSON object, or a fastjson map. Integer keys, quoted or not, are found under their decimal text. */
export class JsonMap {
  /** Members with a text or integer key, in order of first appearance; of a double key the last value stands. */
  readonly fields: Map<string, JsonValue> = new Map()
  private objectKeyed: JsonPair[] | null = null

  /** Members with an object as key. */
  get pairs(): readonly JsonPair[] {
    return this.objectKeyed ?? NO_PAIRS
  }

  get(key: string): JsonValue | undefined {
    return this.fields.get(key)
  }

  addPair(key: JsonMap, value: JsonValue): void {
    this.objectKeyed ??= []
    this.objectKeyed.push({ key, value })
  }
}
