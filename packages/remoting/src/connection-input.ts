import { RingQueue } from '@apogee/base'
import { type Frame, FrameScanner } from '@apogee/protocol'
import type { ConnectionLimits } from './options.ts'

/** What a waiting chunk costs besides its bytes: a peer that sends single bytes must not get memory for free. */
const CHUNK_OVERHEAD = 256

/**
 * What one connection has received and nobody has handled yet. The scanner holds one chunk at a time; the others wait here
 * with the time they came, so the time a frame came is that of the chunk that completed it.
 */
export class ConnectionInput {
  readonly scanner: FrameScanner
  /** When the chunk in the scanner came. */
  arrivedMs: number
  /** A frame that was read and then not handled, because its connection may not go on; it is the next one. */
  held: Frame | null = null
  /** In the round-robin queue. */
  queued = false
  /** Whole frames received. */
  frames = 0
  /** When the frame in pieces began; −1 while there is none. */
  partialSinceMs = -1
  private readonly chunks = new RingQueue<Buffer>(2)
  private readonly times = new RingQueue<number>(2)
  private waitingBytes = 0

  constructor(limits: ConnectionLimits, nowMs: number) {
    this.scanner = new FrameScanner({
      frameMax: limits.frameSizeMax,
      headerMax: limits.headerSizeMax,
    })
    this.arrivedMs = nowMs
  }

  get bytes(): number {
    return this.scanner.buffered + this.waitingBytes + (this.held === null ? 0 : this.held.size)
  }

  /** Memory for what is received and not handled: at least `bytes`. */
  get memory(): number {
    return this.scanner.memory + this.waitingBytes + (this.held === null ? 0 : this.held.size)
  }

  /** Bytes that wait because of us, not for the rest of a frame. */
  get backlogBytes(): number {
    return this.waitingBytes
  }

  /** Straight into the scanner, which holds nothing but a part of a frame. */
  push(chunk: Buffer, nowMs: number): void {
    this.arrivedMs = nowMs
    this.scanner.push(chunk)
  }

  wait(chunk: Buffer, nowMs: number): void {
    this.chunks.push(chunk)
    this.times.push(nowMs)
    this.waitingBytes += chunk.length + CHUNK_OVERHEAD
  }

  /** Gives the scanner its next chunk; false when there is none. */
  advance(): boolean {
    const chunk = this.chunks.shift()
    if (chunk === undefined) return false
    this.waitingBytes -= chunk.length + CHUNK_OVERHEAD
    this.push(chunk, this.times.shift()!)
    return true
  }

  /** Copies what is left of a lent chunk. */
  keep(): void {
    this.scanner.keep()
  }

  /** The connection is gone. */
  clear(): void {
    while (this.chunks.shift() !== undefined) this.times.shift()
    this.waitingBytes = 0
    this.held = null
  }
}
