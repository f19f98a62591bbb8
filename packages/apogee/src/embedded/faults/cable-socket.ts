import type { Clock, Socket, Timer } from '@apogee/env'
import { ForwardingSocket } from '../forwarding-socket.ts'

/** What a connection asks its cable. */
export interface Cable {
  /** What this end sends does not arrive. */
  readonly isOutCut: boolean
  /** What the other end sends does not arrive. */
  readonly isInCut: boolean
  /** How much later it arrives. */
  readonly delayMs: number
}

interface Arriving {
  readonly dueMs: number
  readonly bytes: number
  /** A connection is made when both directions work. */
  readonly needsBoth: boolean
  readonly happen: () => void
}

/** So much may wait in a direction before its sender is told to wait. */
const WAITING_MAX_BYTES = 256 * 1024

/**
 * A connection over a cable that may be cut or slow. What is sent into a cut waits, as in a kernel that repeats it, and
 * arrives in its order when the cable is mended; so do an end and the news of one.
 */
export class CableSocket extends ForwardingSocket {
  private readonly cable: Cable
  private readonly clock: Clock
  private readonly gone: () => void
  private leaving: { bytes: number; happen: () => void }[] = []
  private leavingBytes = 0
  private mustDrain = false
  private arriving: Arriving[] = []
  private arrivingBytes = 0
  private timer: Timer | null = null
  private isPausedByOwner = false
  /** The owner has closed it; what is left of it waits for the cable. */
  private isLeft = false

  /** `gone` is told when it is closed. */
  constructor(socket: Socket, cable: Cable, clock: Clock, gone: () => void) {
    super(socket)
    this.cable = cable
    this.clock = clock
    this.gone = gone
  }

  override get pendingBytes(): number {
    return super.pendingBytes + this.leavingBytes
  }

  override write(bytes: Uint8Array, sent?: () => void): boolean {
    if (this.isLeft) return true
    if (this.leaving.length === 0 && !this.cable.isOutCut) return super.write(bytes, sent)
    const copy = Buffer.from(bytes)
    this.leave(copy.length, () => void super.write(copy))
    if (sent !== undefined) this.clock.soon(sent)
    this.mustDrain ||= this.leavingBytes > WAITING_MAX_BYTES
    return !this.mustDrain
  }

  override pause(): void {
    this.isPausedByOwner = true
    super.pause()
  }

  override resume(): void {
    this.isPausedByOwner = false
    if (this.arrivingBytes <= WAITING_MAX_BYTES) super.resume()
    this.takeArriving()
  }

  override end(): void {
    if (this.leaving.length === 0 && !this.cable.isOutCut) super.end()
    else this.leave(0, () => super.end())
  }

  override destroy(error?: Error): void {
    if (!this.cable.isOutCut) {
      super.destroy(error)
      return
    }
    if (this.isLeft) return
    this.isLeft = true
    this.forget()
    this.leave(0, () => super.destroy())
    this.clock.soon(() => this.events.closed(error ?? null))
  }

  /** The cable has changed. */
  changed(): void {
    if (!this.cable.isOutCut) this.sendLeaving()
    this.takeArriving()
  }

  /** Nothing more happens to it: its process is gone. */
  forget(): void {
    this.timer?.cancel()
    this.timer = null
    this.arriving = []
    this.arrivingBytes = 0
  }

  protected override connected(): void {
    this.arrive(0, () => super.connected(), true)
  }

  protected override came(bytes: Buffer, isLent: boolean): void {
    if (this.isLeft) return
    const { delayMs, isInCut } = this.cable
    if (this.arriving.length === 0 && delayMs === 0 && !isInCut) {
      this.deliver(bytes, isLent)
      return
    }
    const own = isLent ? Buffer.from(bytes) : bytes
    this.arrive(own.length, () => this.deliver(own, false))
  }

  protected override drained(): void {
    if (!this.isLeft && this.leaving.length === 0) super.drained()
  }

  protected override closed(error: Error | null): void {
    if (this.isLeft) this.gone()
    else this.arrive(0, () => this.close(error))
  }

  private close(error: Error | null): void {
    this.forget()
    this.gone()
    super.closed(error)
  }

  private leave(bytes: number, happen: () => void): void {
    this.leaving.push({ bytes, happen })
    this.leavingBytes += bytes
  }

  private sendLeaving(): void {
    const leaving = this.leaving
    if (leaving.length === 0) return
    this.leaving = []
    this.leavingBytes = 0
    for (const { happen } of leaving) happen()
    if (!this.mustDrain) return
    this.mustDrain = false
    this.clock.soon(() => {
      if (!this.isLeft) this.events.drained()
    })
  }

  private arrive(bytes: number, happen: () => void, needsBoth = false): void {
    const dueMs = this.clock.monotonicMs() + this.cable.delayMs
    this.arriving.push({ dueMs, bytes, needsBoth, happen })
    this.arrivingBytes += bytes
    if (this.arrivingBytes > WAITING_MAX_BYTES) super.pause()
    this.takeArriving()
  }

  /** What is due happens, in its order. */
  private takeArriving(): void {
    for (let first = this.arriving[0]; first !== undefined; first = this.arriving[0]) {
      const { delayMs, isInCut, isOutCut } = this.cable
      if (isInCut || (first.needsBoth && isOutCut)) return
      // A close is told to an owner that has paused, too.
      if (first.bytes > 0 && this.isPausedByOwner) return
      const waitMs = first.dueMs - this.clock.monotonicMs()
      if (waitMs > 0 && delayMs > 0) {
        this.timer?.cancel()
        this.timer = this.clock.after(waitMs, () => this.takeArriving())
        return
      }
      this.arriving.shift()
      this.arrivingBytes -= first.bytes
      first.happen()
    }
    if (!this.isPausedByOwner) super.resume()
  }
}
