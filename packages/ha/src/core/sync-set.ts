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
export const LAPSE_GRACE_MS = 100

/**
 * Which slaves are in sync, and how far enough of them hold the log. A slave is in sync when it follows, is no more than
 * haMaxGapNotInSync behind, has once acknowledged what was there when it came, and was not silent for slaveTimeout while
 * something waited for it; then it must first acknowledge what is there when it is heard again.
 */
export class SyncSet {
  /** End of the master's log. */
  end: number
  /** Slaves in sync. */
  count = 0
  /** Enough replicas hold the log below. Only grows: what they hold they go on holding. */
  replicated = 0
  private readonly options: SyncOptions
  private readonly ackedInSync: number[] = []

  constructor(options: SyncOptions, end: number) {
    this.options = options
    this.end = end
  }

  /** Enough replicas are in sync for acknowledgements to wait for them. */
  get available(): boolean {
    return this.count + 1 >= this.options.inSyncReplicas
  }

  isInSync(peer: Peer): boolean {
    if (!peer.isFollowing || peer.lapsed || peer.acked < peer.mustReach) return false
    return this.end - peer.acked <= this.options.gapMax
  }

  /** When the slave is out of sync unless it acknowledges something; Infinity when nothing waits for it. */
  lapseMs(peer: Peer): number {
    if (peer.waitingSinceMs < 0 || peer.lapsed) return Number.POSITIVE_INFINITY
    return peer.waitingSinceMs + this.options.slaveTimeoutMs + LAPSE_GRACE_MS
  }

  /** Counts anew, after anything has changed. */
  settle(peers: Iterable<Peer>): void {
    const acked = this.ackedInSync
    acked.length = 0
    for (const peer of peers) if (this.isInSync(peer)) acked.push(peer.acked)
    this.count = acked.length
    const needed = this.options.inSyncReplicas - 1
    if (needed < 1 || acked.length < needed) return
    if (acked.length > 1) acked.sort(descending)
    this.replicated = Math.max(this.replicated, acked[needed - 1]!)
  }
}

function descending(a: number, b: number): number {
  return b - a
}
