import type { Prng } from '@apogee/base'
import type { Clock } from '../ports.ts'
import { SimNet } from './net.ts'
import type { SimSocket } from './socket.ts'

export interface SimNetworkOptions {
  clock: Clock
  prng: Prng
  /** Time on the way, drawn between the two. Default 0.1 to 2 ms. */
  latencyMs?: readonly [number, number]
  /** Bytes one delivery carries at most; small ones are common whatever this says. Default 64 KiB. */
  fragmentMax?: number
  /** Bytes on the way, or arrived and not read, before a sender has to wait. Default 128 KiB. */
  windowBytes?: number
  /** Bytes waiting in a socket at which `write` returns false. Default 1 MiB. */
  highWaterMark?: number
  /** How long after `end` the peer may take to close too. Default 10,000. */
  lingerMs?: number
}

/**
 * The network between simulated hosts, and the part of TCP that lives in their kernels: order inside a connection,
 * fragments cut at any byte, windows, resets. A blocked way holds what is sent (TCP sends it again) until it is healed.
 */
export class SimNetwork {
  readonly clock: Clock
  readonly windowBytes: number
  readonly highWaterMark: number
  readonly lingerMs: number
  private readonly prng: Prng
  private readonly latencyMs: readonly [number, number]
  private readonly fragmentMax: number
  private readonly hosts = new Map<string, SimNet>()
  private readonly sockets = new Set<SimSocket>()
  private readonly holding = new Set<Wire>()
  private readonly blocked = new Set<string>()
  private readonly extraMs = new Map<string, number>()

  constructor(options: SimNetworkOptions) {
    this.clock = options.clock
    this.prng = options.prng
    this.latencyMs = options.latencyMs ?? [0.1, 2]
    this.fragmentMax = options.fragmentMax ?? 64 * 1024
    this.windowBytes = options.windowBytes ?? 128 * 1024
    this.highWaterMark = options.highWaterMark ?? 1024 * 1024
    this.lingerMs = options.lingerMs ?? 10_000
  }

  /** The network as the process on `address` sees it; a process started anew calls this again, with its new clock. */
  host(address: string, clock: Clock = this.clock): SimNet {
    if (this.hosts.has(address)) this.stopHost(address, 'reset')
    const net = new SimNet(this, address, clock)
    this.hosts.set(address, net)
    return net
  }

  findHost(address: string): SimNet | undefined {
    return this.hosts.get(address)
  }

  /**
   * The process on `address` is gone, listeners and connections too. `reset`: its kernel lives and says so. `silent`: the
   * machine is off; peers hear nothing, and a reset once it is up again and they send.
   */
  stopHost(address: string, how: 'reset' | 'silent'): void {
    const host = this.hosts.get(address)
    if (host === undefined) return
    this.hosts.delete(address)
    for (const socket of this.sockets) if (socket.host === host) socket.vanish(how)
  }

  /** Blocks one way, or both ways between two groups. */
  block(from: string, to: string): void {
    this.blocked.add(`${from}>${to}`)
  }

  /** Ends of connections that are not closed. */
  get socketCount(): number {
    return this.sockets.size
  }

  partition(left: readonly string[], right: readonly string[]): void {
    for (const a of left) {
      for (const b of right) {
        this.block(a, b)
        this.block(b, a)
      }
    }
  }

  /** Opens one way again; without arguments all of them. What was held goes on its way. */
  heal(from?: string, to?: string): void {
    if (from === undefined || to === undefined) this.blocked.clear()
    else this.blocked.delete(`${from}>${to}`)
    for (const wire of this.holding) wire.heal()
  }

  /** Makes one way slower by `extraMs`; 0 ends that. */
  delay(from: string, to: string, extraMs: number): void {
    this.extraMs.set(`${from}>${to}`, extraMs)
  }

  /** Cuts every connection between two hosts, wherever in a frame it is; both ends see ECONNRESET. */
  resetConnections(a: string, b: string): void {
    for (const socket of this.sockets) {
      const ends = [socket.host.address, socket.peerAddress]
      if (ends.includes(a) && ends.includes(b)) socket.receiveReset()
    }
  }

  isBlocked(from: string, to: string): boolean {
    return this.blocked.has(`${from}>${to}`)
  }

  drawLatency(from: string, to: string): number {
    const [low, high] = this.latencyMs
    const extraMs = this.extraMs.get(`${from}>${to}`) ?? 0
    return extraMs + low + (high - low) * (this.prng.below(1_000_001) / 1_000_000)
  }

  /** One delivery in four is a few bytes, so that every boundary is cut sooner or later. */
  drawFragment(): number {
    if (this.prng.below(4) === 0) return 1 + this.prng.below(Math.min(16, this.fragmentMax))
    return 1 + this.prng.below(this.fragmentMax)
  }

  wire(from: string, to: string): Wire {
    return new Wire(this, from, to)
  }

  opened(socket: SimSocket): void {
    this.sockets.add(socket)
  }

  closed(socket: SimSocket): void {
    this.sockets.delete(socket)
  }

  /** `wire` waits for `heal`, or no longer does. */
  holds(wire: Wire, isHolding: boolean): void {
    if (isHolding) this.holding.add(wire)
    else this.holding.delete(wire)
  }
}

/** One direction of a connection: what is sent arrives in order, or waits while the way is blocked. */
export class Wire {
  private readonly network: SimNetwork
  private readonly from: string
  private readonly to: string
  private held: (() => void)[] = []
  private lastDueMs = 0

  constructor(network: SimNetwork, from: string, to: string) {
    this.network = network
    this.from = from
    this.to = to
  }

  send(arrive: () => void): void {
    this.whenDue(() => {
      if (this.held.length > 0 || this.isBlocked) this.hold(arrive)
      else arrive()
    })
  }

  /** What waited is sent again; what is sent meanwhile is due no earlier, and waits behind it. */
  heal(): void {
    if (this.isBlocked) return
    this.whenDue(() => {
      if (this.isBlocked) return
      const held = this.held
      this.held = []
      this.network.holds(this, false)
      for (const arrive of held) arrive()
    })
  }

  private get isBlocked(): boolean {
    return this.network.isBlocked(this.from, this.to)
  }

  private hold(arrive: () => void): void {
    this.held.push(arrive)
    this.network.holds(this, true)
  }

  private whenDue(task: () => void): void {
    const clock = this.network.clock
    const nowMs = clock.monotonicMs()
    const latencyMs = this.network.drawLatency(this.from, this.to)
    this.lastDueMs = Math.max(this.lastDueMs, nowMs + latencyMs)
    clock.after(this.lastDueMs - nowMs, task)
  }
}
