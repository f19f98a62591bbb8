import type { HaIdentity, HaProtocol } from '../ha-options.ts'
import { FlowControl } from './flow-control.ts'
import { RateMeter } from './rate-meter.ts'

/**
 * `opening`: its first bytes tell which protocol it speaks. `greeting`: HELLO is awaited. `proving`: it was welcomed, its
 * proof is awaited. `known`: it may compare logs and follow. `following`: the log is sent to it. `closed`.
 */
export type PeerPhase = 'opening' | 'greeting' | 'proving' | 'known' | 'following' | 'closed'

/** What a master knows of one connection. Changed by the core alone. */
export class Peer {
  /** host:port of its end. */
  readonly address: string
  readonly openedMs: number
  readonly flow: FlowControl
  readonly rate: RateMeter
  phase: PeerPhase = 'opening'
  protocol: HaProtocol = 'apogee'
  identity: HaIdentity | null = null
  /** It holds the log up to here: what it has acknowledged, or where it began to follow. Never beyond `sent`. */
  acked = 0
  /**
   * Of what is below its acknowledgement it has what is above here: a log that began at its master's last file, or has lost
   * its own first files.
   */
  holdsFrom = 0
  /** The log was sent up to here. */
  sent = 0
  lastReadMs: number
  lastWriteMs: number
  /** Since when something waits for its acknowledgement and none has come; −1: nothing waits. */
  waitingSinceMs = -1
  /** It let slaveTimeout pass with something waiting, and has acknowledged nothing since. */
  lapsed = false
  /** It is not in sync before it has acknowledged this: what was there when it came, or came back. */
  mustReach = 0
  /** A range of the log is being read for its CHECK. */
  checking = false

  constructor(address: string, bytesPerSecondMax: number, nowMs: number) {
    this.address = address
    this.openedMs = nowMs
    this.flow = new FlowControl(bytesPerSecondMax, nowMs)
    this.rate = new RateMeter(nowMs)
    this.lastReadMs = nowMs
    this.lastWriteMs = nowMs
  }

  get isFollowing(): boolean {
    return this.phase === 'following'
  }

  /** It has shown who it is. */
  get isKnown(): boolean {
    return this.phase === 'known' || this.phase === 'following'
  }
}
