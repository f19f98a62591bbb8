import type { Socket, SocketEvents } from '@apogee/env'
import type { Activity } from './activity.ts'
import type { ProcessGate } from './process-gate.ts'

const NO_EVENTS: SocketEvents = { data() {}, drained() {}, closed() {} }

/** A socket of one embedded process: it hears nothing while the process is paused, and nothing more once it is killed. */
export class ProcessSocket implements Socket {
  events: SocketEvents = NO_EVENTS
  private readonly socket: Socket
  private readonly gate: ProcessGate
  private readonly activity: Activity
  private isPausedByOwner = false

  /** `gone` is told when the descriptor is given back. */
  constructor(
    socket: Socket,
    gate: ProcessGate,
    activity: Activity,
    gone: (socket: ProcessSocket) => void,
  ) {
    this.socket = socket
    this.gate = gate
    this.activity = activity
    socket.events = {
      connected: () => gate.run(() => this.events.connected?.()),
      data: (bytes) => this.received(bytes, false),
      lent: (bytes) => this.received(bytes, true),
      drained: () => gate.run(() => this.events.drained()),
      closed: (error) => {
        activity.closed(this.localPort, this.remotePort)
        gone(this)
        gate.run(() => this.events.closed(error))
      },
    }
  }

  get remoteAddress(): string {
    return this.socket.remoteAddress
  }

  get remotePort(): number {
    return this.socket.remotePort
  }

  get localAddress(): string {
    return this.socket.localAddress
  }

  get localPort(): number {
    return this.socket.localPort
  }

  get encrypted(): boolean {
    return this.socket.encrypted
  }

  get pendingBytes(): number {
    return this.socket.pendingBytes
  }

  write(bytes: Uint8Array, sent?: () => void): boolean {
    if (this.gate.isShut) return true
    this.activity.sent(this.localPort, this.remotePort, bytes.length)
    if (sent === undefined) return this.socket.write(bytes)
    return this.socket.write(bytes, () => this.gate.run(sent))
  }

  pause(): void {
    this.isPausedByOwner = true
    this.socket.pause()
  }

  resume(): void {
    this.isPausedByOwner = false
    if (!this.gate.isHeld) this.socket.resume()
  }

  end(): void {
    if (!this.gate.isShut) this.socket.end()
  }

  destroy(error?: Error): void {
    this.socket.destroy(error)
  }

  /** The process stops: the kernel goes on taking bytes until its buffer is full. */
  hold(): void {
    this.activity.suspended(this.localPort, this.remotePort)
    this.socket.pause()
  }

  unhold(): void {
    this.activity.resumed(this.localPort, this.remotePort)
    if (!this.isPausedByOwner) this.socket.resume()
  }

  private received(bytes: Buffer, isLent: boolean): void {
    this.activity.arrived(this.localPort, this.remotePort, bytes.length)
    if (this.gate.isShut) return
    if (this.gate.isHeld) {
      const own = isLent ? Buffer.from(bytes) : bytes
      this.gate.run(() => this.events.data(own))
    } else if (!isLent) this.events.data(bytes)
    else if (this.events.lent === undefined) this.events.data(Buffer.from(bytes))
    else this.events.lent(bytes)
  }
}
