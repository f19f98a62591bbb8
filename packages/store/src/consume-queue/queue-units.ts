import { readInt32, readInt64 } from '@apogee/base'
import { UNIT_SIZE } from './layout.ts'

/**
 * What a read of a queue returns: one array per field, owned and reused by the caller, no object per unit. Unit `i` is that
 * of queue offset `firstOffset + i`. A unit whose size is ≤ 0 or FILLER_SIZE leads to no record: skip it.
 */
export class QueueUnits {
  readonly capacity: number
  count = 0
  firstOffset = 0
  readonly physicalOffset: Float64Array
  readonly size: Int32Array
  readonly tagsCode: Float64Array

  constructor(capacity: number) {
    this.capacity = capacity
    this.physicalOffset = new Float64Array(capacity)
    this.size = new Int32Array(capacity)
    this.tagsCode = new Float64Array(capacity)
  }

  reset(firstOffset: number): void {
    this.firstOffset = firstOffset
    this.count = 0
  }

  /** Takes `count` units in their disk form from byte `at`. The caller has checked the capacity. */
  append(bytes: Uint8Array, at: number, count: number): void {
    let index = this.count
    let position = at
    for (let i = 0; i < count; i++) {
      this.physicalOffset[index] = readInt64(bytes, position)
      this.size[index] = readInt32(bytes, position + 8)
      this.tagsCode[index] = readInt64(bytes, position + 12)
      position += UNIT_SIZE
      index++
    }
    this.count = index
  }
}

/** One unit, for reads at admin rate. */
export class QueueUnit {
  physicalOffset = 0
  size = 0
  tagsCode = 0

  take(bytes: Uint8Array, at: number): void {
    this.physicalOffset = readInt64(bytes, at)
    this.size = readInt32(bytes, at + 8)
    this.tagsCode = readInt64(bytes, at + 12)
  }
}
