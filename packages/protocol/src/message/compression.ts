import {
  constants,
  deflateSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'
import { type Decoded, Malformed, unreachable } from '@apogee/base'
import { decodeLz4Frame, encodeLz4Frame } from './lz4-frame.ts'
import { CompressionType, compressionTypeOf, MessageSysFlag } from './sys-flag.ts'

// Bodies are compressed and inflated by clients; the broker stores them as they come. Whatever inflates here names how
// much it will take: 64 MiB of zeros are 65 KB on the wire.

/** Level of zlib and zstd that Java's clients use. */
const DEFAULT_LEVEL = 5

/**
 * Inflates a body. Errors: DECOMPRESSED_TOO_LARGE (more than `maxOutputLength` bytes), COMPRESSED_CORRUPT, LZ4_CORRUPT,
 * LZ4_UNSUPPORTED. Total.
 */
export function decompress(
  type: CompressionType,
  bytes: Uint8Array,
  maxOutputLength: number,
): Decoded<Uint8Array> {
  if (type === CompressionType.LZ4) return decodeLz4Frame(bytes, maxOutputLength)
  try {
    // zlib takes no limit of 0.
    const options = { maxOutputLength: Math.max(maxOutputLength, 1) }
    const output =
      type === CompressionType.ZSTD
        ? zstdDecompressSync(bytes, options)
        : inflateSync(bytes, options)
    return output.length > maxOutputLength ? tooLarge(maxOutputLength) : output
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(maxOutputLength)
    return new Malformed('COMPRESSED_CORRUPT', message)
  }
}

function tooLarge(maxOutputLength: number): Malformed {
  return new Malformed('DECOMPRESSED_TOO_LARGE', `more than ${maxOutputLength} bytes`)
}

/** Compresses a body. `level` is of zlib (1 to 9) or zstd (1 to 22); LZ4 has none. */
export function compress(
  type: CompressionType,
  bytes: Uint8Array,
  level: number = DEFAULT_LEVEL,
): Uint8Array {
  switch (type) {
    case CompressionType.LZ4:
      return encodeLz4Frame(bytes)
    case CompressionType.ZSTD:
      return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } })
    case CompressionType.ZLIB:
      return deflateSync(bytes, { level })
    default:
      return unreachable(type)
  }
}

/**
 * The body as the sender had it: inflated when sysFlag says it is compressed, else as it is. Errors: as `decompress`, and
 * COMPRESSION_UNKNOWN for compression bits that nobody has defined.
 */
export function plainBody(
  sysFlag: number,
  body: Uint8Array,
  maxOutputLength: number,
): Decoded<Uint8Array> {
  if ((sysFlag & MessageSysFlag.COMPRESSED) === 0) return body
  const type = compressionTypeOf(sysFlag)
  if (type === null) {
    return new Malformed('COMPRESSION_UNKNOWN', `sysFlag 0x${(sysFlag >>> 0).toString(16)}`)
  }
  return decompress(type, body, maxOutputLength)
}

/** What a body may inflate to before tools show it as it is stored: 64 KB of zlib can hold 64 MiB of zeros. */
const SHOWN_BODY_MAX_SIZE = 64 * 1024 * 1024

/** The body for people and tools: inflated, or as it is stored when it cannot be, which is still worth showing. */
export function shownBody(sysFlag: number, body: Uint8Array): Uint8Array {
  const plain = plainBody(sysFlag, body, SHOWN_BODY_MAX_SIZE)
  return plain instanceof Malformed ? body : plain
}
