import { ApogeeError, isMalformed, LimitedLog } from '@apogee/base'
import type { Listener, Socket, Timer } from '@apogee/env'
import { HA_DATA_MAX, type HaRefusal } from '@apogee/protocol'
import { type AllowedPeers, parseAllowedPeers } from './core/allowed-peers.ts'
import { MasterCore } from './core/master-core.ts'
import type { Peer } from './core/peer.ts'
import type { HaDeps } from './ha-deps.ts'
import type { HaMasterOptions } from './ha-options.ts'
import type { HaPeerStatus } from './ha-status.ts'
import { MasterConnection, type MasterConnectionHost } from './master-connection.ts'

/**
 * The master's replication port (Java: DefaultHAService, DefaultHAConnection, GroupTransferService). Slaves of ours and of
 * Apache's connect to it; the log goes to each as it is written, and what enough of them have acknowledged is told to the
 * store in the turn in which the acknowledgement comes.
 */
export class HaMaster {
  private readonly options: HaMasterOptions
  private readonly deps: HaDeps
  private readonly core: MasterCore
  private readonly allowed: AllowedPeers
  private readonly limited: LimitedLog
  private readonly host: MasterConnectionHost
  private readonly connections = new Map<Peer, MasterConnection>()
  /** Accepted and not closed, those that were refused included. */
  private readonly sockets = new Set<Socket>()
  private listener: Listener | null = null
  private timer: Timer | null = null
  private timerDueMs = Number.POSITIVE_INFINITY
  private endProgress: (() => void) | null = null
  private stopped = false
  // What the store was told last.
  private toldReplicated = -1
  private toldAvailable = false
  /** What the log was told last. */
  private toldInSync = 1
  private toldKeepFile = Number.POSITIVE_INFINITY

  /** Throws HA_ALLOWED_PEERS_INVALID. */
  constructor(options: HaMasterOptions, deps: HaDeps) {
    const allowed = parseAllowedPeers(options.allowedPeers)
    if (isMalformed(allowed)) {
      throw new ApogeeError(allowed.code, `haAllowedPeers: ${allowed.detail}`)
    }
    this.options = { ...options, frameBytes: Math.min(options.frameBytes, HA_DATA_MAX) }
    this.deps = deps
    this.allowed = allowed
    this.limited = new LimitedLog(deps.log, () => deps.env.clock.monotonicMs())
    this.core = new MasterCore(this.options, deps.replication.fileSize, deps.replication)
    this.host = {
      options: this.options,
      core: this.core,
      env: deps.env,
      replication: deps.replication,
      refused: (peer, refusal) => this.refused(peer, refusal),
      follows: (peer) => this.follows(peer),
      superseded: (older) => this.superseded(older),
      changed: () => this.changed(),
    }
  }

  /**
   * Listens; the real port, or the listener's error. With inSyncReplicas above 1 the store's acknowledgements wait for
   * slaves as soon as this is called.
   */
  start(): Promise<number> {
    const { env, replication } = this.deps
    const { host, port } = this.options
    if (this.waitsForSlaves) replication.requireReplicas(this.options.slaveTimeoutMs)
    this.endProgress = replication.onProgress(() => this.progressed())
    this.publish()
    return new Promise((resolve, reject) => {
      this.listener = env.net.listen(
        { host, port },
        (socket) => this.accept(socket),
        (error, realPort) => {
          if (error === null) resolve(realPort)
          else reject(error)
        },
      )
    })
  }

  /** Closes the port and every connection. Slaves acknowledge nothing afterwards, and what waits for them waits no more. */
  stop(): void {
    if (this.stopped) return
    this.stopped = true
    this.listener?.close()
    this.endProgress?.()
    this.timer?.cancel()
    for (const connection of this.connections.values()) connection.over()
    for (const socket of this.sockets) socket.destroy()
    this.sockets.clear()
  }

  /** Those that have shown who they are. */
  get peers(): HaPeerStatus[] {
    const nowMs = this.deps.env.clock.monotonicMs()
    const peers: HaPeerStatus[] = []
    for (const peer of this.core.peers) if (peer.isKnown) peers.push(this.statusOf(peer, nowMs))
    return peers
  }

  /** Replicas that are in sync, this master included. */
  get inSyncReplicas(): number {
    return this.core.sync.count + 1
  }

  /** Slaves that follow. */
  get connected(): number {
    return this.core.followers
  }

  /** What enough replicas have acknowledged, as the store was told; only with inSyncReplicas above 1. */
  get replicatedOffset(): number {
    return this.core.sync.replicated
  }

  private get waitsForSlaves(): boolean {
    return this.options.inSyncReplicas > 1
  }

  private accept(socket: Socket): void {
    const address = formatAddress(socket)
    if (!this.allowed.allows(socket.remoteAddress)) {
      const hint = 'haAllowedPeers names the addresses and networks that may connect'
      this.limited.warn('ha_peer_not_allowed', { code: 'HA_PEER_NOT_ALLOWED', address, hint })
      this.ignore(socket)
      return
    }
    if (this.sockets.size >= this.options.connectionsMax || this.stopped) {
      const { connectionsMax } = this.options
      this.limited.warn('ha_too_many_connections', { address, connectionsMax })
      this.ignore(socket)
      return
    }
    this.open(socket, address)
  }

