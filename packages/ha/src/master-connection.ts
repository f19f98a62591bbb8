import { isMalformed, type Malformed } from '@apogee/base'
import type { DiskError, Env, Socket } from '@apogee/env'
import {
  APACHE_TRANSFER_HEADER_SIZE,
  ApacheReportReader,
  decodeHaCheck,
  decodeHaGreeting,
  encodeHaChecked,
  encodeHaFrame,
  encodeHaGreeting,
  encodeHaRefusal,
  HA_HASH_SIZE,
  HA_MAGIC_SIZE,
  HA_MASTER_MAGIC,
  HA_SLAVE_MAGIC,
  HA_VERSION,
  HaFrameReader,
  HaFrameType,
  type HaRefusal,
  writeApacheTransferHeader,
} from '@apogee/protocol'
import type { LogReplication } from '@apogee/store'
import type { MasterCore } from './core/master-core.ts'
import type { Peer } from './core/peer.ts'
import type { HaMasterOptions } from './ha-options.ts'
import { LogSender } from './log-sender.ts'
import { type Greetings, haProof, isSameProof, newNonce } from './proof.ts'
import { RangeHasher } from './range-hasher.ts'

const NO_HASH = new Uint8Array(HA_HASH_SIZE)

/** What a connection of the master needs of it. */
export interface MasterConnectionHost {
  readonly options: HaMasterOptions
  readonly core: MasterCore
  readonly env: Env
  readonly replication: LogReplication
  /** The connection ends for this reason: tell people. */
  refused(peer: Peer, refusal: HaRefusal): void
  /** The peer begins to follow. */
  follows(peer: Peer): void
  /** Another connection of the same slave has proven itself. */
  superseded(older: Peer): void
  /** The peer follows, acknowledged, or is gone: watermark and deadlines may have moved. */
  changed(): void
}

/** One slave's connection (Java: DefaultHAConnection): bytes to frames to the core, and what the core answers. */
export class MasterConnection {
  readonly peer: Peer
  readonly socket: Socket
  private readonly host: MasterConnectionHost
  /** The first bytes, until they tell the protocol. */
  private readonly opening = Buffer.alloc(HA_MAGIC_SIZE)
  private openingSize = 0
  private reader: HaFrameReader | null = null
  private reports: ApacheReportReader | null = null
  private greetings: Greetings | null = null
  private hasher: RangeHasher | null = null
  private sender: LogSender | null = null
  private isOver = false

  constructor(peer: Peer, socket: Socket, host: MasterConnectionHost) {
    this.peer = peer
    this.socket = socket
    this.host = host
  }

  /** Bytes came. They are not kept. */
  read(bytes: Buffer): void {
    if (this.isOver) return
    const { core, env } = this.host
    core.heard(this.peer, env.clock.monotonicMs())
    const rest = this.peer.phase === 'opening' ? this.readOpening(bytes) : bytes
    if (this.isOver || rest.length === 0) return
    if (this.reader !== null) this.readFrames(this.reader, rest)
    else if (this.reports !== null) this.readReports(this.reports, rest)
  }

  /** The log grew: sends it. */
  pump(): void {
    this.sender?.pump()
  }

  drained(): void {
    this.sender?.drained()
  }

  /** A sign of life, and to slaves of ours the log's end. Nothing when the last bytes have not gone yet. */
  heartbeat(): void {
    const { core, env, replication } = this.host
    core.wrote(this.peer, env.clock.monotonicMs())
    if (this.socket.pendingBytes > 0) return
    if (this.peer.protocol === 'apogee') {
      this.write(encodeHaFrame(HaFrameType.HEARTBEAT, replication.written))
      return
    }
    const header = Buffer.alloc(APACHE_TRANSFER_HEADER_SIZE)
    writeApacheTransferHeader(header, 0, this.peer.sent, 0)
    this.write(header)
  }

  /** Ends the connection and says why, to the slave if it would understand. */
  refuse(refusal: HaRefusal): void {
    if (this.isOver) return
    const understands = this.reader !== null
    this.host.refused(this.peer, refusal)
    this.over()
    if (!understands) {
      this.socket.destroy()
      return
    }
    this.socket.write(encodeHaFrame(HaFrameType.REFUSED, 0, encodeHaRefusal(refusal)))
    this.socket.end()
  }

  /** The socket is gone, or goes: no more of this peer. */
  over(): void {
    if (this.isOver) return
    this.isOver = true
    this.sender?.stop()
    this.hasher?.stop()
    this.host.core.closed(this.peer)
    this.host.changed()
  }

  /** Returns what follows the first eight bytes. */
  private readOpening(bytes: Buffer): Buffer {
    const take = Math.min(HA_MAGIC_SIZE - this.openingSize, bytes.length)
    bytes.copy(this.opening, this.openingSize, 0, take)
    this.openingSize += take
    if (this.openingSize < HA_MAGIC_SIZE) return bytes.subarray(take)
    if (this.opening.equals(HA_SLAVE_MAGIC)) {
      this.host.core.magicRead(this.peer)
      this.reader = new HaFrameReader('slave')
      this.write(HA_MASTER_MAGIC)
      return bytes.subarray(take)
    }
    this.reports = new ApacheReportReader()
    this.readReports(this.reports, this.opening)
    return bytes.subarray(take)
  }

