import type { Socket } from '@apogee/env'
import { ForwardingSocket } from '../forwarding-socket.ts'
import type { Activity } from './activity.ts'
import type { ProcessGate } from './process-gate.ts'

/** A socket of one embedded process: it hears nothing while the process is paused, and nothing more once it is killed. */
export class ProcessSocket extends ForwardingSocket {
  private readonly gate: ProcessGate
  private readonly activity: Activity
  private readonly gone: (socket: ProcessSocket) => void
  private isPausedByOwner = false

  /** `gone` is told when the descriptor is given back. */
  constructor(
    socket: Socket,
    gate: ProcessGate,
    activity: Activity,
    gone: (socket: ProcessSocket) => void,
  ) {
    super(socket)
    this.gate = gate
    this.activity = activity
    this.gone = gone
  }

  override write(bytes: Uint8Array, sent?: () => void): boolean {
    if (this.gate.isShut) return true
    this.activity.sent(this.localPort, this.remotePort, bytes.length)
    if (sent === undefined) return super.write(bytes)
    return super.write(bytes, () => this.gate.run(sent))
  }

  override pause(): void {
    this.isPausedByOwner = true
    super.pause()
  }

  override resume(): void {
    this.isPausedByOwner = false
    if (!this.gate.isHeld) super.resume()
  }

  override end(): void {
    if (!this.gate.isShut) super.end()
  }

  /** The process stops: the kernel goes on taking bytes until its buffer is full. */
  hold(): void {
    this.activity.suspended(this.localPort, this.remotePort)
    this.inner.pause()
  }

  unhold(): void {
    this.activity.resumed(this.localPort, this.remotePort)
    if (!this.isPausedByOwner) this.inner.resume()
  }

  protected override connected(): void {
    this.gate.run(() => super.connected())
  }

  protected override drained(): void {
    this.gate.run(() => super.drained())
  }

  protected override closed(error: Error | null): void {
    this.activity.closed(this.localPort, this.remotePort)
    this.gone(this)
    this.gate.run(() => super.closed(error))
  }

  protected override came(bytes: Buffer, isLent: boolean): void {
    this.activity.arrived(this.localPort, this.remotePort, bytes.length)
    if (this.gate.isShut) return
    if (this.gate.isHeld) {
      const own = isLent ? Buffer.from(bytes) : bytes
      this.gate.run(() => this.deliver(own, false))
    } else this.deliver(bytes, isLent)
  }
}
