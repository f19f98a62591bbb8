import { UNIT_SIZE } from './layout.ts'

const SMALLEST_UNITS = 8
const LARGEST_POOLED_UNITS = 256
const SLAB_BYTES = 64 * 1024

/**
 * Memory for the newest units of each queue in use: buffers of 8, 16, 32 … units. Small ones are cut from slabs and used
 * again, because 80,000 queues that each hold a few units would otherwise make 80,000 ArrayBuffers per flush. `bytes` is
 * what is handed out; its owner bounds it.
 */
export class UnitBuffers {
  /** Bytes handed out and not given back. */
  bytes = 0
  private readonly free: Uint8Array[][] = []
  private readonly handedOut: number[] = []

  constructor() {
    for (let units = SMALLEST_UNITS; units <= LARGEST_POOLED_UNITS; units *= 2) {
      this.free.push([])
      this.handedOut.push(0)
    }
  }

  /** A buffer for at least `units` units. Its content is arbitrary. */
  take(units: number): Uint8Array {
    let size = SMALLEST_UNITS
    let pool = 0
    while (size < units) {
      size *= 2
      pool++
    }
    this.bytes += size * UNIT_SIZE
    const free = this.free[pool]
    if (free === undefined) return new Uint8Array(size * UNIT_SIZE)
    if (free.length === 0) this.cut(free, size * UNIT_SIZE)
    this.handedOut[pool]!++
    return free.pop()!
  }

  giveBack(buffer: Uint8Array): void {
    this.bytes -= buffer.length
    const pool = Math.log2(buffer.length / UNIT_SIZE / SMALLEST_UNITS)
    const free = this.free[pool]
    if (free === undefined) return
    free.push(buffer)
    // Once all of a size are back, its slabs go: a burst must not keep its memory for ever.
    if (--this.handedOut[pool]! === 0 && free.length * buffer.length > SLAB_BYTES) free.length = 0
  }

  private cut(free: Uint8Array[], bufferBytes: number): void {
    const slab = new Uint8Array(Math.floor(SLAB_BYTES / bufferBytes) * bufferBytes)
    for (let at = 0; at < slab.length; at += bufferBytes) {
      free.push(slab.subarray(at, at + bufferBytes))
    }
  }
}
