import { assert, Malformed, readInt32 } from '@apogee/base'
import { readBinaryHeader } from './binary-header.ts'
import { EMPTY, type Frame, SerializeType } from './frame.ts'
import { readJsonHeader } from './json-header.ts'
import { readUnusualHeader } from './unusual-header.ts'

export interface FrameScannerOptions {
  /** A whole frame with its length field, bytes. Default 16 MiB, as Java's com.rocketmq.remoting.frameMaxLength. */
  readonly frameMax?: number
  /**
   * A header, bytes. Default 256 KiB: the properties of a message may take 32,767 bytes, and JSON spells a separator
   * in six.
   */
  readonly headerMax?: number
}

/** Length and header length: every frame has them, so nothing shorter is one. */
const HEAD = 8

/** A frame in pieces up to this size gets its place at once; a larger one gets more as its bytes really arrive. */
const ASSEMBLY_STEP = 64 * 1024

/**
 * Finds frames in the chunks of one connection (Java: NettyDecoder). A frame that lies whole in a chunk is not copied.
 * One in
 * pieces is put together in a buffer of its own, and memory follows the bytes that came, not the length that was claimed.
 *
 * Codes of `next`, all of which end the connection: FRAME_LENGTH_INVALID, FRAME_TOO_LARGE, HEADER_TOO_LARGE,
 * HEADER_TYPE_UNKNOWN, and those of the header readers (HEADER_BINARY_INVALID, HEADER_JSON_INVALID, JSON_INVALID,
 * JSON_TOO_DEEP, HEADER_FIELDS_TOO_MANY).
 */
export class FrameScanner {
  private readonly frameMax: number
  private readonly headerMax: number
  private chunk: Buffer = EMPTY
  private at = 0
  /** The frame in pieces, null when there is none. */
  private assembly: Buffer | null = null
  private assembled = 0
  /** Size of the frame in pieces; 0 until its first eight bytes are here. */
  private frameSize = 0
  private broken: Malformed | null = null

  constructor(options: FrameScannerOptions = {}) {
    this.frameMax = options.frameMax ?? 16 * 1024 * 1024
    this.headerMax = options.headerMax ?? 256 * 1024
    assert(this.frameMax >= HEAD && this.headerMax > 0, 'scanner limits', this.frameMax)
  }

  /** Bytes held that are not yet part of a returned frame. */
  get buffered(): number {
    return this.assembled + this.chunk.length - this.at
  }

  /** Memory held for them: a frame in pieces has its place before its bytes. */
  get memory(): number {
    return (this.assembly?.length ?? 0) + this.chunk.length - this.at
  }

  /**
   * Takes the next chunk, and keeps it: the caller must not write to it again. Call `next` until it says false before the
   * next push; a push before that is right too, but copies what is left.
   */
  push(chunk: Buffer): void {
    const rest = this.chunk.length - this.at
    this.chunk = rest === 0 ? chunk : Buffer.concat([this.chunk.subarray(this.at), chunk])
    this.at = 0
  }

  /** Copies what is left of the last chunk, whose memory its owner takes back. Frames opened in it are gone. */
  keep(): void {
    if (this.chunk.length > this.at) this.chunk = Buffer.from(this.chunk.subarray(this.at))
    else this.chunk = EMPTY
    this.at = 0
  }

  /**
   * Opens the next frame in `into`: true; false when more bytes are needed; a Malformed for good when the stream is
   * broken.
   */
  next(into: Frame): boolean | Malformed {
    if (this.broken !== null) return this.broken
    if (this.assembly !== null) return this.assemble(into)
    const available = this.chunk.length - this.at
    if (available === 0) {
      this.chunk = EMPTY
      this.at = 0
      return false
    }
    if (available >= HEAD) {
      const size = this.sizeOf(this.chunk, this.at)
      if (size < 0) return this.broken!
      if (available >= size) {
        this.at += size
        return this.open(into, this.chunk, this.at - size, size)
      }
    }
    this.assembly = Buffer.allocUnsafe(HEAD)
    return this.assemble(into)
  }

  private assemble(into: Frame): boolean | Malformed {
    while (true) {
      const want = this.frameSize === 0 ? HEAD : this.frameSize
      const take = Math.min(want - this.assembled, this.chunk.length - this.at)
      this.reserve(this.assembled + take, want)
      const assembly = this.assembly!
      this.chunk.copy(assembly, this.assembled, this.at, this.at + take)
      this.assembled += take
      this.at += take
      if (this.assembled < want) {
        this.chunk = EMPTY
        this.at = 0
        return false
      }
      if (this.frameSize !== 0) {
        const size = this.frameSize
        this.assembly = null
        this.assembled = 0
        this.frameSize = 0
        return this.open(into, assembly, 0, size)
      }
      this.frameSize = this.sizeOf(assembly, 0)
      if (this.frameSize < 0) return this.broken!
    }
  }

  private reserve(needed: number, want: number): void {
    const old = this.assembly!
    if (old.length >= needed) return
    const size = Math.min(want, Math.max(needed, ASSEMBLY_STEP, old.length * 2))
    const grown = Buffer.allocUnsafe(size)
    old.copy(grown, 0, 0, this.assembled)
    this.assembly = grown
  }

  /** The whole size of the frame whose first eight bytes stand at `at`; −1, and the stream broken, when it is refused. */
  private sizeOf(bytes: Buffer, at: number): number {
    const length = readInt32(bytes, at)
    if (length < 4) return this.refuse('FRAME_LENGTH_INVALID', length)
    if (length + 4 > this.frameMax) return this.refuse('FRAME_TOO_LARGE', length)
    const type = bytes[at + 4]!
    if (type > SerializeType.ROCKETMQ) return this.refuse('HEADER_TYPE_UNKNOWN', type)
    const headerSize = readInt32(bytes, at + 4) & 0xffffff
    if (headerSize > length - 4) return this.refuse('FRAME_LENGTH_INVALID', headerSize)
    if (headerSize > this.headerMax) return this.refuse('HEADER_TOO_LARGE', headerSize)
    return length + 4
  }

  private refuse(code: string, value: number): number {
    this.broken = new Malformed(code, String(value))
    return -1
  }

  private open(into: Frame, buffer: Buffer, start: number, size: number): boolean | Malformed {
    const type = buffer[start + 4] === SerializeType.JSON ? SerializeType.JSON : 1
    const bodyStart = start + HEAD + (readInt32(buffer, start + 4) & 0xffffff)
    into.open(buffer, start, start + size, bodyStart, type)
    let problem: Malformed | null = null
    if (type === SerializeType.ROCKETMQ) problem = readBinaryHeader(into)
    else if (!readJsonHeader(into)) {
      into.open(buffer, start, start + size, bodyStart, type)
      problem = readUnusualHeader(into)
    }
    if (problem === null) return true
    this.broken = problem
    return problem
  }
}
