const SLOTS = 256

/**
 * Strings by their bytes: the same few topics and groups come again and again, and a lookup costs less than making the
 * string. A direct-mapped table: two texts that share a slot only take turns.
 */
export class InternedText {
  private readonly names: string[] = new Array<string>(SLOTS).fill('')

  /** The text in [start, end). Fast for ASCII, which names are (TopicValidator lets nothing else in). */
  at(buffer: Buffer, start: number, end: number): string {
    let hash = 0
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + buffer[i]!) | 0
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
    const known = this.names[slot]!
    if (same(known, buffer, start, end)) return known
    const name = buffer.toString('utf8', start, end)
    this.names[slot] = name
    return name
  }
}

function same(name: string, buffer: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== buffer[start + i]) return false
  return true
}
