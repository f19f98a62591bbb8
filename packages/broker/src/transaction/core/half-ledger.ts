import { assert } from '@apogee/base'
import { actionFor, type Half, type HalfAction, type HalfPolicy } from './half.ts'

/** What is known of a place in the half queue from `progress` on. */
const UNKNOWN = 0
/** The producer has decided. */
const ENDED = 1
/** Nothing is left to do at this place: a newer copy stands elsewhere, or the message was given up, or it is gone. */
const LEFT = 2
/** Undecided, and in memory. */
const KEPT = 3

const WINDOW_START = 1024

export interface LedgerLimits {
  /** Undecided half messages kept in memory. */
  readonly pendingMax: number
  /** Places after the first undecided one that are kept track of. A power of two. */
  readonly windowMax: number
  /** Op messages kept track of. */
  readonly opsMax: number
  /** Decisions remembered to recognise repeated ones. */
  readonly endedMax: number
}

/**
 * The state of all transactions of a broker, without I/O: which half messages are decided, which are to be asked about,
 * and how far the two queues need not be read again. `progress` and `opProgress` are what Apache keeps as consumer offsets
 * of CID_RMQ_SYS_TRANS. Memory is bounded by the limits; a place that must go is renewed at the queue's end.
 *
 *   half queue   … decided │ undecided, decided, decided, undecided │ not read yet …
 *                       progress                                  scanned
 */
export class HalfLedger {
  private readonly limits: LedgerLimits
  private first: number
  private read: number
  private opFirst: number
  private opRead: number
  /** State of `offset` at `offset % window.length`, for [first, first + window.length). */
  private window = new Uint8Array(WINDOW_START)
  /** Undecided ones by identity, in the order of their newest copies. */
  private readonly pending = new Map<number, Half>()
  /** Op messages from opFirst to opRead: the highest half offset that each names. */
  private opNames: number[] = []
  /** Decided identities, oldest first. */
  private readonly ended = new Set<number>()

  constructor(start: { progress: number; opProgress: number }, limits: LedgerLimits) {
    this.limits = limits
    this.first = start.progress
    this.read = start.progress
    this.opFirst = start.opProgress
    this.opRead = start.opProgress
  }

  /** Every half message below is decided, or stands further on. */
  get progress(): number {
    return this.first
  }

  /** The next place of the half queue to read. */
  get scanned(): number {
    return this.read
  }

  /** Every op message below names nothing that is undecided here. */
  get opProgress(): number {
    return this.opFirst
  }

  /** The next op message to read. */
  get opScanned(): number {
    return this.opRead
  }

  /** Undecided half messages that were read. */
  get pendingHalves(): IterableIterator<Half> {
    return this.pending.values()
  }

  get pendingCount(): number {
    return this.pending.size
  }

  /** No further half can be kept: those that were read first must be renewed. */
  get isFull(): boolean {
    const { opsMax, pendingMax } = this.limits
    if (this.pending.size >= pendingMax || this.opNames.length >= opsMax) return true
    return this.read - this.first >= this.windowMax
  }

  /** Whether the producer has decided, as far as is known. Long ago counts as unknown. */
  isEnded(identity: number, offset: number): boolean {
    return this.ended.has(identity) || this.at(offset) === ENDED || this.at(identity) === ENDED
  }

  /** Whether there is nothing to learn from reading a place. */
  isKnown(offset: number): boolean {
    return offset < this.first || this.at(offset) !== UNKNOWN
  }

  /** The undecided half with this identity, when it was read. */
  find(identity: number): Half | undefined {
    return this.pending.get(identity)
  }

  /**
   * Fits the ledger to what the queues hold: the log may have lost their beginnings, and a power cut their ends. Returns
   * how many undecided halves are lost with it.
   */
  fit(half: QueueRange, op: QueueRange): number {
    const before = this.pending.size
    if (this.first > half.max || this.first < half.min) this.jump(clamp(this.first, half))
    if (this.opRead > op.max || this.opFirst < op.min) {
      this.opFirst = clamp(this.opFirst, op)
      this.opRead = this.opFirst
      this.opNames = []
    }
    return before - this.pending.size
  }

  /** An op message was read at `opScanned`. False when it names places too far ahead: read it again later. */
  opFound(offsets: readonly number[]): boolean {
    const highest = Math.max(-1, ...offsets)
    if (highest >= this.first + this.windowMax) return false
    if (this.opNames.length >= this.limits.opsMax) return false
    for (const offset of offsets) {
      if (offset >= this.first) this.end(offset)
      this.remember(offset)
    }
    this.opNames.push(highest)
    this.opRead++
    return true
  }

  /** An undecided half was read at `scanned`. */
  halfFound(half: Half): void {
    assert(half.offset === this.read, 'a half out of turn', half.offset, this.read)
    this.read++
    if (this.isEnded(half.identity, half.offset)) {
      this.mark(half.offset, ENDED)
      return
    }
    const known = this.pending.get(half.identity)
    if (known !== undefined && known.offset >= half.offset) {
      // Read again, or an older copy.
      if (known.offset > half.offset) this.mark(half.offset, LEFT)
      return
    }
    if (known !== undefined) this.mark(known.offset, LEFT)
    this.keep(half)
  }