  private readReports(reports: ApacheReportReader, bytes: Buffer): void {
    const offset = reports.push(bytes)
    if (isMalformed(offset)) this.refuseMalformed(offset)
    else if (offset >= 0) {
      const { core, env } = this.host
      const wasFollowing = this.peer.isFollowing
      const refusal = core.reportRead(this.peer, offset, env.clock.monotonicMs())
      if (refusal !== null) this.refuse(refusal)
      else {
        if (!wasFollowing) this.startFollowing()
        this.host.changed()
      }
    }
  }

  private readFrames(reader: HaFrameReader, bytes: Buffer): void {
    reader.push(bytes)
    for (;;) {
      const found = reader.next()
      if (isMalformed(found)) {
        this.refuseMalformed(found)
        return
      }
      if (!found) break
      this.frameRead(reader)
      if (this.isOver) return
    }
    reader.keep()
    // Once for all acknowledgements that came together.
    this.host.changed()
  }

  private frameRead(reader: HaFrameReader): void {
    const { type, offset, payload } = reader
    switch (type) {
      case HaFrameType.ACK:
        this.ackRead(offset)
        break
      case HaFrameType.HELLO:
        this.helloRead(payload)
        break
      case HaFrameType.PROOF:
        this.proofRead(payload)
        break
      case HaFrameType.CHECK:
        this.checkRead(offset, payload)
        break
      default:
        this.followRead(offset)
    }
  }

  private ackRead(offset: number): void {
    const { core, env } = this.host
    const refusal = core.ackRead(this.peer, offset, env.clock.monotonicMs())
    if (refusal !== null) this.refuse(refusal)
  }

  private helloRead(payload: Buffer): void {
    const { core, env, options, replication } = this.host
    const hello = decodeHaGreeting(payload)
    if (isMalformed(hello)) {
      this.refuseMalformed(hello)
      return
    }
    const refusal = core.helloRead(this.peer, hello)
    if (refusal !== null) {
      this.refuse(refusal)
      return
    }
    const welcome = encodeHaGreeting({
      version: HA_VERSION,
      ...options.identity,
      fileSize: replication.fileSize,
      minOffset: replication.minOffset,
      endOffset: replication.written,
      nonce: newNonce(env.random),
    })
    this.greetings = { hello: Buffer.from(payload), welcome }
    const proof = haProof(options.sharedSecret, 'master', this.greetings)
    this.write(encodeHaFrame(HaFrameType.WELCOME, 0, Buffer.concat([welcome, proof])))
  }

  private proofRead(payload: Buffer): void {
    const { core, options } = this.host
    const { greetings } = this
    const isRight =
      greetings !== null && isSameProof(payload, haProof(options.sharedSecret, 'slave', greetings))
    const { refusal, older } = core.proofRead(this.peer, isRight)
    if (refusal !== null) this.refuse(refusal)
    else if (older !== null) this.host.superseded(older)
  }

  private checkRead(from: number, payload: Buffer): void {
    const { core, replication } = this.host
    const length = decodeHaCheck(payload)
    if (isMalformed(length)) {
      this.refuseMalformed(length)
      return
    }
    const answer = core.checkRead(this.peer, from, length)
    if (typeof answer !== 'string') this.refuse(answer)
    else if (answer === 'absent') this.checked(from, 0, NO_HASH)
    else {
      this.hasher ??= new RangeHasher(replication)
      this.hasher.start(from, length, (error, hash) => {
        if (error !== null && error.code !== 'ENOENT') this.readFailed(error)
        else this.checked(from, hash === null ? 0 : length, hash ?? NO_HASH)
      })
    }
  }

  private checked(from: number, length: number, hash: Uint8Array): void {
    const { core, env } = this.host
    core.checkAnswered(this.peer, env.clock.monotonicMs())
    this.write(encodeHaFrame(HaFrameType.CHECKED, from, encodeHaChecked({ length, hash })))
  }

  private followRead(offset: number): void {
    const { core, env } = this.host
    const refusal = core.followRead(this.peer, offset, env.clock.monotonicMs())
    if (refusal !== null) {
      this.refuse(refusal)
      return
    }
    this.hasher = null
    // Tells the slave that it follows, and how far the log goes.
    this.heartbeat()
    this.startFollowing()
  }

  private startFollowing(): void {
    const { core, env, replication, options } = this.host
    const { peer, socket } = this
    this.sender = new LogSender({
      core,
      peer,
      socket,
      clock: env.clock,
      replication,
      frameBytes: peer.protocol === 'apache' ? options.apacheFrameBytes : options.frameBytes,
      failed: (error) => this.readFailed(error),
    })
    this.host.follows(peer)
    this.pump()
  }

  private readFailed(error: DiskError | null): void {
    const isGone = error?.code === 'ENOENT'
    const code = isGone ? 'HA_LOG_GONE' : 'HA_READ_FAILED'
    const what = error?.message ?? 'nothing was read'
    this.refuse({ code, message: isGone ? `the log is not stored (any more): ${what}` : what })
  }

  private refuseMalformed({ detail }: Malformed): void {
    this.refuse({ code: 'HA_FRAME_MALFORMED', message: detail })
  }

  private write(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }
}
