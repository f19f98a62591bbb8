import { RingQueue } from '@apogee/base'
import { NetFailure } from '../net-failure.ts'
import type { Socket, SocketEvents, Timer } from '../ports.ts'
import type { SimNet } from './net.ts'
import type { SimNetwork, Wire } from './network.ts'

const NO_EVENTS: SocketEvents = { data() {}, drained() {}, closed() {} }

interface Waiting {
  bytes: Uint8Array
  sent: (() => void) | undefined
}

/**
 * One end of a simulated connection. `receive…` and `credit` are its kernel and run on the network's clock; what the
 * owner hears goes through the host's clock, in the order it came.
 */
export class SimSocket implements Socket {
  events: SocketEvents = NO_EVENTS
  remoteAddress = ''
  remotePort = 0
  localAddress = ''
  localPort = 0
  encrypted = false
  readonly host: SimNet
  readonly peerAddress: string
  /** The way to the peer. */
  readonly wire: Wire
  private readonly network: SimNetwork
  private peer: SimSocket | null = null
  private isConnected = false
  private closed = false
  /** Ends a connect, or an `end`, that takes too long. */
  private timer: Timer | null = null

  /** Not yet taken by the kernel; the first `headAt` bytes of the first are. */
  private readonly waiting = new RingQueue<Waiting>()
  private headAt = 0
  private waitingBytes = 0
  /** On the way, or arrived and not read. */
  private unreadBytes = 0
  /** `write` has returned false and `drained` is owed. */
  private blocked = false
  private ended = false
  private finSent = false

  private arrived: Buffer[] = []
  private finArrived = false
  private finSeen = false
  private paused = false
  private delivering = false

  constructor(network: SimNetwork, host: SimNet, peerAddress: string, wire?: Wire) {
    this.network = network
    this.host = host
    this.peerAddress = peerAddress
    this.wire = wire ?? network.wire(host.address, peerAddress)
    network.opened(this)
  }

  get pendingBytes(): number {
    return this.waitingBytes
  }

  get isClosed(): boolean {
    return this.closed
  }

  write(bytes: Uint8Array, sent?: () => void): boolean {
    if (this.ended || this.closed) {
      if (sent !== undefined) this.host.clock.soon(sent)
      return true
    }
    this.waiting.push({ bytes, sent })
    this.waitingBytes += bytes.length
    this.pump()
    if (this.waitingBytes < this.network.highWaterMark) return true
    this.blocked = true
    return false
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.scheduleDelivery()
  }

  end(): void {
    if (this.ended || this.closed) return
    this.ended = true
    this.pump()
    if (!this.closed) this.limit(this.network.lingerMs, () => this.destroy())
  }

  destroy(error?: Error): void {
    if (this.closed) return
    const hasUnread = this.arrived.length > 0
    const peer = this.peer
    // As TCP: who closes with bytes unread resets, since the peer must learn they were not seen.
    if (peer !== null && hasUnread) this.wire.send(() => peer.receiveReset())
    else if (peer !== null && !this.finSent) this.wire.send(() => peer.receiveFin())
    this.finish(error ?? null)
  }

  // The kernel's side.

  /** The accepting end knows its peer from the start. */
  join(peer: SimSocket): void {
    this.peer = peer
    this.isConnected = true
  }

  established(peer: SimSocket, encrypted: boolean): void {
    if (this.closed) {
      this.wire.send(() => peer.receiveReset())
      return
    }
    this.join(peer)
    if (!this.ended) this.timer?.cancel()
    this.encrypted = encrypted
    this.host.clock.soon(() => {
      if (!this.closed) this.events.connected?.()
    })
    this.pump()
  }

  refused(code: string): void {
    const where = `${this.remoteAddress}:${this.remotePort}`
    if (!this.closed) this.finish(new NetFailure(code, `connect ${where}`))
  }

  limitConnect(timeoutMs: number): void {
    this.limit(timeoutMs, () => {
      const where = `${this.remoteAddress}:${this.remotePort}`
      this.finish(new NetFailure('ETIMEDOUT', `no connection to ${where} in ${timeoutMs} ms`))
    })
  }

