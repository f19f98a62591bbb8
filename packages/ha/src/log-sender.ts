import type { Clock, DiskError, Socket } from '@apogee/env'
import {
  APACHE_TRANSFER_HEADER_SIZE,
  HA_DATA_AT,
  sealHaData,
  writeApacheTransferHeader,
} from '@apogee/protocol'
import type { LogReplication } from '@apogee/store'
import type { MasterCore } from './core/master-core.ts'
import type { Peer } from './core/peer.ts'

/** Frames of one connection that are being read or sent: what a slow slave costs. */
const BUFFERS_MAX = 4

interface FrameBuffer {
  readonly bytes: Buffer
  /** Made once, not per frame: the socket needs the bytes no more. */
  readonly sent: () => void
}

export interface LogSenderDeps {
  readonly core: MasterCore
  readonly peer: Peer
  readonly socket: Socket
  readonly clock: Clock
  readonly replication: LogReplication
  /** Most bytes of the log in a frame of this peer's protocol. */
  readonly frameBytes: number
  /** The log could not be read where the peer is; `null`: nothing came. */
  failed(error: DiskError | null): void
}

/**
 * Sends the log to one slave, from where it is: one frame for each read, of whatever is written when a buffer is free.
 * While the socket takes nothing or all buffers are on their way, what is written collects in the log, not here.
 */
export class LogSender {
  private readonly deps: LogSenderDeps
  /** Room for the header of this peer's protocol. */
  private readonly headSize: number
  private readonly free: FrameBuffer[] = []
  private made = 0
  /** Being read into; null when no read is under way. */
  private reading: FrameBuffer | null = null
  private pumping = false
  private blocked = false
  private stopped = false

  constructor(deps: LogSenderDeps) {
    this.deps = deps
    this.headSize = deps.peer.protocol === 'apache' ? APACHE_TRANSFER_HEADER_SIZE : HA_DATA_AT
  }

  /** Sends what there is and may be sent now. */
  pump(): void {
    // A read that is done at once comes back in here.
    if (this.pumping) return
    this.pumping = true
    while (this.startRead()) {
      // Each turn is one frame.
    }
    this.pumping = false
  }

  /** The socket takes bytes again. */
  drained(): void {
    this.blocked = false
    this.pump()
  }

  /** The connection is gone: nothing is read or sent any more. */
  stop(): void {
    this.stopped = true
  }

  /** Whether a frame went on its way at once, so that there may be another. */
  private startRead(): boolean {
    if (this.stopped || this.blocked || this.reading !== null) return false
    const { core, peer, clock, replication } = this.deps
    const size = core.sendSize(peer, clock.monotonicMs())
    const buffer = size > 0 ? this.takeBuffer() : null
    if (buffer === null) return false
    this.reading = buffer
    replication.read(peer.sent, buffer.bytes, this.headSize, size, this.readDone)
    return this.reading === null
  }

  private readonly readDone = (error: DiskError | null, bytesRead: number): void => {
    const buffer = this.reading!
    this.reading = null
    if (this.stopped) return
    if (error !== null || bytesRead === 0) {
      this.stopped = true
      this.deps.failed(error)
      return
    }
    this.send(buffer, bytesRead)
    this.pump()
  }

  private send(buffer: FrameBuffer, size: number): void {
    const { core, peer, socket, clock, replication } = this.deps
    let frameSize = this.headSize + size
    if (peer.protocol === 'apache') writeApacheTransferHeader(buffer.bytes, 0, peer.sent, size)
    else frameSize = sealHaData(buffer.bytes, peer.sent, replication.written, size)
    core.sent(peer, size, clock.monotonicMs())
    if (!socket.write(buffer.bytes.subarray(0, frameSize), buffer.sent)) this.blocked = true
  }

  private takeBuffer(): FrameBuffer | null {
    const free = this.free.pop()
    if (free !== undefined || this.made === BUFFERS_MAX) return free ?? null
    this.made++
    const buffer: FrameBuffer = {
      bytes: Buffer.allocUnsafeSlow(this.headSize + this.deps.frameBytes),
      sent: () => {
        this.free.push(buffer)
        this.pump()
      },
    }
    return buffer
  }
}
