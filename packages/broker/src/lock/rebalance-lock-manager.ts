import type { Clock } from '@apogee/env'

/** One queue of a topic on a broker: what clients lock. */
export interface LockedQueue {
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
}

export interface RebalanceLockOptions {
  /** A lock that is not renewed for this long is free. Clients renew every 20 s. Default 60,000. */
  lockMaxLiveMs?: number
  /** Locks of all groups together; beyond it no new one is given. Default 1,000,000. */
  locksMax?: number
}

interface LockEntry {
  clientId: string
  updatedMs: number
}

/**
 * Which client of a group consumes a queue in order. Kept in memory only: after a restart the clients, which renew every
 * 20 s, lock again. Java: RebalanceLockManager.
 */
export class RebalanceLockManager {
  private readonly clock: Clock
  private readonly lockMaxLiveMs: number
  private readonly locksMax: number
  private readonly groups = new Map<string, Map<string, LockEntry>>()
  private count = 0

  constructor(options: RebalanceLockOptions, deps: { clock: Clock }) {
    this.clock = deps.clock
    this.lockMaxLiveMs = options.lockMaxLiveMs ?? 60_000
    this.locksMax = options.locksMax ?? 1_000_000
  }

  get size(): number {
    return this.count
  }

  /** Locks or renews what it can; returns the queues that the client now holds. */
  tryLockBatch(group: string, queues: readonly LockedQueue[], clientId: string): LockedQueue[] {
    const nowMs = this.clock.monotonicMs()
    return queues.filter((queue) => this.tryLock(group, keyOf(queue), clientId, nowMs))
  }

  /** Frees the queues that this client holds; those of others stay. */
  unlockBatch(group: string, queues: readonly LockedQueue[], clientId: string): void {
    const locks = this.groups.get(group)
    if (locks === undefined) return
    for (const queue of queues) {
      const key = keyOf(queue)
      if (locks.get(key)?.clientId !== clientId) continue
      locks.delete(key)
      this.count--
    }
    if (locks.size === 0) this.groups.delete(group)
  }

  /** Whether no client of the group holds any lock: retried messages of a group with locks go to its dead letters. */
  isLockAllExpired(group: string): boolean {
    const locks = this.groups.get(group)
    if (locks === undefined) return true
    const nowMs = this.clock.monotonicMs()
    for (const entry of locks.values()) if (!this.isExpired(entry, nowMs)) return false
    return true
  }

  /** Drops locks that ran out, so that groups that are gone take no memory. */
  removeExpired(): void {
    const nowMs = this.clock.monotonicMs()
    for (const [group, locks] of this.groups) {
      for (const [key, entry] of locks) {
        if (!this.isExpired(entry, nowMs)) continue
        locks.delete(key)
        this.count--
      }
      if (locks.size === 0) this.groups.delete(group)
    }
  }

  private tryLock(group: string, key: string, clientId: string, nowMs: number): boolean {
    let locks = this.groups.get(group)
    const entry = locks?.get(key)
    if (entry !== undefined) {
      if (entry.clientId !== clientId && !this.isExpired(entry, nowMs)) return false
      entry.clientId = clientId
      entry.updatedMs = nowMs
      return true
    }
    if (this.count >= this.locksMax) return false
    if (locks === undefined) {
      locks = new Map()
      this.groups.set(group, locks)
    }
    locks.set(key, { clientId, updatedMs: nowMs })
    this.count++
    return true
  }

  private isExpired(entry: LockEntry, nowMs: number): boolean {
    return nowMs - entry.updatedMs > this.lockMaxLiveMs
  }
}

function keyOf(queue: LockedQueue): string {
  return `${queue.topic}@${queue.brokerName}@${queue.queueId}`
}
