import { assert } from '@apogee/base'

const SIZE = 64
const NONE = new Uint8Array(0)

/** Finds the slot of a field name by its bytes: no string, and as a rule one comparison. */
export class FieldKeys {
  private readonly names: Uint8Array[] = Array.from({ length: SIZE }, () => NONE)
  private readonly slots: Int16Array = new Int16Array(SIZE).fill(-1)

  /** `slots[name]` is the slot of that name; two names may share one. */
  constructor(slots: Readonly<Record<string, number>>) {
    for (const [name, slot] of Object.entries(slots)) {
      const bytes = Buffer.from(name)
      let place = place64(bytes, 0, bytes.length)
      let probes = 0
      while (this.slots[place] !== -1) {
        place = (place + 1) & (SIZE - 1)
        assert(++probes < SIZE / 2, 'too many field names', name)
      }
      this.names[place] = bytes
      this.slots[place] = slot
    }
  }

  /** The slot of the name at `[start, end)`, −1 for a name that has none. */
  slotOf(bytes: Uint8Array, start: number, end: number): number {
    if (end <= start) return -1
    let place = place64(bytes, start, end)
    while (this.slots[place] !== -1) {
      const name = this.names[place]!
      if (name.length === end - start && same(bytes, start, name)) return this.slots[place]!
      place = (place + 1) & (SIZE - 1)
    }
    return -1
  }
}

function place64(bytes: Uint8Array, start: number, end: number): number {
  return ((end - start) * 5 + bytes[start]! + bytes[end - 1]! * 7) & (SIZE - 1)
}

function same(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false
  return true
}
