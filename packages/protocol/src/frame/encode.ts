import { assert, writeInt16, writeInt32 } from '@apogee/base'
import { languageName } from '../code/language-code.ts'
import type { ExtFields } from '../header/table.ts'
import { EMPTY, SerializeType } from './frame.ts'

/** A frame to encode. Fields and remark that are `null` or left out are not written. */
export interface FrameContent {
  readonly code: number
  readonly opaque: number
  /** Bits of FrameFlag. */
  readonly flag: number
  /** LanguageCode. */
  readonly language: number
  /** Ordinal of MQVersion, see CURRENT_VERSION. */
  readonly version: number
  readonly serializeType: SerializeType
  readonly remark?: string | null
  readonly fields?: ExtFields | null
  readonly body?: Uint8Array | null
}

/**
 * Encodes a whole frame, header in either form (Java: RemotingCommand.encode). A code beyond 16 bits does not fit the
 * binary header: such a frame is written with a JSON one, which every peer reads.
 */
export function encodeFrame(content: FrameContent): Buffer {
  const header = headerOf(content)
  const body = content.body ?? EMPTY
  const frame = Buffer.allocUnsafe(8 + header.length + body.length)
  writeParts(frame, 0, header, typeOf(content), body)
  return frame
}

/** Bytes that {@link writeFrameInto} needs. */
export function frameSize(content: FrameContent): number {
  const header =
    typeOf(content) === SerializeType.JSON
      ? Buffer.byteLength(jsonHeader(content))
      : binaryHeaderSize(content)
  return 8 + header + (content.body?.length ?? 0)
}

/** Writes a frame at `at` and returns its end. The caller has made room for `frameSize(content)` bytes. */
export function writeFrameInto(buffer: Uint8Array, at: number, content: FrameContent): number {
  const header = headerOf(content)
  const body = content.body ?? EMPTY
  assert(at + 8 + header.length + body.length <= buffer.length, 'no room for a frame', at)
  return writeParts(buffer, at, header, typeOf(content), body)
}

function writeParts(
  buffer: Uint8Array,
  at: number,
  header: Uint8Array,
  type: SerializeType,
  body: Uint8Array,
): number {
  writeFrameHead(buffer, at, header.length, type, body.length)
  buffer.set(header, at + 8)
  buffer.set(body, at + 8 + header.length)
  return at + 8 + header.length + body.length
}

/** Writes the eight bytes before a header: the frame's length without itself, then type and length of the header. */
export function writeFrameHead(
  buffer: Uint8Array,
  at: number,
  headerSize: number,
  type: SerializeType,
  bodySize: number,
): void {
  writeInt32(buffer, at, 4 + headerSize + bodySize)
  writeInt32(buffer, at + 4, (type << 24) | headerSize)
}

function typeOf(content: FrameContent): SerializeType {
  const fits = content.code === (content.code << 16) >> 16
  return fits ? content.serializeType : SerializeType.JSON
}

function headerOf(content: FrameContent): Buffer {
  return typeOf(content) === SerializeType.JSON
    ? Buffer.from(jsonHeader(content))
    : binaryHeader(content)
}

/** The members in the order fastjson writes them, by name. */
function jsonHeader(content: FrameContent): string {
  let text = `{"code":${content.code}`
  if (content.fields != null) {
    let separator = ''
    text += ',"extFields":{'
    for (const [key, value] of content.fields) {
      text += `${separator}${JSON.stringify(key)}:${JSON.stringify(value)}`
      separator = ','
    }
    text += '}'
  }
  text += `,"flag":${content.flag},"language":"${languageName(content.language)}"`
  text += `,"opaque":${content.opaque}`
  if (content.remark != null) text += `,"remark":${JSON.stringify(content.remark)}`
  return `${text},"serializeTypeCurrentRPC":"JSON","version":${content.version}}`
}

function binaryHeaderSize(content: FrameContent): number {
  let size = 21 + Buffer.byteLength(content.remark ?? '')
  if (content.fields != null) {
    for (const [key, value] of content.fields) {
      size += 6 + Buffer.byteLength(key) + Buffer.byteLength(value)
    }
  }
  return size
}

function binaryHeader(content: FrameContent): Buffer {
  const header = Buffer.allocUnsafe(binaryHeaderSize(content))
  writeInt16(header, 0, content.code)
  header[2] = content.language
  writeInt16(header, 3, content.version)
  writeInt32(header, 5, content.opaque)
  writeInt32(header, 9, content.flag)
  const remarkSize = header.write(content.remark ?? '', 17)
  writeInt32(header, 13, remarkSize)
  let at = 17 + remarkSize
  writeInt32(header, at, header.length - at - 4)
  at += 4
  if (content.fields == null) return header
  for (const [key, value] of content.fields) {
    const keySize = header.write(key, at + 2)
    assert(keySize <= 0x7fff, 'a field name beyond 32767 bytes', keySize)
    writeInt16(header, at, keySize)
    at += 2 + keySize
    const valueSize = header.write(value, at + 4)
    writeInt32(header, at, valueSize)
    at += 4 + valueSize
  }
  return header
}
