import { type Decoded, Malformed } from '@apogee/base'
import { unescapeJson } from '../frame/json-text.ts'
import { JsonMap, type JsonValue } from './json-value.ts'

export interface JsonLimits {
  /** Objects and arrays inside each other. Default 64. */
  readonly depthMax?: number
  /**
   * Values and keys in the whole text, so that a few bytes each cannot become hundreds in memory. Default 50,000: that
   * many take some 20 ms, and nothing else runs meanwhile.
   */
  readonly valuesMax?: number
}

const VALUES_MAX = 50_000
const QUOTE = 0x22
const APOSTROPHE = 0x27
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN = 0x7b
const CLOSE = 0x7d
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d

/**
 * Reads JSON and the forms fastjson 1.x adds to it: unquoted keys (`{0:"a"}`, `{name:"b"}`), objects as keys
 * (`{{"brokerName":"b","queueId":1,"topic":"t"}:{…}}`) and single quotes. Total: codes JSON_INVALID, JSON_TOO_DEEP,
 * JSON_TOO_LARGE.
 */
export function parseFastjson(bytes: Uint8Array, limits: JsonLimits = {}): Decoded<JsonValue> {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return new JsonReader(buffer, limits.depthMax ?? 64, limits.valuesMax ?? VALUES_MAX).read()
}

class JsonReader {
  private readonly bytes: Buffer
  private readonly depthMax: number
  private valuesLeft: number
  private at = 0
  private depth = 0
  private problem: Malformed | null = null

  constructor(bytes: Buffer, depthMax: number, valuesMax: number) {
    this.bytes = bytes
    this.depthMax = depthMax
    this.valuesLeft = valuesMax
  }

  read(): Decoded<JsonValue> {
    if (this.bytes[0] === 0xef && this.bytes[1] === 0xbb && this.bytes[2] === 0xbf) this.at = 3
    const value = this.value()
    if (this.problem === null && this.space() !== -1) this.fail('JSON_INVALID')
    return this.problem ?? value
  }

  /** Remembers the first problem; everything after it unwinds. */
  private fail(code: string): null {
    this.problem ??= new Malformed(code, `at byte ${this.at} of ${this.bytes.length}`)
    return null
  }

  /** Skips white space and gives the byte that follows without taking it; −1 at the end. */
  private space(): number {
    const bytes = this.bytes
    while (this.at < bytes.length) {
      const byte = bytes[this.at]!
      if (byte > 0x20) return byte
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte
      this.at++
    }
    return -1
  }

  private value(): JsonValue {
    if (--this.valuesLeft < 0) return this.fail('JSON_TOO_LARGE')
    const byte = this.space()
    if (byte === OPEN) return this.map()
    if (byte === OPEN_LIST) return this.list()
    if (byte === QUOTE || byte === APOSTROPHE) return this.string(byte)
    return this.bare()
  }

  private map(): JsonMap | null {
    if (!this.enter()) return null
    const map = new JsonMap()
    if (this.space() === CLOSE) return this.leave(map)
    while (this.problem === null) {
      if (this.space() === OPEN) {
        if (--this.valuesLeft < 0) return this.fail('JSON_TOO_LARGE')
        const key = this.map()
        const value = this.member()
        if (key === null || this.problem !== null) return null
        map.addPair(key, value)
      } else {
        const key = this.key()
        const value = this.member()
        if (this.problem !== null) return null
        map.fields.set(key, value)
      }
      const byte = this.space()
      if (byte === CLOSE) return this.leave(map)
      if (byte !== COMMA) return this.fail('JSON_INVALID')
      this.at++
    }
    return null
  }

  private list(): JsonValue[] | null {
    if (!this.enter()) return null
    const list: JsonValue[] = []
    if (this.space() === CLOSE_LIST) return this.leave(list)
    while (this.problem === null) {
      list.push(this.value())
      const byte = this.space()
      if (byte === CLOSE_LIST) return this.leave(list)
      if (byte !== COMMA) return this.fail('JSON_INVALID')
      this.at++
    }
    return null
  }

  private enter(): boolean {
    this.at++
    if (++this.depth > this.depthMax) this.fail('JSON_TOO_DEEP')
    return this.problem === null
  }

  private leave<T>(value: T): T {
    this.at++
    this.depth--
    return value
  }

  private member(): JsonValue {
    if (this.problem !== null) return null
    if (this.space() !== COLON) return this.fail('JSON_INVALID')
    this.at++
    return this.value()
  }

  private key(): string {
    if (--this.valuesLeft < 0) return this.fail('JSON_TOO_LARGE') ?? ''
    const byte = this.space()
    if (byte === QUOTE || byte === APOSTROPHE) return this.string(byte) ?? ''
    const word = this.word()
    if (word === '') this.fail('JSON_INVALID')
    return word
  }

  private string(quote: number): string | null {
    const bytes = this.bytes
    const start = this.at + 1
    let escaped = false
    let end = start
    while (end < bytes.length && bytes[end] !== quote) {
      if (bytes[end] === BACKSLASH) {
        escaped = true
        end++
      }
      end++
    }
    if (end >= bytes.length) return this.fail('JSON_INVALID')
    this.at = end + 1
    if (!escaped) return bytes.toString('utf8', start, end)
    const text = Buffer.allocUnsafe(end - start)
    const size = unescapeJson(bytes, start, end, text, 0)
    return size < 0 ? this.fail('JSON_INVALID') : text.toString('utf8', 0, size)
  }

  /** A run of letters, digits and `+ - . _ $`: a number, a word, or an unquoted key. */
  private word(): string {
    const bytes = this.bytes
    const start = this.at
    while (this.at < bytes.length) {
      const byte = bytes[this.at]!
      const letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a
      const digit = byte >= 0x30 && byte <= 0x39
      const sign = byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x5f || byte === 0x24
      if (!letter && !digit && !sign) break
      this.at++
    }
    return bytes.toString('latin1', start, this.at)
  }

  private bare(): JsonValue {
    const word = this.word()
    if (word === 'null') return null
    if (word === 'true') return true
    if (word === 'false') return false
    if (/^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(word)) {
      const value = Number(word)
      if (Number.isFinite(value)) return value
    }
    return this.fail('JSON_INVALID')
  }
}
