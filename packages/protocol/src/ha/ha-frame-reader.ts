import { assert, Malformed, readInt32 } from '@apogee/base'
import {
  frameCrc,
  HA_DATA_HEAD_SIZE,
  HA_DATA_MAX,
  HA_HASH_SIZE,
  HA_HEADER_SIZE,
  HA_PROOF_SIZE,
  HaFrameType,
  readOffset,
} from './ha-frame.ts'
import { GREETING_MAX, GREETING_MIN, REFUSAL_MAX, REFUSAL_MIN } from './ha-messages.ts'

const EMPTY: Buffer = Buffer.alloc(0)
/** An assembly grows at least by this; a larger one follows the bytes that really came. */
const ASSEMBLY_STEP = 4 * 1024

interface PayloadLimits {
  readonly min: number
  readonly max: number
}

const ONLY_HEADER: PayloadLimits = { min: 0, max: 0 }

/** What a slave sends to its master. */
const FROM_SLAVE: ReadonlyMap<number, PayloadLimits> = new Map<number, PayloadLimits>([
  [HaFrameType.HELLO, { min: GREETING_MIN, max: GREETING_MAX }],
  [HaFrameType.PROOF, { min: HA_PROOF_SIZE, max: HA_PROOF_SIZE }],
  [HaFrameType.CHECK, { min: 4, max: 4 }],
  [HaFrameType.FOLLOW, ONLY_HEADER],
  [HaFrameType.ACK, ONLY_HEADER],
])

/** What a master sends to its slave. */
const FROM_MASTER: ReadonlyMap<number, PayloadLimits> = new Map<number, PayloadLimits>([
  [HaFrameType.WELCOME, { min: GREETING_MIN + HA_PROOF_SIZE, max: GREETING_MAX + HA_PROOF_SIZE }],
  [HaFrameType.CHECKED, { min: 4 + HA_HASH_SIZE, max: 4 + HA_HASH_SIZE }],
  [HaFrameType.DATA, { min: HA_DATA_HEAD_SIZE + 1, max: HA_DATA_HEAD_SIZE + HA_DATA_MAX }],
  [HaFrameType.HEARTBEAT, ONLY_HEADER],
  [HaFrameType.REFUSED, { min: REFUSAL_MIN, max: REFUSAL_MAX }],
])

/**
 * Finds the frames in what one peer sends, in any pieces. A frame that lies whole in a chunk is not copied; one in pieces
 * is put together in a buffer that serves the connection for good and is as large as its largest frame.
 */
export class HaFrameReader {
  /** Of the frame that `next` has found. */
  type = 0
  offset = 0
  /** Good until the next call of `next`, `push` or `keep`. */
  payload: Buffer = EMPTY
  private readonly allowed: ReadonlyMap<number, PayloadLimits>
  private chunk: Buffer = EMPTY
  private at = 0
  private assembly: Buffer = EMPTY
  private assembled = 0
  /** Of the frame in pieces; 0 until its header is here. */
  private frameSize = 0
  private broken: Malformed | null = null

  /** `sender`: which side's frames are read. Those of the other side are malformed. */
  constructor(sender: 'master' | 'slave') {
    this.allowed = sender === 'master' ? FROM_MASTER : FROM_SLAVE
  }

  /** Memory held for a frame in pieces, bytes. */
  get memory(): number {
    return this.assembly.length
  }

  /** Bytes that were pushed and not read: those of an incomplete frame are not counted. */
  get unread(): number {
    return this.chunk.length - this.at
  }

  /** Takes the next chunk. Call `next` until it says false first. */
  push(chunk: Buffer): void {
    assert(this.at === this.chunk.length, 'pushed before all was read', this.unread)
    this.chunk = chunk
    this.at = 0
  }

  /** Copies what was not read of the last chunk, whose memory its owner takes back. */
  keep(): void {
    this.chunk = this.unread === 0 ? EMPTY : Buffer.from(this.chunk.subarray(this.at))
    this.at = 0
    this.payload = EMPTY
  }

  /** True: a frame is there. False: more bytes are needed. Malformed (HA_FRAME_MALFORMED): for good. */
  next(): boolean | Malformed {
    if (this.broken !== null) return this.broken
    if (this.assembled > 0) return this.assemble()
    const available = this.unread
    if (available >= HA_HEADER_SIZE) {
      const size = this.sizeOf(this.chunk, this.at)
      if (size < 0) return this.broken!
      if (available >= size) {
        this.at += size
        return this.open(this.chunk, this.at - size, size)
      }
    }
    return available === 0 ? false : this.assemble()
  }

  private assemble(): boolean | Malformed {
    for (;;) {
      const want = this.frameSize === 0 ? HA_HEADER_SIZE : this.frameSize
      const take = Math.min(want - this.assembled, this.unread)
      this.reserve(this.assembled + take, want)
      this.chunk.copy(this.assembly, this.assembled, this.at, this.at + take)
      this.assembled += take
      this.at += take
      if (this.assembled < want) return false
      if (this.frameSize === 0) {
        const size = this.sizeOf(this.assembly, 0)
        if (size < 0) return this.broken!
        this.frameSize = size
      }
      if (this.assembled === this.frameSize) {
        const size = this.frameSize
        this.assembled = 0
        this.frameSize = 0
        return this.open(this.assembly, 0, size)
      }
    }
  }

  private reserve(needed: number, want: number): void {
    const old = this.assembly
    if (old.length >= needed) return
    const size = Math.min(
      Math.max(want, ASSEMBLY_STEP),
      Math.max(needed, ASSEMBLY_STEP, old.length * 2),
    )
    this.assembly = Buffer.allocUnsafeSlow(size)
    old.copy(this.assembly, 0, 0, this.assembled)
  }

  /** The whole size of the frame at `at`; −1, and the stream broken, when it is none. */
  private sizeOf(bytes: Buffer, at: number): number {
    const type = readInt32(bytes, at)
    const limits = this.allowed.get(type >> 24)
    if ((type & 0xffffff) !== 0 || limits === undefined) return this.refuse('type', type)
    const size = readInt32(bytes, at + 4)
    if (size < limits.min || size > limits.max) return this.refuse('size', size)
    return HA_HEADER_SIZE + size
  }

  private open(bytes: Buffer, at: number, size: number): boolean | Malformed {
    const payloadSize = size - HA_HEADER_SIZE
    if (frameCrc(bytes, at, payloadSize) !== readInt32(bytes, at + 16))
      this.refuse('checksum', bytes[at]!)
    this.offset = readOffset(bytes, at + 8)
    if (this.offset < 0) this.refuse('offset', bytes[at]!)
    if (this.broken !== null) return this.broken
    this.type = bytes[at]!
    this.payload = bytes.subarray(at + HA_HEADER_SIZE, at + size)
    return true
  }

  private refuse(what: string, value: number): number {
    this.broken ??= new Malformed('HA_FRAME_MALFORMED', `${what}: ${value}`)
    return -1
  }
}
