/** Longest frame that is cut out; of a longer length nothing is known any more, and all that follows passes. */
const FRAME_MAX = 64 * 1024 * 1024
const LENGTH_SIZE = 4

/** Takes what a FrameCutter finds, in the order of the stream. */
export interface FrameSink {
  /** Bytes that nobody wants to look at: part of the chunk that was pushed. */
  pass(bytes: Buffer): void
  /** A whole frame, its length field included, in memory of its own. */
  frame(bytes: Buffer): void
}

/**
 * Follows the frames of one direction of a connection, whatever the chunks, and cuts whole ones out while someone wants to
 * look at them. Whether a frame is wanted is asked at its first byte; the rest of a frame that has begun to pass, passes.
 *
 *     | length i32 | length bytes … | length i32 | …
 */
export class FrameCutter {
  private readonly sink: FrameSink
  private readonly isWanted: () => boolean
  /** Bytes of the length field seen, and its value so far. */
  private lengthBytes = 0
  private length = 0
  /** Bytes of the frame that are still to come, once its length is known. */
  private left = 0
  private cutting = false
  private parts: Buffer[] = []
  private isLost = false

  constructor(sink: FrameSink, isWanted: () => boolean) {
    this.sink = sink
    this.isWanted = isWanted
  }

  /** The last byte that came was the last of a frame, and nothing is held. */
  get isBetweenFrames(): boolean {
    return this.lengthBytes === 0
  }

  push(chunk: Buffer): void {
    let passFrom = 0
    let at = 0
    while (at < chunk.length && !this.isLost) {
      if (this.lengthBytes === 0) {
        this.cutting = this.isWanted()
        if (this.cutting && at > passFrom) this.sink.pass(chunk.subarray(passFrom, at))
      }
      at = this.take(chunk, at)
      if (this.cutting) passFrom = at
      if (this.lengthBytes === LENGTH_SIZE && this.left === 0) this.finish()
    }
    if (passFrom < chunk.length) {
      this.sink.pass(passFrom === 0 ? chunk : chunk.subarray(passFrom))
    }
  }

  /** Takes the next part of one frame; returns where it ends in the chunk. */
  private take(chunk: Buffer, at: number): number {
    const isLength = this.lengthBytes < LENGTH_SIZE
    const end = isLength ? at + 1 : Math.min(chunk.length, at + this.left)
    if (this.cutting) this.parts.push(Buffer.from(chunk.subarray(at, end)))
    if (!isLength) this.left -= end - at
    else {
      this.length = this.length * 256 + chunk[at]!
      if (++this.lengthBytes === LENGTH_SIZE) this.startBody()
    }
    return end
  }

  private startBody(): void {
    this.left = this.length
    if (this.length <= FRAME_MAX) return
    this.isLost = true
    // The bytes of the length go on their way too; `push` passes the rest of the chunk.
    const parts = this.parts
    this.parts = []
    for (const part of parts) this.sink.pass(part)
  }

  private finish(): void {
    this.lengthBytes = 0
    this.length = 0
    if (!this.cutting) return
    const parts = this.parts
    this.parts = []
    this.sink.frame(Buffer.concat(parts))
  }
}
