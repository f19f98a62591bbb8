import { Malformed } from '@apogee/base'
import { parseAsciiBoolean, parseAsciiInt, parseAsciiLong } from './ascii.ts'
import type { FieldKeys } from './field-keys.ts'
import type { Frame } from './frame.ts'

/**
 * The fields of one frame by slot: the common part of the hot request headers. It reads values straight from the frame's
 * bytes. Each reader remembers the first problem instead of returning it, so that a decoder is one straight line.
 */
export class FieldValues {
  private readonly keys: FieldKeys
  private readonly names: readonly string[]
  /** Slot → index of the frame's field, −1 when absent. */
  private readonly indexes: Int16Array
  private missing = -1
  private invalid = -1
  /** Where the last `text` lies. */
  textStart = -1
  textEnd = -1

  /** `names[slot]` is the wire name used in error details. */
  constructor(keys: FieldKeys, names: readonly string[]) {
    this.keys = keys
    this.names = names
    this.indexes = new Int16Array(names.length)
  }

  locate(frame: Frame): void {
    this.indexes.fill(-1)
    this.missing = -1
    this.invalid = -1
    const spans = frame.fieldSpans
    for (let i = 0; i < frame.fieldCount; i++) {
      const slot = this.keys.slotOf(frame.buffer, spans[i * 4]!, spans[i * 4 + 1]!)
      if (slot >= 0) this.indexes[slot] = i
    }
  }

  /** The first problem since `locate`, null when there was none. */
  problem(): Malformed | null {
    if (this.missing >= 0) return new Malformed('HEADER_FIELD_MISSING', this.names[this.missing]!)
    if (this.invalid >= 0) return new Malformed('HEADER_FIELD_INVALID', this.names[this.invalid]!)
    return null
  }

  /** Finds the value of a slot, plain and unescaped, and leaves it in `textStart`/`textEnd`: both −1 when absent. */
  optionalText(frame: Frame, slot: number): boolean {
    const index = this.indexes[slot]!
    this.textStart = -1
    this.textEnd = -1
    if (index < 0) return false
    if (frame.fieldEscaped[index] !== 0 && !frame.unescapeField(index)) {
      if (this.invalid < 0) this.invalid = slot
      return false
    }
    this.textStart = frame.fieldSpans[index * 4 + 2]!
    this.textEnd = frame.fieldSpans[index * 4 + 3]!
    return true
  }

  text(frame: Frame, slot: number): void {
    if (!this.optionalText(frame, slot) && this.missing < 0) this.missing = slot
  }

  int(frame: Frame, slot: number): number {
    this.text(frame, slot)
    return this.textStart < 0 ? 0 : this.checkedInt(frame, slot)
  }

  optionalInt(frame: Frame, slot: number, absent: number): number {
    return this.optionalText(frame, slot) ? this.checkedInt(frame, slot) : absent
  }

  long(frame: Frame, slot: number): number {
    this.text(frame, slot)
    if (this.textStart < 0) return 0
    return this.checked(slot, parseAsciiLong(frame.buffer, this.textStart, this.textEnd))
  }

  optionalBoolean(frame: Frame, slot: number, absent: boolean): boolean {
    if (!this.optionalText(frame, slot)) return absent
    return parseAsciiBoolean(frame.buffer, this.textStart, this.textEnd)
  }

  private checkedInt(frame: Frame, slot: number): number {
    return this.checked(slot, parseAsciiInt(frame.buffer, this.textStart, this.textEnd))
  }

  private checked(slot: number, value: number): number {
    if (!Number.isNaN(value)) return value
    if (this.invalid < 0) this.invalid = slot
    return 0
  }
}
