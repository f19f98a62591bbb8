import { type Decoded, Malformed } from '@apogee/base'
import type { ExtFields } from '../header/table.ts'
import { unescapeJson } from './json-text.ts'

/** How a frame's header is written (Java: SerializeType), in the top byte of the header length. */
export const SerializeType = { JSON: 0, ROCKETMQ: 1 } as const
export type SerializeType = (typeof SerializeType)[keyof typeof SerializeType]

/** Bits of a frame's `flag`. */
export const FrameFlag = { RESPONSE: 1, ONEWAY: 2 } as const

/** More extension fields than this in one header are refused. */
export const FIELDS_MAX = 256

export const EMPTY: Buffer = Buffer.alloc(0)

/**
 * One frame as positions in the buffer that holds it: nothing is copied and no string is made until someone asks. Reused:
 * a scanner overwrites it with the next frame. The buffer itself is never overwritten by the scanner, so a position or a
 * view of the body stays good for as long as its holder keeps the buffer.
 *
 *   start                                                                              end
 *   | length i32 | type u8, header length u24 | header                | body             |
 *                                             headerStart   headerEnd = bodyStart
 */
export class Frame {
  buffer: Buffer = EMPTY
  start = 0
  end = 0
  headerStart = 0
  headerEnd = 0
  bodyStart = 0
  /** SerializeType of the header. */
  serializeType: SerializeType = 0
  code = 0
  /** LanguageCode. */
  language = 0
  /** Ordinal of MQVersion. */
  version = 0
  opaque = 0
  flag = 0
  /** The remark's bytes (inside the quotes when JSON); −1 when there is none. */
  remarkStart = -1
  remarkEnd = -1
  remarkEscaped = false
  /** The area of extension fields; −1 when the header has none at all. */
  extStart = -1
  extEnd = -1
  /** Fields found; field `i` has its four positions at `fieldSpans[4 * i]`: key start and end, value start and end. */
  fieldCount = 0
  readonly fieldSpans: Int32Array = new Int32Array(FIELDS_MAX * 4)
  /** 1 where a value still holds JSON escapes. */
  readonly fieldEscaped: Uint8Array = new Uint8Array(FIELDS_MAX)

  get isResponse(): boolean {
    return (this.flag & FrameFlag.RESPONSE) !== 0
  }

  get isOneway(): boolean {
    return (this.flag & FrameFlag.ONEWAY) !== 0
  }

  get size(): number {
    return this.end - this.start
  }

  get bodySize(): number {
    return this.end - this.bodyStart
  }

  /** A view of the body, not a copy. */
  body(): Buffer {
    return this.buffer.subarray(this.bodyStart, this.end)
  }

  /** Called by the header readers, before they fill it in. */
  open(buffer: Buffer, start: number, end: number, bodyStart: number, type: SerializeType): void {
    this.buffer = buffer
    this.start = start
    this.end = end
    this.headerStart = start + 8
    this.headerEnd = bodyStart
    this.bodyStart = bodyStart
    this.serializeType = type
    this.code = 0
    this.language = 0
    this.version = 0
    this.opaque = 0
    this.flag = 0
    this.remarkStart = -1
    this.remarkEnd = -1
    this.remarkEscaped = false
    this.extStart = -1
    this.extEnd = -1
    this.fieldCount = 0
  }

  /** Lets go of the buffer, so that a frame that waits for its next use does not keep one alive. */
  release(): void {
    this.open(EMPTY, 0, 0, 0, 0)
  }

  /** Called by the header readers; false when there is no room for one more. */
  addField(keyStart: number, keyEnd: number, from: number, to: number, escaped: boolean): boolean {
    if (this.fieldCount === FIELDS_MAX) return false
    const at = this.fieldCount * 4
    this.fieldSpans[at] = keyStart
    this.fieldSpans[at + 1] = keyEnd
    this.fieldSpans[at + 2] = from
    this.fieldSpans[at + 3] = to
    this.fieldEscaped[this.fieldCount] = escaped ? 1 : 0
    this.fieldCount++
    return true
  }

  /**
   * Makes the value of field `i` plain UTF-8 where it stands: escapes only shrink. The header is then no longer JSON, but
   * every position recorded here stays right. False when an escape is not one.
   */
  unescapeField(i: number): boolean {
    if (this.fieldEscaped[i] === 0) return true
    const start = this.fieldSpans[i * 4 + 2]!
    const size = unescapeJson(this.buffer, start, this.fieldSpans[i * 4 + 3]!, this.buffer, start)
    if (size < 0) return false
    this.fieldSpans[i * 4 + 3] = start + size
    this.fieldEscaped[i] = 0
    return true
  }

  /** All extension fields, as strings; of a name that comes twice the last one. For the cold paths. */
  fields(): Decoded<ExtFields> {
    const fields: ExtFields = new Map()
    for (let i = 0; i < this.fieldCount; i++) {
      if (!this.unescapeField(i)) {
        return new Malformed('HEADER_ESCAPE_INVALID', `field ${i} of code ${this.code}`)
      }
      const at = i * 4
      fields.set(
        this.text(this.fieldSpans[at]!, this.fieldSpans[at + 1]!),
        this.text(this.fieldSpans[at + 2]!, this.fieldSpans[at + 3]!),
      )
    }
    return fields
  }

  /** The remark, null when there is none. */
  remark(): Decoded<string | null> {
    if (this.remarkStart < 0) return null
    if (this.remarkEscaped) {
      const text = Buffer.allocUnsafe(this.remarkEnd - this.remarkStart)
      const size = unescapeJson(this.buffer, this.remarkStart, this.remarkEnd, text, 0)
      if (size < 0) return new Malformed('HEADER_ESCAPE_INVALID', `remark of code ${this.code}`)
      return text.toString('utf8', 0, size)
    }
    return this.text(this.remarkStart, this.remarkEnd)
  }

  /** The UTF-8 text of a span. */
  text(start: number, end: number): string {
    return this.buffer.toString('utf8', start, end)
  }
}
