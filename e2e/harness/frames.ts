// Just enough of the remoting frame to record and count traffic, independent of the code under test.
//
//   0  length i32 (of what follows)   4  serializer u8, header length u24   8  header   8+n  body

export interface Frame {
  /** The whole frame, length prefix included. */
  bytes: Buffer
  serializer: 'JSON' | 'ROCKETMQ'
  code: number
  opaque: number
  flag: number
  remark: string | null
  fields: Record<string, string>
  body: Buffer
}

export const flagResponse = 1

/** Cuts a byte stream into frames. */
export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): Frame[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    let at = 0
    while (data.length - at >= 4) {
      const end = at + 4 + data.readInt32BE(at)
      if (end > data.length) break
      frames.push(parseFrame(data.subarray(at, end)))
      at = end
    }
    this.#rest = Buffer.from(data.subarray(at))
    return frames
  }
}

function parseFrame(bytes: Buffer): Frame {
  const word = bytes.readInt32BE(4)
  const headerEnd = 8 + (word & 0xffffff)
  const header = bytes.subarray(8, headerEnd)
  const body = bytes.subarray(headerEnd)
  return word >>> 24 === 1 ? binaryFrame(bytes, header, body) : jsonFrame(bytes, header, body)
}

function jsonFrame(bytes: Buffer, header: Buffer, body: Buffer): Frame {
  const json = JSON.parse(header.toString()) as {
    code: number
    opaque: number
    flag: number
    remark?: string
    extFields?: Record<string, string>
  }
  const { code, opaque, flag, remark = null, extFields = {} } = json
  return { bytes, serializer: 'JSON', code, opaque, flag, remark, fields: extFields, body }
}

function binaryFrame(bytes: Buffer, header: Buffer, body: Buffer): Frame {
  const remarkLength = header.readInt32BE(13)
  const fields: Record<string, string> = {}
  let at = 17 + remarkLength + 4
  while (at < header.length) {
    const keyEnd = at + 2 + header.readInt16BE(at)
    const valueEnd = keyEnd + 4 + header.readInt32BE(keyEnd)
    fields[header.toString('utf8', at + 2, keyEnd)] = header.toString('utf8', keyEnd + 4, valueEnd)
    at = valueEnd
  }
  const remark = remarkLength === 0 ? null : header.toString('utf8', 17, 17 + remarkLength)
  const [code, opaque, flag] = [header.readInt16BE(0), header.readInt32BE(5), header.readInt32BE(9)]
  return { bytes, serializer: 'ROCKETMQ', code, opaque, flag, remark, fields, body }
}
