import { constants, deflate, zstdCompress } from 'node:zlib'
import { CompressionType, compress } from '@apogee/protocol'

/** Bodies longer than this are compressed off the loop: zlib takes some 10 ms for a MiB. LZ4 has no such call. */
const OFF_LOOP_OVER_BYTES = 128 * 1024

export function isCompressedOffLoop(type: CompressionType, size: number): boolean {
  return type !== CompressionType.LZ4 && size > OFF_LOOP_OVER_BYTES
}

/** The compressed body, or the body itself when it would not be shorter. */
export function compressNow(type: CompressionType, body: Uint8Array, level: number): Uint8Array {
  const compressed = compress(type, body, level)
  return compressed.length < body.length ? compressed : body
}

export function compressOffLoop(
  type: CompressionType,
  body: Uint8Array,
  level: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, compressed: Buffer): void => {
      if (error !== null) reject(error)
      else resolve(compressed.length < body.length ? compressed : body)
    }
    if (type === CompressionType.ZSTD) {
      zstdCompress(body, { params: { [constants.ZSTD_c_compressionLevel]: level } }, done)
    } else deflate(body, { level }, done)
  })
}
