import { assert } from '@apogee/base'

// Memory for replies. A chunk belongs to one connection while it is filled and to the socket while it is sent; the
// socket's `sent` callback brings it back. Chunks come in a few sizes, each twice the one before; a larger one is made to
// measure and left to the garbage collector.

/** The chunk most replies are written into, in bytes. */
export const OUTPUT_CHUNK_SIZE: number = 64 * 1024
const SIZE_CLASSES = 4

export class OutputChunk {
  readonly buffer: Buffer
  /** What the socket calls once it needs the bytes no more: made once, not per write. */
  readonly release: () => void
  /** Whether the pool holds it. */
  idle = false

  constructor(buffer: Buffer, release: (chunk: OutputChunk) => void) {
    this.buffer = buffer
    this.release = () => release(this)
  }
}

export class OutputPool {
  private readonly free: OutputChunk[][] = Array.from({ length: SIZE_CLASSES }, () => [])
  private readonly keepBytesMax: number
  private keptBytes = 0
  private readonly put: (chunk: OutputChunk) => void

  /** `keepBytesMax`: what the pool holds on to when nothing is in use. */
  constructor(keepBytesMax: number) {
    this.keepBytesMax = keepBytesMax
    this.put = (chunk) => {
      assert(!chunk.idle, 'output chunk released twice')
      const size = chunk.buffer.length
      const sizeClass = sizeClassOf(size)
      if (sizeClass === SIZE_CLASSES || this.keptBytes + size > this.keepBytesMax) return
      chunk.idle = true
      this.free[sizeClass]!.push(chunk)
      this.keptBytes += size
    }
  }

  /** A chunk of at least `bytes`. Its contents are old replies: commit only what was written. */
  take(bytes: number): OutputChunk {
    const sizeClass = sizeClassOf(bytes)
    const chunk = sizeClass === SIZE_CLASSES ? undefined : this.free[sizeClass]!.pop()
    if (chunk !== undefined) {
      chunk.idle = false
      this.keptBytes -= chunk.buffer.length
      return chunk
    }
    const size = sizeClass === SIZE_CLASSES ? bytes : OUTPUT_CHUNK_SIZE << sizeClass
    return new OutputChunk(Buffer.allocUnsafeSlow(size), this.put)
  }

  /** Bytes kept for the next taker. */
  get idleBytes(): number {
    return this.keptBytes
  }
}

function sizeClassOf(bytes: number): number {
  let sizeClass = 0
  while (sizeClass < SIZE_CLASSES && OUTPUT_CHUNK_SIZE << sizeClass < bytes) sizeClass++
  return sizeClass
}
