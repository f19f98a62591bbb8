import type { Peer } from './peer.ts'

export interface SyncOptions {
  /** Acknowledgements wait for this many replicas, the master included. */
  readonly inSyncReplicas: number
  readonly slaveTimeoutMs: number
  readonly gapMax: number
}

/**
 * Who has waited for slaveTimeout shall hear of that, not that there is no slave: a slave is out of sync so much later, and
 * the store's own timer comes first.
 */
const LAPSE_GRACE_MS = 100

/**
 * Which slaves are in sync, and how far enough of them hold the log. A slave is in sync when it follows, is no more than
 * haMaxGapNotInSync behind, has once acknowledged what was there when it came, and was not silent for slaveTimeout while
 * something waited for it; then it must first acknowledge what is there when it is heard again. One that began in the
 * middle of the log counts once nobody waits for what is below.
 */
export class SyncSet {
  /** End of the master's log, and how far the master itself has stored it. */
  end: number
  stored: number
  /** Slaves in sync. */
  count = 0
  /** Enough replicas hold the log below. Only grows: what they hold they go on holding. */
  replicated = 0
  private readonly options: SyncOptions
  /** Nobody waits for what is below: enough have it, or the master had stored it while too few were in sync. */
  private settled: number
  /** Those in sync, who has acknowledged most first. */
  private readonly inSync: Peer[] = []

  constructor(options: SyncOptions, log: { readonly written: number; readonly stored: number }) {
    this.options = options
    this.end = log.written
    this.stored = log.stored
    this.settled = log.stored
  }

  /** Enough replicas are in sync for acknowledgements to wait for them. */
  get available(): boolean {
    return this.count + 1 >= this.options.inSyncReplicas
  }

  isInSync(peer: Peer): boolean {
    if (!peer.isFollowing || peer.lapsed || peer.acked < peer.mustReach) return false
    return peer.holdsFrom <= this.settled && this.end - peer.acked <= this.options.gapMax
  }

  /** When the slave is out of sync unless it acknowledges something; Infinity when nothing waits for it. */
  lapseMs(peer: Peer): number {
    if (peer.waitingSinceMs < 0 || peer.lapsed) return Number.POSITIVE_INFINITY
    return peer.waitingSinceMs + this.options.slaveTimeoutMs + LAPSE_GRACE_MS
  }

  /** Counts anew, after anything has changed. */
  settle(peers: Iterable<Peer>): void {
    const { inSync } = this
    const needed = this.options.inSyncReplicas - 1
    if (needed < 1 || !this.available) this.settled = Math.max(this.settled, this.stored)
    let before: number
    do {
      before = this.settled
      inSync.length = 0
      for (const peer of peers) if (this.isInSync(peer)) inSync.push(peer)
      this.count = inSync.length
      if (inSync.length > 1) inSync.sort(byAcked)
      this.advance(needed)
      // What is settled now may let one more count.
    } while (this.settled > before)
  }

  /** The watermark goes to the highest acknowledgement that `needed` of them share, each holding something below it. */
  private advance(needed: number): void {
    const { inSync } = this
    for (let i = needed - 1; i >= 0 && i < inSync.length; i++) {
      const offset = inSync[i]!.acked
      if (offset <= this.replicated) return
      let holders = 0
      for (let j = 0; j <= i; j++) if (inSync[j]!.holdsFrom < offset) holders++
      if (holders < needed) continue
      this.replicated = offset
      this.settled = Math.max(this.settled, offset)
      return
    }
  }
}

function byAcked(a: Peer, b: Peer): number {
  return b.acked - a.acked
}
