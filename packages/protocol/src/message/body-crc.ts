import { crc32 } from 'node:zlib'

const TABLE: Int32Array = crcTable()

/** Below this the call into zlib costs more than the bytes do. */
const NATIVE_FROM_SIZE = 48

/** CRC-32 of a span with the sign bit cleared: RocketMQ keeps it as a Java int that is never negative. */
export function bodyCrc(buffer: Uint8Array, start: number, end: number): number {
  if (end - start >= NATIVE_FROM_SIZE) {
    return crc32(new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start)) & 0x7fffffff
  }
  let crc = -1
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ buffer[i]!) & 0xff]!
  return ~crc & 0x7fffffff
}

function crcTable(): Int32Array {
  const table = new Int32Array(256)
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = (c & 1) === 0 ? c >>> 1 : (c >>> 1) ^ 0xedb88320
    table[n] = c
  }
  return table
}