  receive(bytes: Buffer): void {
    if (this.answersWithReset()) return
    this.arrived.push(bytes)
    this.scheduleDelivery()
  }

  receiveFin(): void {
    if (this.closed) return
    this.finArrived = true
    this.scheduleDelivery()
  }

  receiveReset(): void {
    if (this.closed) return
    this.arrived = []
    this.finish(new NetFailure('ECONNRESET', `${this.remoteAddress}:${this.remotePort}`))
  }

  /** The process or the machine of this end is gone; nobody here hears of it. */
  vanish(how: 'reset' | 'silent'): void {
    const peer = this.peer
    if (how === 'reset' && peer !== null) this.wire.send(() => peer.receiveReset())
    this.closed = true
    this.network.closed(this)
  }

  private credit(bytes: number): void {
    this.unreadBytes -= bytes
    if (!this.closed) this.pump()
  }

  /** Bytes for a socket that is gone: a kernel that is up says so, a machine that is off says nothing. */
  private answersWithReset(): boolean {
    if (!this.closed) return false
    const peer = this.peer
    const isUp = this.network.findHost(this.host.address) !== undefined
    if (isUp && peer !== null) this.wire.send(() => peer.receiveReset())
    return true
  }

  private pump(): void {
    const peer = this.peer
    if (peer === null || !this.isConnected) return
    while (this.waiting.size > 0 && this.unreadBytes < this.network.windowBytes) this.take(peer)
    if (this.waiting.size > 0) return
    if (this.blocked) {
      this.blocked = false
      this.host.clock.soon(() => {
        if (!this.closed) this.events.drained()
      })
    }
    if (this.ended && !this.finSent) {
      this.finSent = true
      this.wire.send(() => peer.receiveFin())
      this.closeIfDone()
    }
  }

  /** Puts one fragment of the first waiting write on the wire. */
  private take(peer: SimSocket): void {
    const head = this.waiting.peek()!
    const left = head.bytes.length - this.headAt
    const room = this.network.windowBytes - this.unreadBytes
    const count = Math.min(left, room, this.network.drawFragment())
    if (count > 0) {
      const bytes = Buffer.from(head.bytes.subarray(this.headAt, this.headAt + count))
      this.headAt += count
      this.waitingBytes -= count
      this.unreadBytes += count
      this.wire.send(() => peer.receive(bytes))
    }
    if (this.headAt < head.bytes.length) return
    this.waiting.shift()
    this.headAt = 0
    if (head.sent !== undefined) this.host.clock.soon(head.sent)
  }

  private scheduleDelivery(): void {
    if (this.delivering) return
    this.delivering = true
    this.host.clock.soon(() => {
      this.delivering = false
      if (!this.paused && !this.closed) this.deliver()
    })
  }

  /** Hands over everything that has arrived, as one piece, then the end if that has come. */
  private deliver(): void {
    if (this.arrived.length > 0) {
      const first = this.arrived[0]!
      const bytes = this.arrived.length === 1 ? first : Buffer.concat(this.arrived)
      this.arrived = []
      const peer = this.peer
      if (peer !== null) this.wire.send(() => peer.credit(bytes.length))
      this.events.data(bytes)
      if (this.closed || this.arrived.length > 0 || this.paused) return
    }
    if (!this.finArrived || this.finSeen) return
    this.finSeen = true
    this.end()
    this.closeIfDone()
  }

  private closeIfDone(): void {
    if (this.finSent && this.finSeen) this.finish(null)
  }

  private limit(timeoutMs: number, task: () => void): void {
    this.timer?.cancel()
    this.timer = this.host.clock.after(timeoutMs, task)
  }

  private finish(error: Error | null): void {
    if (this.closed) return
    this.closed = true
    this.timer?.cancel()
    this.network.closed(this)
    for (;;) {
      const dropped = this.waiting.shift()
      if (dropped === undefined) break
      if (dropped.sent !== undefined) this.host.clock.soon(dropped.sent)
    }
    this.waitingBytes = 0
    this.host.clock.soon(() => this.events.closed(error))
  }
}
