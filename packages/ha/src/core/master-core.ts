import { assert } from '@apogee/base'
import type { HaGreeting, HaRefusal } from '@apogee/protocol'
import type { HaMasterOptions } from '../ha-options.ts'
import { checkIdentity } from './identity-check.ts'
import { Peer } from './peer.ts'
import { SyncSet } from './sync-set.ts'

/** What the core needs to know of the options. */
export type MasterCoreOptions = Omit<HaMasterOptions, 'host' | 'port' | 'allowedPeers'>

/** The master's log: where it begins, how far it may be sent, how far the master vouches for it. */
export interface LogRange {
  readonly minOffset: number
  readonly written: number
  readonly stored: number
}

/** What is due now. */
export interface MasterDue {
  readonly heartbeats: Peer[]
  readonly closing: { readonly peer: Peer; readonly refusal: HaRefusal }[]
}

/**
 * A master's side of replication, without I/O: who is connected and how far, who is in sync, what may be acknowledged, what
 * goes out next. Each input may move `sync` (watermark, availability) and `keepFrom`; the driver looks after each.
 *
 *   opening ─ magic → greeting ─ HELLO → proving ─ PROOF → known ─ FOLLOW → following
 *      └───── Apache's first report ───────────────────────────────────────────┘
 */
export class MasterCore {
  readonly peers: Set<Peer> = new Set()
  readonly sync: SyncSet
  private readonly options: MasterCoreOptions
  private readonly fileSize: number
  private log: LogRange

  constructor(options: MasterCoreOptions, fileSize: number, log: LogRange) {
    this.options = options
    this.fileSize = fileSize
    this.log = copyRange(log)
    this.sync = new SyncSet(options, log)
  }

  /** Retention keeps the log from here on; Infinity when nobody needs it. */
  get keepFrom(): number {
    let keepFrom = Number.POSITIVE_INFINITY
    for (const peer of this.peers) if (peer.isKnown) keepFrom = Math.min(keepFrom, peer.acked)
    return keepFrom
  }

  /** Slaves that follow. */
  get followers(): number {
    let count = 0
    for (const peer of this.peers) if (peer.isFollowing) count++
    return count
  }

  /** No further connection is taken. */
  get isFull(): boolean {
    return this.peers.size >= this.options.connectionsMax
  }

  opened(address: string, nowMs: number): Peer {
    assert(!this.isFull, 'more than connectionsMax', this.peers.size)
    const peer = new Peer(address, this.options.bytesPerSecondMax, nowMs)
    this.peers.add(peer)
    return peer
  }

  /** The connection is gone. */
  closed(peer: Peer): void {
    peer.phase = 'closed'
    if (this.peers.delete(peer)) this.sync.settle(this.peers)
  }

  /** Bytes have come. */
  heard(peer: Peer, nowMs: number): void {
    peer.lastReadMs = nowMs
  }

  /** Bytes have gone that are no bytes of the log. */
  wrote(peer: Peer, nowMs: number): void {
    peer.lastWriteMs = nowMs
  }

  /** Its first bytes were the magic. */
  magicRead(peer: Peer): void {
    assert(peer.phase === 'opening', 'a second magic', peer.phase)
    peer.phase = 'greeting'
  }

  helloRead(peer: Peer, hello: HaGreeting): HaRefusal | null {
    if (peer.phase !== 'greeting') return outOfTurn('HELLO')
    const { identity } = this.options
    const refusal = checkIdentity(hello, { identity, fileSize: this.fileSize, role: 'slave' })
    if (refusal !== null) return refusal
    const { clusterName, brokerName, brokerId } = hello
    peer.identity = { clusterName, brokerName, brokerId }
    // Until it follows, the log is kept for it from its end on.
    peer.acked = Math.min(hello.endOffset, this.log.written)
    peer.holdsFrom = hello.minOffset
    peer.phase = 'proving'
    return null
  }

