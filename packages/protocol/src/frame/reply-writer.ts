import { writeInt16, writeInt32 } from '@apogee/base'
import { CURRENT_VERSION } from '../code/version.ts'
import { copyBytes, writeAsciiInteger } from './ascii.ts'
import { writeFrameHead } from './encode.ts'
import { EMPTY, FrameFlag, SerializeType } from './frame.ts'
import { escapeJson } from './json-text.ts'

const CODE = Buffer.from('{"code":')
const FIELDS = Buffer.from(',"extFields":{')
const FLAG = Buffer.from(`},"flag":${FrameFlag.RESPONSE},"language":"JAVA","opaque":`)
const FLAG_BARE = FLAG.subarray(1)
const REMARK = Buffer.from(',"remark":"')
const TAIL = Buffer.from(`,"serializeTypeCurrentRPC":"JSON","version":${CURRENT_VERSION}}`)
const QUOTE = 0x22
const COMMA = 0x2c

/** Bytes of a reply's header without its fields' and remark's own bytes, in the larger of the two forms. */
export const REPLY_OVERHEAD = 192

/** A field's name as both header forms write it. */
export class ReplyFieldName {
  /** `"name":"` */
  readonly json: Buffer
  /** i16 length, name */
  readonly binary: Buffer

  constructor(name: string) {
    this.json = Buffer.from(`"${name}":"`)
    this.binary = Buffer.alloc(2 + Buffer.byteLength(name))
    writeInt16(this.binary, 0, this.binary.length - 2)
    this.binary.write(name, 2)
  }
}

/**
 * Writes one reply after the other straight into output buffers, in either header form. Between `begin` and `finish` the
 * fields go in their order. The caller has made room; see the `…SizeMax` of each reply.
 */
export class ReplyWriter {
  /** Where the next byte goes. */
  at = 0
  bytes: Uint8Array = EMPTY
  private start = 0
  private json = true
  private opaque = 0
  private remark: Uint8Array | null = null
  /** JSON: whether a field was written. Binary: where the fields' size stands. */
  private mark = 0
  private valueAt = 0

  /** `remark` is UTF-8; it must stay as it is until `finish`. */
  begin(
    bytes: Uint8Array,
    at: number,
    type: SerializeType,
    code: number,
    opaque: number,
    remark: Uint8Array | null,
  ): void {
    this.bytes = bytes
    this.start = at
    this.opaque = opaque
    this.remark = remark
    this.json = type === SerializeType.JSON
    this.at = at + 8
    if (this.json) {
      this.mark = 0
      this.copy(CODE)
      this.at = writeAsciiInteger(bytes, this.at, code)
    } else this.beginBinary(code)
  }

  private beginBinary(code: number): void {
    const bytes = this.bytes
    const at = this.at
    writeInt16(bytes, at, code)
    bytes[at + 2] = 0
    writeInt16(bytes, at + 3, CURRENT_VERSION)
    writeInt32(bytes, at + 5, this.opaque)
    writeInt32(bytes, at + 9, FrameFlag.RESPONSE)
    const remark = this.remark ?? EMPTY
    writeInt32(bytes, at + 13, remark.length)
    this.mark = copyBytes(bytes, at + 17, remark, 0, remark.length)
    this.at = this.mark + 4
  }

  /** A field whose value is an integer. */
  integer(name: ReplyFieldName, value: number): void {
    this.beginField(name)
    this.at = writeAsciiInteger(this.bytes, this.at, value)
    this.endField()
  }

  /** A field whose value is UTF-8 text. */
  text(name: ReplyFieldName, source: Uint8Array, start: number, end: number): void {
    this.beginField(name)
    this.at = this.json
      ? escapeJson(source, start, end, this.bytes, this.at)
      : copyBytes(this.bytes, this.at, source, start, end)
    this.endField()
  }

  /** Starts a field whose value the caller writes at `at`, plain ASCII without quotes and backslashes. */
  beginField(name: ReplyFieldName): void {
    if (!this.json) {
      this.copy(name.binary)
      this.at += 4
    } else {
      if (this.mark === 0) this.copy(FIELDS)
      else this.bytes[this.at++] = COMMA
      this.mark = 1
      this.copy(name.json)
    }
    this.valueAt = this.at
  }

  endField(): void {
    if (this.json) this.bytes[this.at++] = QUOTE
    else writeInt32(this.bytes, this.valueAt - 4, this.at - this.valueAt)
  }

  /** Ends the header of a reply whose body of `bodySize` bytes follows, and returns where that goes. */
  finish(bodySize: number): number {
    if (this.json) this.finishJson()
    else writeInt32(this.bytes, this.mark, this.at - this.mark - 4)
    const type = this.json ? SerializeType.JSON : SerializeType.ROCKETMQ
    writeFrameHead(this.bytes, this.start, this.at - this.start - 8, type, bodySize)
    const end = this.at
    this.bytes = EMPTY
    this.remark = null
    return end
  }

  private finishJson(): void {
    if (this.mark === 0) {
      this.copy(FLAG_BARE)
    } else this.copy(FLAG)
    this.at = writeAsciiInteger(this.bytes, this.at, this.opaque)
    if (this.remark !== null) {
      this.copy(REMARK)
      this.at = escapeJson(this.remark, 0, this.remark.length, this.bytes, this.at)
      this.bytes[this.at++] = QUOTE
    }
    this.copy(TAIL)
  }

  private copy(source: Uint8Array): void {
    this.at = copyBytes(this.bytes, this.at, source, 0, source.length)
  }
}

const writer = new ReplyWriter()

/** Bytes that {@link writeEmptyReply} needs at most. */
export function emptyReplySizeMax(remark: Uint8Array | null): number {
  return REPLY_OVERHEAD + (remark === null ? 0 : remark.length * 6)
}

/** Writes a reply without fields and body, and returns its end. `remark` is UTF-8. */
export function writeEmptyReply(
  into: Uint8Array,
  at: number,
  type: SerializeType,
  code: number,
  opaque: number,
  remark: Uint8Array | null,
): number {
  writer.begin(into, at, type, code, opaque, remark)
  return writer.finish(0)
}
