import { javaHash, javaHashAscii } from '@apogee/base'

/**
 * The tagsCode of the TAGS value in [start, end), as the consume queue keeps it: Java's hash of the text, and 0 for none.
 * No string is made unless the tag holds more than ASCII.
 */
export function tagsCodeOf(buffer: Uint8Array, start: number, end: number): number {
  const hash = javaHashAscii(buffer, start, end)
  if (hash !== null) return hash
  return javaHash(
    Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).toString('utf8'),
  )
}