  /**
   * The slave has answered the welcome. Another connection of the same slave is the older one, which only has not noticed
   * yet that it is dead: it is returned, to be closed.
   */
  proofRead(peer: Peer, isRight: boolean): { refusal: HaRefusal | null; older: Peer | null } {
    if (peer.phase !== 'proving') return { refusal: outOfTurn('PROOF'), older: null }
    if (!isRight) {
      const message = 'haSharedSecret differs'
      return { refusal: { code: 'HA_SECRET_WRONG', message }, older: null }
    }
    peer.phase = 'known'
    for (const older of this.peers) {
      const isSame = older.isKnown && older.identity?.brokerId === peer.identity?.brokerId
      if (older !== peer && isSame && older.protocol === 'apogee') return { refusal: null, older }
    }
    return { refusal: null, older: null }
  }

  /** Whether the range can be read for it; `absent` is answered as such. */
  checkRead(peer: Peer, from: number, length: number): 'read' | 'absent' | HaRefusal {
    if (peer.phase !== 'known' || peer.checking) return outOfTurn('CHECK')
    const { minOffset, written } = this.log
    if (from < minOffset || from + length > written) return 'absent'
    peer.checking = true
    return 'read'
  }

  checkAnswered(peer: Peer, nowMs: number): void {
    peer.checking = false
    peer.lastWriteMs = nowMs
  }

  followRead(peer: Peer, offset: number, nowMs: number): HaRefusal | null {
    if (peer.phase !== 'known' || peer.checking) return outOfTurn('FOLLOW')
    if (offset > this.log.written) {
      const message = `follows from ${offset}, beyond the end of the log at ${this.log.written}`
      return { code: 'HA_ACK_FORGED', message }
    }
    if (offset < this.log.minOffset) return logGone(offset, this.log.minOffset)
    // An empty log begins where it follows.
    if (offset !== peer.acked) peer.holdsFrom = offset
    this.startFollowing(peer, offset, nowMs)
    return null
  }

  /** What a slave of ours has stored. */
  ackRead(peer: Peer, offset: number, nowMs: number): HaRefusal | null {
    return peer.isFollowing ? this.acknowledged(peer, offset, nowMs) : outOfTurn('ACK')
  }

  /** What a slave of Apache's says it has; the first time, where it wants the log from. */
  reportRead(peer: Peer, offset: number, nowMs: number): HaRefusal | null {
    if (peer.isFollowing) return this.acknowledged(peer, offset, nowMs)
    if (this.options.sharedSecret !== '') {
      const message = "haSharedSecret is set, and Apache's slaves cannot prove that they know it"
      return { code: 'HA_SECRET_WRONG', message }
    }
    peer.protocol = 'apache'
    const { minOffset, written } = this.log
    if (offset > written) {
      const message = `reports ${offset}, beyond the end of the log at ${written}`
      return { code: 'HA_ACK_FORGED', message }
    }
    if (offset !== 0 && offset < minOffset) return logGone(offset, minOffset)
    const start = offset === 0 ? this.firstForEmpty() : offset
    // It does not say where its log begins.
    peer.holdsFrom = start
    this.startFollowing(peer, start, nowMs)
    return null
  }

  /** The log grew, or lost its beginning. */
  progressed(log: LogRange, nowMs: number): void {
    this.log = copyRange(log)
    for (const peer of this.peers) {
      if (peer.isFollowing && peer.waitingSinceMs < 0 && peer.acked < log.written) {
        peer.waitingSinceMs = nowMs
      }
    }
    this.sync.end = log.written
    this.sync.stored = log.stored
    this.sync.settle(this.peers)
  }

  /** How many bytes, from `sent` on, go out next: 0 when there is nothing, or not yet. */
  sendSize(peer: Peer, nowMs: number): number {
    const size = this.wantedSize(peer)
    return size <= 0 ? 0 : peer.flow.allow(size, nowMs)
  }

  /** Bytes of the log have gone out. */
  sent(peer: Peer, bytes: number, nowMs: number): void {
    peer.sent += bytes
    peer.lastWriteMs = nowMs
    peer.flow.spend(bytes)
    peer.rate.add(bytes, nowMs)
    assert(peer.sent <= this.log.written, 'sent beyond the log', peer.sent, this.log.written)
  }

  // Times are compared as sums, as `nextDeadlineMs` gives them: rounding would else call a timer back for ever.

