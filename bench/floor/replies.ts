// The reply to a send in the shape of Apache's broker: binary header with msgId, queueId, queueOffset.

const OPAQUE_AT = 8 + 5
const FIXED_HEADER = 21
const LANGUAGE_OTHER = 13
const FLAG_RESPONSE = 1

export function replyTemplate(): Buffer {
  const fields = { msgId: 'F'.repeat(32), queueId: '0', queueOffset: '1234567' }
  const ext = Buffer.concat(
    Object.entries(fields).map(([key, value]) => {
      const pair = Buffer.alloc(6 + key.length + value.length)
      pair.writeInt16BE(key.length, 0)
      pair.write(key, 2)
      pair.writeInt32BE(value.length, 2 + key.length)
      pair.write(value, 6 + key.length)
      return pair
    }),
  )
  const headerSize = FIXED_HEADER + ext.length
  const frame = Buffer.alloc(8 + headerSize)
  frame.writeInt32BE(4 + headerSize, 0)
  frame.writeInt32BE((1 << 24) | headerSize, 4)
  frame.writeUInt8(LANGUAGE_OTHER, 10)
  frame.writeInt16BE(479, 11)
  frame.writeInt32BE(FLAG_RESPONSE, 17)
  frame.writeInt32BE(ext.length, 25)
  ext.copy(frame, 29)
  return frame
}

/** One buffer with a reply for each opaque. */
export function writeReplies(template: Buffer, opaques: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(template.length * opaques.length)
  for (let index = 0; index < opaques.length; index++) {
    template.copy(out, index * template.length)
    out.writeInt32BE(opaques[index] ?? 0, index * template.length + OPAQUE_AT)
  }
  return out
}
