import type { Prng } from '@apogee/base'
import { recordSize } from './memory-records.ts'

/**
 * What a node's disk holds of its log, over the life of many processes; offsets are positions in `bytes`. The process that
 * runs appends into the same bytes: what a crash leaves is in the marks.
 */
export class MemoryPlatter {
  readonly fileSize: number
  bytes: Buffer = Buffer.alloc(16 * 1024)
  /** First offset that is stored. */
  start = 0
  /** The page cache has it: it survives the process. */
  written = 0
  /** It survives a power cut. */
  flushed = 0
  /** End of the write under way: a crash leaves any part of it. */
  writing = 0
  /** No space is left. */
  full = false
  /** How much longer than usual calls take. */
  slowness = 1

  constructor(fileSize: number) {
    this.fileSize = fileSize
  }

  /** Makes room for bytes up to `end`. */
  reserve(end: number): void {
    if (end <= this.bytes.length) return
    const bytes = Buffer.alloc(Math.max(end, this.bytes.length * 2))
    this.bytes.copy(bytes, 0, 0, this.bytes.length)
    this.bytes = bytes
  }

  fileEnd(offset: number): number {
    return (Math.floor(offset / this.fileSize) + 1) * this.fileSize
  }

  /** What the end of the process leaves; with `power` what was not synced is lost in part. */
  crash(prng: Prng, power: boolean): void {
    const low = power ? this.flushed : this.written
    const high = Math.max(this.written, this.writing)
    const kept = prng.below(3)
    const end = kept === 0 ? low : kept === 1 ? high : low + prng.below(high - low + 1)
    this.settle(end)
    // A power cut leaves nothing that is not durable; after a kill the next process must sync what it finds.
    if (power) this.flushed = this.written
  }

  /** Recovery: the log ends behind its last whole record at or below `end`. */
  settle(end: number): void {
    let at = this.start
    while (at < end) {
      const size = recordSize(this.bytes, at, end - at, this.fileEnd(at), true)
      if (size <= 0) break
      at += size
    }
    this.bytes.fill(0, at)
    this.written = this.writing = at
    this.flushed = Math.min(this.flushed, at)
  }

  /** A new disk. */
  wipe(): void {
    this.bytes.fill(0)
    this.start = this.written = this.flushed = this.writing = 0
    this.full = false
  }
}
