import { assert } from '@apogee/base'
import type { DiskError } from '@apogee/env'
import type { LogFiles } from '../commit-log/log-files.ts'
import type { Tail } from '../commit-log/tail.ts'

/** A block of the log read from disk: bytes [start, start + valid). Pinned while somebody copies from it. */
export class LogBlock {
  start = 0
  valid = 0
  pins = 0
  loading = true
  readonly waiting: ((error: DiskError | null) => void)[] = []
  readonly buffer: Buffer

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafeSlow(size)
  }
}

export interface LogReaderOptions {
  /** Bytes of one read; divides the file size or is cut at its end. */
  blockSize: number
  /** Blocks kept. More are made only while more are pinned. */
  blocksMax: number
}

/**
 * Reads the log wherever it is: the tail in memory, older parts from disk in large blocks that are read off the loop, kept
 * in a small LRU and used again. Copies out; nothing handed out here outlives the call.
 */
export class LogReader {
  private readonly options: LogReaderOptions
  private readonly files: LogFiles
  private readonly tail: Tail
  /** How far the files hold the log. */
  private readonly written: () => number
  /** Least recently used first. */
  private readonly blocks = new Map<number, LogBlock>()
  private lastLoaded = -1
  blocksRead = 0

  constructor(options: LogReaderOptions, files: LogFiles, tail: Tail, written: () => number) {
    this.options = options
    this.files = files
    this.tail = tail
    this.written = written
  }

  /** The oldest offset that is in memory. */
  tailStart(): number {
    return this.tail.startOr(Number.MAX_SAFE_INTEGER)
  }

  /** Whether `copy` would succeed now. */
  holds(offset: number, size: number, pins: LogBlock[]): boolean {
    for (let at = offset; at < offset + size; ) {
      const chunk = this.tail.holding(at)
      const block = chunk === null ? pinned(pins, this.blockStart(at), at) : null
      if (chunk === null && block === null) return false
      at = chunk?.end ?? block!.start + block!.valid
    }
    return true
  }

  /**
   * Makes [offset, offset + size) copyable: pins its blocks into `pins`, reading what is missing. Calls `done` at once
   * when nothing is. The caller unpins. An offset that the log does not hold (any more) gives an ENOENT-coded error.
   */
  load(
    offset: number,
    size: number,
    pins: LogBlock[],
    done: (error: DiskError | null) => void,
  ): void {
    const { blockSize } = this.options
    const end = offset + size
    let missing = 1
    let failed: DiskError | null = null
    const one = (error: DiskError | null): void => {
      failed ??= error
      if (--missing === 0) done(failed)
    }
    for (let at = offset; at < end; ) {
      const chunk = this.tail.find(at)
      if (chunk !== null && chunk.start <= at) {
        at = chunk.end
        continue
      }
      const start = this.blockStart(at)
      at = Math.min(start + blockSize, this.files.startOf(start) + this.files.fileSize)
      const block = this.block(start, Math.min(end, at, chunk?.start ?? end))
      block.pins++
      pins.push(block)
      if (!block.loading) continue
      missing++
      block.waiting.push(one)
    }
    one(null)
  }

  /** Copies a range that is in the tail and the blocks the caller has pinned. Returns false when a part is in neither. */
  copy(offset: number, size: number, into: Uint8Array, at: number, pins: LogBlock[]): boolean {
    let done = 0
    while (done < size) {
      const from = offset + done
      const chunk = this.tail.holding(from)
      const block = chunk === null ? pinned(pins, this.blockStart(from), from) : null
      const source = chunk ?? block
      if (source === null) return false
      const end = chunk?.end ?? block!.start + block!.valid
      const take = Math.min(size - done, end - from)
      into.set(source.buffer.subarray(from - source.start, from - source.start + take), at + done)
      done += take
    }
    return true
  }

  unpin(pins: LogBlock[]): void {
    for (const block of pins) block.pins--
    pins.length = 0
  }

  /** A copy of [offset, offset + size), or `null` when the log does not hold it whole. */
  read(offset: number, size: number): Promise<Buffer | null> {
    return new Promise((resolve) => {
      const pins: LogBlock[] = []
      const bytes = Buffer.allocUnsafe(size)
      this.load(offset, size, pins, (error) => {
        const whole = error === null && this.copy(offset, size, bytes, 0, pins)
        this.unpin(pins)
        resolve(whole ? bytes : null)
      })
    })
  }

  /** Drops what was read below `minOffset`. */
  forget(minOffset: number): void {
    for (const [start, block] of this.blocks) {
      if (start < minOffset && block.pins === 0 && !block.loading) this.blocks.delete(start)
    }
  }

  private blockStart(offset: number): number {
    // Blocks restart at each file, so that one is never in two.
    const inFile = offset % this.files.fileSize
    return offset - (inFile % this.options.blockSize)
  }

  /** The block at `start`, valid up to `needed` or loading. */
  private block(start: number, needed: number): LogBlock {
    const known = this.blocks.get(start)
    if (known !== undefined && (known.loading || start + known.valid >= needed)) {
      this.blocks.delete(start)
      this.blocks.set(start, known)
      return known
    }
    const block = this.readBlock(start)
    // Read ahead while somebody walks the log upwards.
    const next = start + this.options.blockSize
    const sequential = this.lastLoaded === start - this.options.blockSize
    this.lastLoaded = start
    if (
      sequential &&
      next % this.files.fileSize !== 0 &&
      next + this.options.blockSize <= this.written()
    ) {
      if (!this.blocks.has(next)) {
        this.readBlock(next)
        this.lastLoaded = start
      }
    }
    return block
  }

  private readBlock(start: number): LogBlock {
    const block = this.free()
    this.blocks.delete(start)
    this.blocks.set(start, block)
    block.start = start
    block.valid = 0
    block.loading = true
    try {
      this.readInto(block)
    } catch (error) {
      // The file cannot be opened: too many are, or the disk fails.
      this.loaded(block, error as DiskError)
    }
    return block
  }

  private readInto(block: LogBlock): void {
    const { start } = block
    const fileStart = this.files.startOf(start)
    const file = this.files.readable(start)
    const fileEnd = fileStart + this.files.fileSize
    const length = Math.min(this.options.blockSize, this.written() - start, fileEnd - start)
    if (file === null || length <= 0) return this.loaded(block, absent(start))
    this.blocksRead++
    file.read(block.buffer, 0, length, start - fileStart, (error, bytesRead) => {
      block.valid = error === null ? bytesRead : 0
      this.loaded(block, error)
    })
  }

  private loaded(block: LogBlock, error: DiskError | null): void {
    block.loading = false
    if (error !== null && this.blocks.get(block.start) === block) this.blocks.delete(block.start)
    for (const waiter of block.waiting.splice(0)) waiter(error)
  }

  private free(): LogBlock {
    let free: LogBlock | null = null
    // More than one goes when more had to be made while all were pinned.
    for (const [start, block] of this.blocks) {
      if (this.blocks.size < this.options.blocksMax) break
      if (block.pins > 0 || block.loading) continue
      this.blocks.delete(start)
      assert(block.waiting.length === 0, 'waiters on a loaded block')
      free = block
    }
    return free ?? new LogBlock(this.options.blockSize)
  }
}

/** Of two blocks with one start (the log has grown in between) the one that reaches `offset`. */
function pinned(pins: LogBlock[], start: number, offset: number): LogBlock | null {
  for (const block of pins) {
    if (block.start === start && !block.loading && offset < start + block.valid) return block
  }
  return null
}

function absent(offset: number): DiskError {
  return Object.assign(new Error(`the log does not hold ${offset}`), { code: 'ENOENT' })
}
