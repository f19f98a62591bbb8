import type { Socket } from '@apogee/env'
import type { ConnectionLimits } from './options.ts'
import type { OutputChunk, OutputPool } from './output-pool.ts'

/** Output up to this size is copied out of its pooled chunk when the peer is slow, so that it does not keep the chunk. */
const SMALL_OUTPUT = 8 * 1024

/**
 * The output half of a connection: what is committed collects in a pooled chunk until the loop flushes it, once a turn. A
 * full chunk goes to the socket at once.
 */
export abstract class ConnectionOutput {
  /** Where in the reserved buffer to write next. */
  outputEnd = 0
  readonly socket: Socket
  /** In the loop's list of connections to flush. */
  flushWaits = false
  /** Bytes ever given to the socket. */
  writtenBytes = 0
  protected isOpen = true
  /** False while a connection of ours is being made. */
  protected isEstablished: boolean
  private readonly pool: OutputPool
  private readonly limits: ConnectionLimits
  private chunk: OutputChunk | null = null
  /** Full chunks that wait for the connection to be made. */
  private backlog: { chunk: OutputChunk; size: number }[] = []
  private backlogBytes = 0

  constructor(socket: Socket, established: boolean, pool: OutputPool, limits: ConnectionLimits) {
    this.socket = socket
    this.isEstablished = established
    this.pool = pool
    this.limits = limits
  }

  /** Bytes that the peer has not taken yet. */
  get pendingOutput(): number {
    return this.outputEnd + this.backlogBytes + this.socket.pendingBytes
  }

  /** A buffer with room for `bytes` at `outputEnd`. Write there, then `commit`. On a closed connection it goes nowhere. */
  reserve(bytes: number): Buffer {
    const chunk = this.chunk
    if (chunk !== null && chunk.buffer.length - this.outputEnd >= bytes) return chunk.buffer
    return this.reserveNew(bytes)
  }

  /** Sends the `bytes` written at `outputEnd`, at the end of this turn. */
  commit(bytes: number): void {
    this.outputEnd += bytes
    if (this.flushWaits) return
    this.flushWaits = true
    this.outputWaits()
  }

  /** Gives everything committed to the socket. */
  flush(): void {
    this.flushWaits = false
    if (!this.isOpen) this.dropOutput()
    else if (this.isEstablished && this.outputEnd > 0) this.sendChunk()
  }

  protected abstract outputWaits(): void

  /** The socket got bytes: the place to look at how much it holds. */
  protected abstract outputSent(): void

  protected sendBacklog(): void {
    const backlog = this.backlog
    this.backlog = []
    this.backlogBytes = 0
    for (const { chunk, size } of backlog) this.give(chunk, size)
  }

  protected dropOutput(): void {
    this.chunk?.release()
    this.chunk = null
    this.outputEnd = 0
    for (const { chunk } of this.backlog) chunk.release()
    this.backlog = []
    this.backlogBytes = 0
  }

  private reserveNew(bytes: number): Buffer {
    if (this.outputEnd > 0) {
      if (this.isOpen) this.sendChunk()
      else this.outputEnd = 0
    }
    this.chunk?.release()
    this.chunk = this.pool.take(bytes)
    return this.chunk.buffer
  }

  private sendChunk(): void {
    const chunk = this.chunk!
    const size = this.outputEnd
    this.chunk = null
    this.outputEnd = 0
    if (this.isEstablished) {
      this.give(chunk, size)
      this.outputSent()
    } else if (this.backlogBytes + size > this.limits.outputCloseBytes) chunk.release()
    else {
      this.backlog.push({ chunk, size })
      this.backlogBytes += size
    }
  }

  private give(chunk: OutputChunk, size: number): void {
    const whole = chunk.buffer
    const bytes = size === whole.length ? whole : whole.subarray(0, size)
    this.writtenBytes += size
    if (size > SMALL_OUTPUT || this.socket.pendingBytes === 0) {
      this.socket.write(bytes, chunk.release)
    } else {
      this.socket.write(Buffer.from(bytes))
      chunk.release()
    }
  }
}
