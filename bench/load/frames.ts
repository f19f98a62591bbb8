// RocketMQ frames for the load programs. They do not use @apogee/protocol: the same independent client drives every
// candidate, so that a change of our codec cannot change what it is measured with.
//
//   length:i32 (of what follows) | serializeType:u8 headerLength:u24 | header | body
//   binary header: code:i16 language:u8 version:i16 opaque:i32 flag:i32 remarkLength:i32 remark extLength:i32 ext
//   ext: (keyLength:i16 key valueLength:i32 value)*

export const RequestCode = {
  PULL_MESSAGE: 11,
  UPDATE_AND_CREATE_TOPIC: 17,
  GET_MAX_OFFSET: 30,
  SEND_MESSAGE_V2: 310,
} as const

export const ResponseCode = {
  SUCCESS: 0,
  SYSTEM_BUSY: 2,
  PULL_NOT_FOUND: 19,
  PULL_RETRY_IMMEDIATELY: 20,
} as const

export type HeaderForm = 'binary' | 'json'

const VERSION = 479 // Any recent client: Apache answers old ones with less.
const LANGUAGE_OTHER = 7
const BINARY_OPAQUE_AT = 8 + 5
/** A JSON opaque of fixed width, so that it can be patched in place. */
export const JSON_OPAQUE_BASE = 1_000_000_000

export interface RequestFrame {
  code: number
  fields: Readonly<Record<string, string>>
  body?: Uint8Array
  form?: HeaderForm
}

/** The bytes of a frame and where its opaque is patched in. */
export interface EncodedFrame {
  bytes: Buffer
  opaqueAt: number
  bodyAt: number
}

export function encodeFrame(request: RequestFrame): EncodedFrame {
  const body = request.body ?? new Uint8Array(0)
  const json = request.form === 'json'
  const header = json ? jsonHeader(request) : binaryHeader(request)
  const bytes = Buffer.alloc(8 + header.length + body.length)
  bytes.writeInt32BE(4 + header.length + body.length, 0)
  bytes.writeInt32BE(((json ? 0 : 1) << 24) | header.length, 4)
  header.copy(bytes, 8)
  bytes.set(body, 8 + header.length)
  const opaqueAt = json ? bytes.indexOf(String(JSON_OPAQUE_BASE)) : BINARY_OPAQUE_AT
  return { bytes, opaqueAt, bodyAt: 8 + header.length }
}

function jsonHeader({ code, fields }: RequestFrame): Buffer {
  const opaque = JSON_OPAQUE_BASE
  const common = { code, flag: 0, language: 'OTHER', opaque, serializeTypeCurrentRPC: 'JSON' }
  return Buffer.from(JSON.stringify({ ...common, version: VERSION, extFields: fields }))
}

function binaryHeader({ code, fields }: RequestFrame): Buffer {
  const ext = Buffer.concat(
    Object.entries(fields).map(([key, value]) => {
      const size = Buffer.byteLength(value)
      const pair = Buffer.alloc(6 + key.length + size)
      pair.writeInt16BE(key.length, 0)
      pair.write(key, 2)
      pair.writeInt32BE(size, 2 + key.length)
      pair.write(value, 6 + key.length)
      return pair
    }),
  )
  const fixed = Buffer.alloc(21)
  fixed.writeInt16BE(code, 0)
  fixed.writeUInt8(LANGUAGE_OTHER, 2)
  fixed.writeInt16BE(VERSION, 3)
  fixed.writeInt32BE(ext.length, 17)
  return Buffer.concat([fixed, ext])
}

export function patchOpaque(bytes: Buffer, at: number, opaque: number, form: HeaderForm): void {
  if (form === 'json') bytes.write(String(JSON_OPAQUE_BASE + opaque), at, 'latin1')
  else bytes.writeInt32BE(opaque, at)
}

/** One reply, valid only during the call that gets it. */
export interface Reply {
  code: number
  opaque: number
  buffer: Buffer
  headerAt: number
  bodyAt: number
  end: number
  /** Of a JSON header; a binary one is searched when asked. */
  jsonFields: Readonly<Record<string, string>> | null
}

interface JsonHeader {
  code: number
  opaque: number
  extFields?: Record<string, string>
}

/**
 * Cuts a stream of chunks into replies to requests of one form. `onReply` gets one reused object. Apache's broker answers
 * in JSON whatever form the request has, unless it is configured otherwise; ours answers in the form of the request.
 */
export class ReplyReader {
  readonly #opaqueBase: number
  readonly #onReply: (reply: Reply) => void
  readonly #reply: Reply = {
    code: 0,
    opaque: 0,
    buffer: Buffer.alloc(0),
    headerAt: 0,
    bodyAt: 0,
    end: 0,
    jsonFields: null,
  }
  #rest: Buffer[] = []
  #restBytes = 0
  #wanted = 4

  constructor(form: HeaderForm, onReply: (reply: Reply) => void) {
    this.#opaqueBase = form === 'json' ? JSON_OPAQUE_BASE : 0
    this.#onReply = onReply
  }

  push(chunk: Buffer): void {
    if (this.#restBytes + chunk.length < this.#wanted) {
      this.#rest.push(chunk)
      this.#restBytes += chunk.length
      return
    }
    const data = this.#restBytes === 0 ? chunk : Buffer.concat([...this.#rest, chunk])
    this.#rest = []
    this.#restBytes = 0
    this.#wanted = 4
    let at = 0
    while (data.length - at >= 4) {
      const end = at + 4 + data.readInt32BE(at)
      if (end > data.length) {
        this.#wanted = end - at
        break
      }
      this.#deliver(data, at, end)
      at = end
    }
    if (at < data.length) {
      this.#rest.push(data.subarray(at))
      this.#restBytes = data.length - at
    }
  }

  #deliver(data: Buffer, at: number, end: number): void {
    const word = data.readInt32BE(at + 4)
    const reply = this.#reply
    reply.buffer = data
    reply.headerAt = at + 8
    reply.bodyAt = at + 8 + (word & 0xffffff)
    reply.end = end
    if (word >>> 24 === 1) {
      reply.code = data.readInt16BE(at + 8)
      reply.opaque = data.readInt32BE(at + BINARY_OPAQUE_AT) - this.#opaqueBase
      reply.jsonFields = null
    } else {
      const header = JSON.parse(data.toString('utf8', at + 8, reply.bodyAt)) as JsonHeader
      reply.code = header.code
      reply.opaque = header.opaque - this.#opaqueBase
      reply.jsonFields = header.extFields ?? {}
    }
    this.#onReply(reply)
  }
}

/** One extended field of a reply; null when it is not there. */
export function replyField(reply: Reply, name: string): string | null {
  const { buffer, headerAt, bodyAt, jsonFields } = reply
  if (jsonFields !== null) return jsonFields[name] ?? null
  // The fixed part up to the remark's length is 13 bytes; the remark and the length of the fields follow.
  let position = headerAt + 17 + buffer.readInt32BE(headerAt + 13) + 4
  while (position < bodyAt) {
    const keyEnd = position + 2 + buffer.readInt16BE(position)
    const valueEnd = keyEnd + 4 + buffer.readInt32BE(keyEnd)
    if (buffer.toString('utf8', position + 2, keyEnd) === name) {
      return buffer.toString('utf8', keyEnd + 4, valueEnd)
    }
    position = valueEnd
  }
  return null
}
