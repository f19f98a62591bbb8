/** `java.lang.String.hashCode`: RocketMQ stores it as tagsCode and in the key index. Signed 32 bits. */
export function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/**
 * The same over UTF-8 bytes, continuing from `seed`: exact for ASCII, which is all a hot path sees. Returns `null` when a
 * byte is not ASCII; the caller then decodes the text and uses `javaHash`.
 */
export function javaHashAscii(
  bytes: Uint8Array,
  start: number,
  end: number,
  seed = 0,
): number | null {
  let hash = seed
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte > 0x7f) return null
    hash = (Math.imul(hash, 31) + byte) | 0
  }
  return hash
}
