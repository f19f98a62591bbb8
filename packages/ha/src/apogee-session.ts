import { isMalformed } from '@apogee/base'
import type { DiskError, Socket } from '@apogee/env'
import {
  decodeHaChecked,
  decodeHaGreeting,
  decodeHaLogEnd,
  decodeHaRefusal,
  encodeHaCheck,
  encodeHaFrame,
  encodeHaGreeting,
  HA_DATA_HEAD_SIZE,
  HA_HEADER_SIZE,
  HA_MAGIC_SIZE,
  HA_MASTER_MAGIC,
  HA_SLAVE_MAGIC,
  HA_VERSION,
  HaFrameReader,
  HaFrameType,
  sealHaFrame,
  splitHaWelcome,
} from '@apogee/protocol'
import { type Greetings, haProof, isSameProof, newNonce } from './proof.ts'
import { RangeHasher } from './range-hasher.ts'
import { SlaveSession, type SlaveSessionHost } from './slave-session.ts'

/** A range that is being compared: both hashes must come. */
interface Comparison {
  readonly from: number
  readonly length: number
  ours: Uint8Array | null
  theirs: Uint8Array | null
}

/** A connection to a master of ours. */
export class ApogeeSession extends SlaveSession {
  private readonly reader = new HaFrameReader('master')
  private readonly opening = Buffer.alloc(HA_MAGIC_SIZE)
  private openingSize = 0
  private hello: Buffer | null = null
  private greetings: Greetings | null = null
  private hasher: RangeHasher | null = null
  private comparison: Comparison | null = null
  private hasFollowed = false

  constructor(socket: Socket, host: SlaveSessionHost) {
    super(socket, host, HA_HEADER_SIZE)
  }

  open(): void {
    this.write(HA_SLAVE_MAGIC)
  }

  /** HELLO: who we are, and what our log holds. */
  sendHello(minOffset: number, endOffset: number): void {
    const { env, options, replication } = this.host
    this.hello = encodeHaGreeting({
      version: HA_VERSION,
      ...options.identity,
      fileSize: replication.fileSize,
      minOffset,
      endOffset,
      nonce: newNonce(env.random),
    })
    this.write(encodeHaFrame(HaFrameType.HELLO, 0, this.hello))
  }

  /** PROOF, after a welcome that proved the master. */
  sendProof(): void {
    const { sharedSecret } = this.host.options
    const proof = haProof(sharedSecret, 'slave', this.greetings!)
    this.write(encodeHaFrame(HaFrameType.PROOF, 0, proof))
  }

  /** CHECK, and our own hash of the range meanwhile. */
  compare(from: number, length: number): void {
    const comparison: Comparison = { from, length, ours: null, theirs: null }
    this.comparison = comparison
    this.write(encodeHaFrame(HaFrameType.CHECK, from, encodeHaCheck(length)))
    this.hasher ??= new RangeHasher(this.host.replication)
    this.hasher.start(from, length, (error, hash) => {
      if (this.isOver) return
      if (hash === null) this.readFailed(error)
      else {
        comparison.ours = hash
        this.compared(comparison)
      }
    })
  }

  /** FOLLOW: the log from `offset` on is wanted. */
  sendFollow(offset: number): void {
    this.hasFollowed = true
    this.hasher = null
    this.write(encodeHaFrame(HaFrameType.FOLLOW, offset))
  }

  override end(): void {
    this.hasher?.stop()
    super.end()
  }

  protected writeAck(into: Buffer, offset: number): void {
    sealHaFrame(into, HaFrameType.ACK, offset, 0)
  }

  protected take(bytes: Buffer): void {
    const rest = this.openingSize < HA_MAGIC_SIZE ? this.readOpening(bytes) : bytes
    if (this.isOver || rest.length === 0) return
    this.reader.push(rest)
    this.readOn()
  }

  protected readOn(): void {
    while (!this.isPaused && !this.isOver) {
      const found = this.reader.next()
      if (isMalformed(found)) {
        this.failMalformed(found)
        return
      }
      if (!found) return
      this.frameRead(this.reader)
    }
  }