  private open(socket: Socket, address: string): void {
    const peer = this.core.opened(address, this.deps.env.clock.monotonicMs())
    const connection = new MasterConnection(peer, socket, this.host)
    this.sockets.add(socket)
    this.connections.set(peer, connection)
    const read = (bytes: Buffer): void => connection.read(bytes)
    socket.events = {
      data: read,
      lent: read,
      drained: () => connection.drained(),
      closed: (error) => {
        this.sockets.delete(socket)
        if (peer.isKnown) this.logClosed(peer, error)
        connection.over()
      },
    }
    this.arm()
  }

  private ignore(socket: Socket): void {
    socket.events = { data() {}, drained() {}, closed() {} }
    socket.destroy()
  }

  private refused(peer: Peer, { code, message }: HaRefusal): void {
    const fields = { code, address: peer.address, protocol: peer.protocol, reason: message }
    this.limited.warn('ha_peer_refused', fields)
  }

  private follows({ address, protocol, identity, sent, mustReach }: Peer): void {
    const brokerId = identity?.brokerId ?? null
    const fields = { address, protocol, brokerId, offset: sent, behind: mustReach - sent }
    this.deps.log.info({ event: 'ha_peer_follows', ...fields })
  }

  private logClosed(peer: Peer, error: Error | null): void {
    const gap = this.deps.replication.written - peer.acked
    const fields = { address: peer.address, ackOffset: peer.acked, gap }
    this.deps.log.info({ event: 'ha_peer_closed', ...fields, cause: error?.message ?? null })
  }

  private superseded(older: Peer): void {
    const message = 'the same brokerId has connected again'
    this.connections.get(older)?.refuse({ code: 'HA_PEER_REPLACED', message })
  }

  /** The store's log grew, was synced, or lost its beginning. */
  private progressed(): void {
    if (this.stopped) return
    this.core.progressed(this.deps.replication, this.deps.env.clock.monotonicMs())
    for (const connection of this.connections.values()) connection.pump()
    this.changed()
  }

  /** A peer's state moved: forgets who is gone, tells the store, looks after the timer. */
  private changed(): void {
    for (const peer of this.connections.keys()) {
      if (peer.phase === 'closed') this.connections.delete(peer)
    }
    this.publish()
    this.arm()
  }

  /** Tells the store what has changed for it: acknowledgements first. */
  private publish(): void {
    const { replication } = this.deps
    const { sync, keepFrom } = this.core
    const { replicated, available } = sync
    this.tellInSync(available)
    if (this.waitsForSlaves) {
      if (replicated !== this.toldReplicated || available !== this.toldAvailable) {
        this.toldReplicated = replicated
        this.toldAvailable = available
        replication.setReplicated(replicated, available)
      }
    }
    // Retention deletes whole files.
    const keepFile = Math.floor(keepFrom / replication.fileSize)
    if (keepFile === this.toldKeepFile) return
    this.toldKeepFile = keepFile
    replication.keepFrom(keepFrom)
  }

  /** Operators hear of each change. Too few for what acknowledgements wait for is a warning. */
  private tellInSync(available: boolean): void {
    const { inSyncReplicas } = this
    if (inSyncReplicas === this.toldInSync) return
    const before = this.toldInSync
    this.toldInSync = inSyncReplicas
    const isWarning = this.waitsForSlaves && !available
    const level = isWarning ? 'warn' : 'info'
    this.deps.log[level]({ event: 'ha_in_sync', inSyncReplicas, before, available })
  }

  /** One timer for all connections, at the first thing that is due. One that is due later than needed is made anew. */
  private arm(): void {
    if (this.stopped) return
    const { clock } = this.deps.env
    const nowMs = clock.monotonicMs()
    const dueMs = this.core.nextDeadlineMs(nowMs)
    if (dueMs >= this.timerDueMs) return
    this.timer?.cancel()
    this.timerDueMs = dueMs
    this.timer = clock.after(Math.max(0, dueMs - nowMs), () => this.tick())
  }

  private tick(): void {
    this.timerDueMs = Number.POSITIVE_INFINITY
    if (this.stopped) return
    const { heartbeats, closing } = this.core.tick(this.deps.env.clock.monotonicMs())
    for (const { peer, refusal } of closing) this.connections.get(peer)?.refuse(refusal)
    for (const peer of heartbeats) this.connections.get(peer)?.heartbeat()
    // Those that were held back by maxHaTransferByteInSecond.
    for (const connection of this.connections.values()) connection.pump()
    this.changed()
  }

  private statusOf(peer: Peer, nowMs: number): HaPeerStatus {
    return {
      address: peer.address,
      protocol: peer.protocol,
      identity: peer.identity,
      ackOffset: peer.acked,
      sentOffset: peer.sent,
      gap: Math.max(0, this.deps.replication.written - peer.acked),
      inSync: this.core.sync.isInSync(peer),
      bytesPerSecond: peer.rate.perSecond(nowMs),
      lastReadMs: peer.lastReadMs,
    }
  }
}

function formatAddress({ remoteAddress, remotePort }: Socket): string {
  const host = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress
  return `${host}:${remotePort}`
}
