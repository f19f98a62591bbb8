import { assert, readInt32, writeInt32, writeInt64 } from '@apogee/base'
import { ENTRY_SIZE } from './layout.ts'

const CHUNK_ENTRIES = 3276
const CHUNK_SIZE = CHUNK_ENTRIES * ENTRY_SIZE

/** Entries from `start` on, in their disk form, until they are safely in the file: chunks of 64 KB. */
export class RecentEntries {
  /** First entry held. */
  start: number
  /** One past the last. */
  end: number
  private chunks: Buffer[] = []
  private firstChunk: number
  /** The chunk under `end`. */
  private last: Buffer | null = null

  constructor(start: number) {
    this.start = start
    this.end = start
    this.firstChunk = Math.floor(start / CHUNK_ENTRIES)
  }

  get bytes(): number {
    return (this.end - this.start) * ENTRY_SIZE
  }

  holds(entry: number): boolean {
    return entry >= this.start && entry < this.end
  }

  append(keyHash: number, physicalOffset: number, seconds: number, previous: number): void {
    const inChunk = this.end % CHUNK_ENTRIES
    let chunk = this.last
    if (chunk === null || inChunk === 0) {
      chunk = Buffer.allocUnsafeSlow(CHUNK_SIZE)
      this.chunks.push(chunk)
      this.last = chunk
    }
    const at = inChunk * ENTRY_SIZE
    writeInt32(chunk, at, keyHash)
    writeInt64(chunk, at + 4, physicalOffset)
    writeInt32(chunk, at + 12, seconds)
    writeInt32(chunk, at + 16, previous)
    this.end++
  }

  /** The chunk with an entry that is held; it lies at byte `positionOf(entry)`. */
  chunkOf(entry: number): Buffer {
    assert(this.holds(entry), 'entry not in memory', entry, this.start)
    return this.chunks[Math.floor(entry / CHUNK_ENTRIES) - this.firstChunk]!
  }

  positionOf(entry: number): number {
    return (entry % CHUNK_ENTRIES) * ENTRY_SIZE
  }

  /** The newest entry below `limit` of the chain that `entry` begins, following what is held. */
  newestBelow(limit: number, entry: number): number {
    let at = entry
    while (at >= limit) {
      if (!this.holds(at)) return 0
      const previous = readInt32(this.chunkOf(at), this.positionOf(at) + 16)
      at = previous < at ? previous : 0
    }
    return at
  }

  /** Copies entries from `from` on into `into`, as many as fit and are below `to`; returns how many. */
  copy(from: number, to: number, into: Buffer): number {
    const count = Math.min(to - from, Math.floor(into.length / ENTRY_SIZE))
    let done = 0
    while (done < count) {
      const entry = from + done
      const at = this.positionOf(entry)
      const part = Math.min(count - done, CHUNK_ENTRIES - (entry % CHUNK_ENTRIES))
      this.chunkOf(entry).copy(into, done * ENTRY_SIZE, at, at + part * ENTRY_SIZE)
      done += part
    }
    return count
  }

  /** Holds nothing, and goes on at `start`. */
  restart(start: number): void {
    this.start = start
    this.end = start
    this.chunks = []
    this.firstChunk = Math.floor(start / CHUNK_ENTRIES)
    this.last = null
  }

  /** Lets entries below `entry` go. */
  dropBelow(entry: number): void {
    this.start = entry
    const keep = Math.floor(entry / CHUNK_ENTRIES)
    this.chunks.splice(0, keep - this.firstChunk)
    this.firstChunk = keep
    if (this.chunks.length === 0) this.last = null
  }
}