  private readOpening(bytes: Buffer): Buffer {
    const take = Math.min(HA_MAGIC_SIZE - this.openingSize, bytes.length)
    bytes.copy(this.opening, this.openingSize, 0, take)
    this.openingSize += take
    if (this.openingSize === HA_MAGIC_SIZE) {
      const isOurs = this.opening.equals(HA_MASTER_MAGIC)
      this.isOver = !isOurs
      this.host.core.magicRead(isOurs, this.nowMs)
      this.host.run()
    }
    return bytes.subarray(take)
  }

  private frameRead({ type, offset, payload }: HaFrameReader): void {
    switch (type) {
      case HaFrameType.DATA:
        this.dataRead(offset, payload)
        break
      case HaFrameType.HEARTBEAT:
        if (!this.hasFollowed) this.outOfTurn('HEARTBEAT')
        else this.followed(offset)
        break
      case HaFrameType.WELCOME:
        this.welcomeRead(payload)
        break
      case HaFrameType.CHECKED:
        this.checkedRead(offset, payload)
        break
      default:
        this.refusedRead(payload)
    }
  }

  private dataRead(offset: number, payload: Buffer): void {
    if (!this.hasFollowed) {
      this.outOfTurn('DATA')
      return
    }
    const masterEnd = decodeHaLogEnd(payload)
    this.followed(Math.max(masterEnd, offset + payload.length - HA_DATA_HEAD_SIZE))
    this.append(offset, payload.subarray(HA_DATA_HEAD_SIZE), false)
  }

  private followed(masterOffset: number): void {
    const { core } = this.host
    const isNew = core.state !== 'following'
    core.followed(masterOffset)
    if (isNew) this.host.run()
  }

  private welcomeRead(payload: Buffer): void {
    const parts = splitHaWelcome(payload)
    const welcome = Buffer.from(parts.greeting)
    const greeting = decodeHaGreeting(welcome)
    if (isMalformed(greeting)) {
      this.failMalformed(greeting)
      return
    }
    if (this.hello === null) {
      this.outOfTurn('WELCOME')
      return
    }
    this.greetings = { hello: this.hello, welcome }
    const expected = haProof(this.host.options.sharedSecret, 'master', this.greetings)
    this.host.core.welcomeRead(greeting, isSameProof(parts.proof, expected), this.nowMs)
    this.host.run()
  }

  private checkedRead(from: number, payload: Buffer): void {
    const { comparison } = this
    const checked = decodeHaChecked(payload)
    if (isMalformed(checked)) {
      this.failMalformed(checked)
      return
    }
    const isWanted = comparison !== null && comparison.from === from && comparison.theirs === null
    if (!isWanted || (checked.length !== 0 && checked.length !== comparison.length)) {
      this.outOfTurn('CHECKED')
      return
    }
    if (checked.length === 0) {
      this.comparison = null
      this.hasher?.stop()
      this.host.core.compared(null, this.nowMs)
      this.host.run()
      return
    }
    comparison.theirs = Uint8Array.from(checked.hash)
    this.compared(comparison)
  }

  private compared(comparison: Comparison): void {
    const { ours, theirs } = comparison
    if (ours === null || theirs === null) return
    this.comparison = null
    this.host.core.compared(Buffer.compare(ours, theirs) === 0, this.nowMs)
    this.host.run()
  }

  private refusedRead(payload: Buffer): void {
    const refusal = decodeHaRefusal(payload)
    if (isMalformed(refusal)) {
      this.failMalformed(refusal)
      return
    }
    this.isOver = true
    const { code, message } = refusal
    this.host.core.refuse({ code, message: `the master refuses: ${message}` }, this.nowMs)
    this.host.run()
  }

  private readFailed(error: DiskError | null): void {
    const message = `our own log could not be read: ${error?.message ?? 'nothing was read'}`
    this.fail({ code: 'HA_READ_FAILED', message })
  }

  private outOfTurn(frame: string): void {
    this.fail({ code: 'HA_FRAME_MALFORMED', message: `${frame} of the master out of turn` })
  }

  private write(bytes: Uint8Array): void {
    const { core, env } = this.host
    core.wrote(env.clock.monotonicMs())
    this.socket.write(bytes)
  }
}