  /** What is due at this moment. Who is silent with something waiting is out of sync from now on. */
  tick(nowMs: number): MasterDue {
    const due: MasterDue = { heartbeats: [], closing: [] }
    const { heartbeatMs } = this.options
    for (const peer of this.peers) {
      const limitMs = this.silenceMaxMs(peer)
      const sinceMs = peer.isKnown ? peer.lastReadMs : peer.openedMs
      if (nowMs >= sinceMs + limitMs) {
        const message = peer.isKnown
          ? `silent for ${limitMs} ms`
          : `has not said who it is in ${limitMs} ms`
        due.closing.push({ peer, refusal: { code: 'HA_PEER_SILENT', message } })
      } else if (peer.isFollowing && nowMs >= peer.lastWriteMs + heartbeatMs) {
        due.heartbeats.push(peer)
      }
      if (peer.isFollowing && nowMs >= this.sync.lapseMs(peer)) peer.lapsed = true
    }
    this.sync.settle(this.peers)
    return due
  }

  /** When `tick` has something to do next, if nothing else happens; Infinity when never. */
  nextDeadlineMs(nowMs: number): number {
    const { heartbeatMs } = this.options
    let nextMs = Number.POSITIVE_INFINITY
    for (const peer of this.peers) {
      const sinceMs = peer.isKnown ? peer.lastReadMs : peer.openedMs
      nextMs = Math.min(nextMs, sinceMs + this.silenceMaxMs(peer))
      if (!peer.isFollowing) continue
      nextMs = Math.min(nextMs, peer.lastWriteMs + heartbeatMs, this.sync.lapseMs(peer))
      const wanted = this.wantedSize(peer)
      const waitMs = wanted > 0 ? peer.flow.waitMs(wanted, nowMs) : 0
      if (waitMs > 0) nextMs = Math.min(nextMs, nowMs + waitMs)
    }
    return nextMs
  }

  /** An Apache slave says nothing before its first heartbeat is due: where one may come, silence at first is no fault. */
  private silenceMaxMs(peer: Peer): number {
    const { handshakeTimeoutMs, housekeepingMs, sharedSecret } = this.options
    if (peer.isKnown) return housekeepingMs
    const mayBeApache = peer.phase === 'opening' && sharedSecret === ''
    return mayBeApache ? Math.max(handshakeTimeoutMs, housekeepingMs) : handshakeTimeoutMs
  }

  private wantedSize(peer: Peer): number {
    if (!peer.isFollowing) return 0
    const { apacheFrameBytes, frameBytes } = this.options
    const frameMax = peer.protocol === 'apache' ? apacheFrameBytes : frameBytes
    const inFile = this.fileSize - (peer.sent % this.fileSize)
    return Math.min(this.log.written - peer.sent, inFile, frameMax)
  }

  private startFollowing(peer: Peer, offset: number, nowMs: number): void {
    peer.phase = 'following'
    peer.acked = offset
    peer.sent = offset
    peer.mustReach = this.log.written
    peer.lastWriteMs = nowMs
    peer.waitingSinceMs = offset < this.log.written ? nowMs : -1
    this.sync.settle(this.peers)
  }

  private acknowledged(peer: Peer, offset: number, nowMs: number): HaRefusal | null {
    if (offset > peer.sent) {
      const message = `acknowledges ${offset}, but only ${peer.sent} was sent`
      return { code: 'HA_ACK_FORGED', message }
    }
    if (offset <= peer.acked) return null
    peer.acked = offset
    if (peer.lapsed) {
      peer.lapsed = false
      peer.mustReach = this.log.written
    }
    peer.waitingSinceMs = offset < this.log.written ? nowMs : -1
    this.sync.settle(this.peers)
    return null
  }

  private firstForEmpty(): number {
    const { minOffset, written } = this.log
    const lastFile = written - (written % this.fileSize)
    return this.options.fromLastFile ? Math.max(minOffset, lastFile) : minOffset
  }
}

/** The caller's is the living log. */
function copyRange({ minOffset, written, stored }: LogRange): LogRange {
  return { minOffset, written, stored }
}

function outOfTurn(frame: string): HaRefusal {
  return { code: 'HA_FRAME_MALFORMED', message: `${frame} out of turn` }
}

function logGone(offset: number, minOffset: number): HaRefusal {
  const message = `the log begins at ${minOffset}: what follows ${offset} was deleted`
  return { code: 'HA_LOG_GONE', message }
}
