import { assert } from '@apogee/base'
import { inspectRecord, RECORD_OK, RecordView } from '@apogee/protocol'

/** A piece of the log in memory: bytes [start, start + used) of it, in one file, records whole. */
export class TailChunk {
  readonly buffer: Buffer
  start = 0
  used = 0

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafeSlow(size)
  }

  get end(): number {
    return this.start + this.used
  }
}

/**
 * The newest part of the log in memory. Records are encoded straight into it, written to disk from it, dispatched from it
 * and read from it while they last. Chunks ascend; between two lies either nothing or the unused end of a file.
 */
export class Tail {
  /** Bytes of chunks kept once they are written and dispatched. */
  private readonly keepBytes: number
  private readonly chunkSize: number
  private readonly chunks: TailChunk[] = []
  private readonly spare: TailChunk[] = []
  private bytes = 0

  constructor(chunkSize: number, keepBytes: number) {
    this.chunkSize = chunkSize
    this.keepBytes = keepBytes
  }

  /** Oldest offset in memory; `fallback` when nothing is. */
  startOr(fallback: number): number {
    return this.chunks.length === 0 ? fallback : this.chunks[0]!.start
  }

  get memoryBytes(): number {
    return this.bytes
  }

  last(): TailChunk | null {
    return this.chunks.length === 0 ? null : this.chunks[this.chunks.length - 1]!
  }

  /**
   * A chunk to append `size` bytes at log offset `at`. `inFile` is what the file has left at `at`: a chunk never crosses
   * files. Chunks that end at or below `releasable` may be used again.
   */
  room(at: number, size: number, releasable: number): TailChunk {
    const last = this.last()
    if (last !== null && last.end === at && last.buffer.length - last.used >= size) return last
    this.release(releasable)
    const chunk =
      size > this.chunkSize
        ? new TailChunk(size)
        : (this.spare.pop() ?? new TailChunk(this.chunkSize))
    chunk.start = at
    chunk.used = 0
    assert(last === null || last.end <= at, 'tail goes backwards', at)
    this.chunks.push(chunk)
    this.bytes += chunk.buffer.length
    return chunk
  }

  /** The chunk that holds `offset`, or the first one after it; `null` when there is none. */
  find(offset: number): TailChunk | null {
    const index = this.indexOf(offset)
    return index < this.chunks.length ? this.chunks[index]! : null
  }

  /** The chunk that holds `offset` itself, or `null`. */
  holding(offset: number): TailChunk | null {
    const chunk = this.find(offset)
    return chunk !== null && chunk.start <= offset ? chunk : null
  }

  /**
   * Fills `into` with views of [from, to), which the tail holds whole; stops at a gap, or before the chunk that makes it
   * more than `bytesMax`, so that it ends between records. Returns the end reached.
   */
  views(from: number, to: number, bytesMax: number, into: Uint8Array[]): number {
    into.length = 0
    let at = from
    for (let i = this.indexOf(from); i < this.chunks.length && at < to; i++) {
      const chunk = this.chunks[i]!
      if (chunk.start > at) break
      const end = Math.min(chunk.end, to)
      if (at > from && end - from > bytesMax) break
      into.push(chunk.buffer.subarray(at - chunk.start, end - chunk.start))
      at = end
    }
    return at
  }

  /** The records of [from, to), oldest first: for the rare walk backwards out of a refused batch. */
  eachRecord(
    from: number,
    to: number,
    visit: (topic: string, queueId: number, queueOffset: number, sysFlag: number) => void,
  ): void {
    const view = new RecordView()
    let chunk = this.find(from)
    for (let at = from; chunk !== null && at < to; chunk = this.find(at)) {
      at = Math.max(at, chunk.start)
      while (at < chunk.end) {
        const status = inspectRecord(chunk.buffer, at - chunk.start, chunk.used, view)
        if (status === RECORD_OK) {
          const topic = chunk.buffer.toString('utf8', view.topicStart, view.topicEnd)
          visit(topic, view.queueId, view.queueOffset, view.sysFlag)
        }
        at += view.totalSize
      }
    }
  }

  /** Forgets everything from `offset` on (it was refused by the disk). */
  rewind(offset: number): void {
    for (let last = this.last(); last !== null && last.end > offset; last = this.last()) {
      if (last.start < offset) {
        last.used = offset - last.start
        return
      }
      this.chunks.pop()
      this.recycle(last)
    }
  }

  private release(below: number): void {
    while (this.bytes + this.chunkSize > this.keepBytes && this.chunks.length > 1) {
      const first = this.chunks[0]!
      if (first.end > below) return
      this.chunks.shift()
      this.recycle(first)
    }
  }

  private recycle(chunk: TailChunk): void {
    this.bytes -= chunk.buffer.length
    if (chunk.buffer.length === this.chunkSize && this.spare.length < 2) this.spare.push(chunk)
  }

  /** Index of the first chunk whose end lies above `offset`. Readers mostly want the last ones: search from there. */
  private indexOf(offset: number): number {
    let low = 0
    let high = this.chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.chunks[middle]!.end > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}
