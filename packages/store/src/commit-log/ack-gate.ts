import { assert } from '@apogee/base'
import {
  AckQueue,
  type AckSink,
  STORED,
  STORED_FLUSH_TIMEOUT,
  STORED_NO_SLAVE,
  STORED_SLAVE_TIMEOUT,
} from './ack-queue.ts'

// Who hears when that a record is safe, and up to where the log may be seen:
//
//   local ──────────────► confirmed            without replicas, or while too few of them are in sync
//   min(local, replicated) ► confirmed         while enough are: SYNC_MASTER
//   min(local, passed) ──► confirmed           … whoever has waited for them for longer than slaveTimeout
//
// `local` is what this node vouches for by its flush mode. Acknowledgements are given in log order, and so that a record is
// visible by the time its sender may ask for it.

/** Everything below `offset` was appended before `atMs`. */
interface Mark {
  offset: number
  atMs: number
}

/** Holds acknowledgements, and the visibility of the log, until what they promise is true. */
export class AckGate {
  /** Acknowledged, and visible once it is dispatched. Never goes back. */
  confirmed = 0
  private readonly sync: boolean
  private readonly waiting = new AckQueue()
  /** WAIT=false: acknowledged from the page cache of this node. */
  private readonly early = new AckQueue(16)
  private local = 0
  private required = false
  private available = false
  private replicated = 0
  /** What has waited for replicas for too long ends here. */
  private passed = 0
  private slaveTimeoutMs = 0
  /** For records that nobody waits for: they become visible all the same. At most one for each tick of the time-out. */
  private marks: Mark[] = []

  constructor(sync: boolean) {
    this.sync = sync
  }

  openAt(end: number): void {
    this.local = this.confirmed = end
  }

  push(sink: AckSink, token: number, end: number, nowMs: number, waitStore: boolean): void {
    const early = !waitStore && (this.sync || this.required)
    const queue = early ? this.early : this.waiting
    queue.push(sink, token, end, nowMs)
  }

  /** The log is in the files up to `offset`. */
  writtenTo(offset: number): void {
    this.early.drainTo(offset, STORED)
  }

  /** This node vouches for the log up to `offset`. True when `confirmed` has moved. */
  storedTo(offset: number): boolean {
    assert(offset >= this.local, 'what is stored goes back', offset, this.local)
    this.local = offset
    return this.advance()
  }

  /** See LogReplication.requireReplicas. */
  requireReplicas(timeoutMs: number): void {
    this.required = true
    this.slaveTimeoutMs = timeoutMs
  }

  /** See LogReplication.setReplicated. True when `confirmed` has moved. */
  setReplicated(offset: number, available: boolean): boolean {
    this.replicated = Math.max(this.replicated, offset)
    this.available = available
    return this.advance()
  }

  /**
   * Gives up on what has waited too long: for replicas once it is stored here, or for the disk under SYNC_FLUSH. To be
   * called at a steady tick; `appended` is where the log ends now. True when `confirmed` has moved.
   */
  expire(nowMs: number, appended: number, syncFlushTimeoutMs: number): boolean {
    const moved = this.required && this.expireReplicas(nowMs, appended)
    if (this.sync) this.waiting.expire(nowMs - syncFlushTimeoutMs, this.local, STORED_FLUSH_TIMEOUT)
    return moved
  }

  /** Nobody will answer any more: the log is closed, and stored up to `local`. */
  giveUpReplicas(): void {
    this.passed = this.local
    this.advance()
  }

  /** Monotonic time since when the oldest waits for this node's disk; −1 when none does. */
  oldestUnstored(): number {
    return this.waiting.oldestAbove(this.local)
  }

  /** Records that end above `offset` are taken back. */
  failAbove(offset: number, outcome: number): void {
    this.passed = Math.min(this.passed, offset)
    for (const mark of this.marks) mark.offset = Math.min(mark.offset, offset)
    this.early.failAbove(offset, outcome)
    this.waiting.failAbove(offset, outcome)
  }

  failAll(outcome: number): void {
    this.early.failAll(outcome)
    this.waiting.failAll(outcome)
  }

  private expireReplicas(nowMs: number, appended: number): boolean {
    const { marks } = this
    const deadline = nowMs - this.slaveTimeoutMs
    this.passed = Math.max(this.passed, this.waiting.endBefore(deadline))
    while (marks.length > 0 && marks[0]!.atMs <= deadline) {
      this.passed = Math.max(this.passed, marks.shift()!.offset)
    }
    const marked = marks.at(-1)?.offset ?? this.passed
    if (appended > Math.max(marked, this.confirmed)) marks.push({ offset: appended, atMs: nowMs })
    return this.advance()
  }

  private advance(): boolean {
    const { local, waiting } = this
    const before = this.confirmed
    if (!this.required) {
      this.confirmed = local
      waiting.drainTo(local, STORED)
      return this.confirmed > before
    }
    // Sinks may call back: the numbers are taken, and `confirmed` is right, before the first of them hears.
    const { available } = this
    const replicated = Math.min(local, this.replicated)
    const alone = available ? Math.min(local, this.passed) : local
    const confirmed = Math.max(before, replicated, alone)
    this.confirmed = confirmed
    waiting.drainTo(replicated, STORED)
    waiting.drainTo(alone, available ? STORED_SLAVE_TIMEOUT : STORED_NO_SLAVE)
    return confirmed > before
  }
}