  /** The place at `scanned` is settled, or holds no half message (any more). */
  placePassed(): void {
    if (this.at(this.read) === UNKNOWN) this.mark(this.read, LEFT)
    this.read++
  }

  /**
   * The producer has decided over the half at `offset`: what was asked for has been stored. Returns the places that the op
   * message must name, so that after a crash no copy is taken for undecided.
   */
  decided(identity: number, offset: number): number[] {
    const names = new Set([offset, identity])
    const known = this.pending.get(identity)
    if (known !== undefined) names.add(known.offset)
    this.pending.delete(identity)
    for (const name of names) this.end(name)
    this.remember(identity)
    return [...names].sort((a, b) => a - b)
  }

  /** A new copy of a half is stored; it is not kept in memory when `forget` is set, but read when its turn comes. */
  renewed(half: Half, copy: Half, forget: boolean): void {
    this.mark(half.offset, LEFT)
    this.pending.delete(half.identity)
    if (!forget && !this.isEnded(half.identity, half.offset)) this.keep(copy)
  }

  /** A half was stored elsewhere for good, or cannot be read. */
  given(half: Half): void {
    this.mark(half.offset, LEFT)
    this.pending.delete(half.identity)
  }

  /** Up to `count` halves with something to do, those that were stored first before others. */
  due(policy: HalfPolicy, count: number, isBusy: (identity: number) => boolean): Due[] {
    const due: Due[] = []
    const isFull = this.isFull
    for (const half of this.pending.values()) {
      if (due.length >= count) break
      if (isBusy(half.identity)) continue
      const action = actionFor(half, policy, isFull)
      if (action !== 'wait') due.push({ half, action })
    }
    return due
  }

  /** Moves `progress` and `opProgress` over all that is settled. */
  advance(): void {
    for (;;) {
      const state = this.at(this.first)
      if (state === UNKNOWN || state === KEPT) break
      this.window[this.first & (this.window.length - 1)] = UNKNOWN
      this.first++
    }
    this.read = Math.max(this.read, this.first)
    let done = 0
    while (done < this.opNames.length && this.opNames[done]! < this.first) done++
    if (done === 0) return
    this.opNames.splice(0, done)
    this.opFirst += done
  }

  private get windowMax(): number {
    return this.limits.windowMax
  }

  private at(offset: number): number {
    if (offset < this.first || offset >= this.first + this.window.length) return UNKNOWN
    return this.window[offset & (this.window.length - 1)]!
  }

  private mark(offset: number, state: number): void {
    if (offset < this.first || offset >= this.first + this.windowMax) return
    while (offset >= this.first + this.window.length) this.grow()
    this.window[offset & (this.window.length - 1)] = state
  }

  private end(offset: number): void {
    const wasKept = this.at(offset) === KEPT
    this.mark(offset, ENDED)
    const known = this.pending.get(offset) ?? (wasKept ? this.keptAt(offset) : undefined)
    if (known === undefined) return
    this.mark(known.offset, ENDED)
    this.pending.delete(known.identity)
  }

  /** Apache's op messages name only the newest copy. */
  private keptAt(offset: number): Half | undefined {
    for (const half of this.pending.values()) if (half.offset === offset) return half
    return undefined
  }

  private keep(half: Half): void {
    this.pending.delete(half.identity)
    this.pending.set(half.identity, half)
    this.mark(half.offset, KEPT)
  }

  private remember(identity: number): void {
    this.ended.add(identity)
    for (const oldest of this.ended) {
      if (this.ended.size <= this.limits.endedMax) break
      this.ended.delete(oldest)
    }
  }

  private grow(): void {
    const before = this.window
    const window = new Uint8Array(before.length * 2)
    for (let i = 0; i < before.length; i++) {
      const offset = this.first + i
      window[offset & (window.length - 1)] = before[offset & (before.length - 1)]!
    }
    this.window = window
  }

  private jump(to: number): void {
    if (to < this.first) {
      this.window.fill(UNKNOWN)
      this.pending.clear()
      this.read = to
    }
    const end = Math.min(to, this.first + this.window.length)
    for (let at = this.first; at < end; at++) this.window[at & (this.window.length - 1)] = UNKNOWN
    for (const half of this.pending.values())
      if (half.offset < to) this.pending.delete(half.identity)
    this.first = to
    this.read = Math.max(to, this.read)
  }
}

/** The places of a queue: [min, max). */
export interface QueueRange {
  readonly min: number
  readonly max: number
}

export interface Due {
  readonly half: Half
  readonly action: HalfAction
}

function clamp(offset: number, { min, max }: QueueRange): number {
  return Math.max(min, Math.min(offset, max))
}
