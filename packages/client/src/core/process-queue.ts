import { assert } from '@apogee/base'
import type { MessageQueue } from '../api/message.ts'

/**
 * A lock is trusted for so long after the broker gave it; the broker keeps it for 60 s (Java:
 * REBALANCE_LOCK_MAX_LIVE_TIME).
 */
export const LOCK_VALID_MS = 30_000
/** A queue that was not asked for so long has lost its pull loop (Java: PULL_MAX_IDLE_TIME). */
export const PULL_IDLE_MAX_MS = 120_000

const WAITING = 0
const TAKEN = 1
const DONE = 2

const SLOTS_INITIAL = 64

/** What a message must have to be kept in a ProcessQueue. */
export interface QueuedMessage {
  readonly queueOffset: number
}

/**
 * The messages of one queue between the pull and the acknowledgement (Java: ProcessQueue). They lie in a ring in the
 * order of their offsets, which may have gaps where a filter left messages out:
 *
 *     ┌ head                ┌ cursor             ┌ tail
 *     │ taken, some done    │ waiting            │ free …
 *
 * The lowest message is never done; its offset is the commit offset: everything before it is consumed. The highest is
 * never done either, so that one stuck handler keeps one slot and not all that were done after it. Nothing is
 * allocated per message. Concurrent handlers use take and done, ordered ones take, commitTaken and rollbackTaken.
 */
export class ProcessQueue<M extends QueuedMessage> {
  readonly queue: MessageQueue
  private readonly bytesOf: (message: M) => number

  // Slots, as parallel arrays whose length is a power of two. Positions count up for ever; a slot is position & mask.
  private mask = SLOTS_INITIAL - 1
  private messages: (M | undefined)[] = new Array<M | undefined>(SLOTS_INITIAL).fill(undefined)
  private offsets = new Float64Array(SLOTS_INITIAL)
  private sizes = new Float64Array(SLOTS_INITIAL)
  private states = new Uint8Array(SLOTS_INITIAL)
  private putTimes = new Float64Array(SLOTS_INITIAL)

  /** Position of the lowest message, which is not done; equal to `tail` when there is none. */
  private head = 0
  /** Position of the next message to take. head ≤ cursor ≤ tail. */
  private cursor = 0
  /** After the highest message, which is not done. */
  private tail = 0
  /** Messages that are not done, and their bytes. */
  private countNow = 0
  private bytesNow = 0
  /** All below are here, done, or not for us; −1 as long as nothing is known. */
  private nextOffset = -1

  private droppedNow = false
  private lockedNow = false
  private lockTimeMs = Number.NEGATIVE_INFINITY
  /** When it was last asked for; set by the driver at every pull, also one that flow control puts off. */
  lastPullMs: number
  /** When a handler last took or finished something. */
  lastConsumeMs: number
  /** Of unlocking, when it was given up while a handler ran. */
  tryUnlockTimes = 0

  /** `bytesOf` is what a message counts for flow control; it must not change while the message is here. */
  constructor(queue: MessageQueue, bytesOf: (message: M) => number, nowMs: number) {
    this.queue = queue
    this.bytesOf = bytesOf
    this.lastPullMs = nowMs
    this.lastConsumeMs = nowMs
  }

  /** Messages that are not done. */
  get count(): number {
    return this.countNow
  }

  get bytes(): number {
    return this.bytesNow
  }

  /** From the lowest to the highest offset that is not done; 0 when there is none (Java: getMaxSpan). */
  get span(): number {
    return this.head === this.tail ? 0 : this.maxOffset - this.minOffset
  }

  get waitingCount(): number {
    return this.tail - this.cursor
  }

  get takenCount(): number {
    return this.countNow - this.waitingCount
  }

  /** Lowest offset that is not done; −1 when there is none. */
  get minOffset(): number {
    return this.head === this.tail ? -1 : (this.offsets[this.head & this.mask] ?? -1)
  }

  /** Highest offset that is not done; −1 when there is none. */
  get maxOffset(): number {
    return this.head === this.tail ? -1 : (this.offsets[(this.tail - 1) & this.mask] ?? -1)
  }

  /** Lowest offset of a message that waits; −1 when none does. */
  get minWaitingOffset(): number {
    return this.cursor === this.tail ? -1 : (this.offsets[this.cursor & this.mask] ?? -1)
  }

  /** Where to go on: the lowest offset that is not done, else the one after all that were seen. −1 when nothing was. */
  get commitOffset(): number {
    return this.head === this.tail ? this.nextOffset : this.minOffset
  }

  /** When the lowest message that is not done came here; null when there is none. */
  get oldestPutMs(): number | null {
    return this.head === this.tail ? null : (this.putTimes[this.head & this.mask] ?? null)
  }

  /** Nothing is put in or taken any more. */
  get isDropped(): boolean {
    return this.droppedNow
  }

  /**
   * Takes the messages of a pull, whose offsets must ascend, and the pull's nextBeginOffset: what lies below it and
   * did not come is not for us. Messages that were here before are left out; a dropped queue takes none. Returns how
   * many came in.
   */
  put(messages: readonly M[], nextBeginOffset: number, nowMs: number): number {
    if (this.droppedNow) return 0
    let added = 0
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i]
      if (message === undefined || message.queueOffset < this.nextOffset) continue
      this.append(message, nowMs)
      added++
    }
    this.skipTo(nextBeginOffset)
    return added
  }

  /** A pull found nothing for us below this offset. Without unfinished messages the commit offset goes on with it. */
  skipTo(nextBeginOffset: number): void {
    if (nextBeginOffset > this.nextOffset && !this.droppedNow) this.nextOffset = nextBeginOffset
  }

  /** The next message to handle, in the order of offsets; undefined when none waits or the queue is dropped. */
  take(nowMs: number): M | undefined {
    if (this.cursor === this.tail || this.droppedNow) return undefined
    const slot = this.cursor & this.mask
    this.cursor++
    this.states[slot] = TAKEN
    this.lastConsumeMs = nowMs
    return this.messages[slot]
  }

  /** Up to `max` of the next messages, appended to `into`. Returns how many. */
  takeInto(into: M[], max: number, nowMs: number): number {
    let taken = 0
    for (; taken < max; taken++) {
      const message = this.take(nowMs)
      if (message === undefined) break
      into.push(message)
    }
    return taken
  }

  /**
   * The message at this offset is consumed (or sent back): it is forgotten. Offsets that are not here, or done
   * already, change nothing. Returns the commit offset.
   */
  done(queueOffset: number, nowMs: number): number {
    const position = this.find(queueOffset)
    if (position >= 0) {
      assert(position < this.cursor, 'a message is done that was not taken', queueOffset)
      this.finish(position)
      this.lastConsumeMs = nowMs
    }
    return this.commitOffset
  }

  /**
   * Whether the message at this offset is here and not done: what expired meanwhile must not be sent back a second
   * time.
   */
  has(queueOffset: number): boolean {
    return this.find(queueOffset) >= 0
  }

  /**
   * Ordered: the lowest `count` of what is taken, by default all, is consumed. What else was taken stays so until
   * rollbackTaken. Returns the commit offset.
   */
  commitTaken(nowMs: number, count: number = this.cursor - this.head): number {
    const end = this.head + count
    assert(end <= this.cursor, 'more is committed than was taken', count, this.cursor - this.head)
    for (let position = this.head; position < end; position++) this.finish(position)
    this.lastConsumeMs = nowMs
    return this.commitOffset
  }

  /**
   * Ordered: what is taken waits again, in its place (Java: makeMessageToConsumeAgain). Returns how many.
   */
  rollbackTaken(): number {
    const count = this.cursor - this.head
    for (let position = this.head; position < this.cursor; position++) {
      const slot = position & this.mask
      assert(this.states[slot] === TAKEN, 'a queue is both ordered and concurrent')
      this.states[slot] = WAITING
    }
    this.cursor = this.head
    return count
  }

  /**
   * The queue is given up: forgets what waits, takes nothing new, and lets handlers end. What they end still moves
   * the commit offset, up to the lowest message that waited and no further. A queue that comes back gets a new
   * ProcessQueue, because handlers of before must not acknowledge what is delivered again.
   */
  drop(): void {
    if (this.droppedNow) return
    this.droppedNow = true
    if (this.cursor < this.tail) this.nextOffset = this.minWaitingOffset
    while (this.tail > this.cursor) {
      const slot = --this.tail & this.mask
      this.messages[slot] = undefined
      this.countNow--
      this.bytesNow -= this.sizes[slot] ?? 0
    }
    this.popDone()
  }

  /** The broker has given us the lock (again), or refused it. */
  setLocked(locked: boolean, nowMs: number): void {
    this.lockedNow = locked
    if (locked) this.lockTimeMs = nowMs
  }

  get isLocked(): boolean {
    return this.lockedNow
  }

  /** When the lock was last given; −Infinity before. */
  get lastLockMs(): number {
    return this.lockTimeMs
  }

  /** Locked, and not so long ago that another member may have it. Ordered handlers run only while it is true. */
  hasValidLock(nowMs: number): boolean {
    return this.lockedNow && nowMs - this.lockTimeMs <= LOCK_VALID_MS
  }

  /** Not pulled for so long that its loop must have ended: rebalance makes it anew. */
  isPullExpired(nowMs: number): boolean {
    return nowMs - this.lastPullMs > PULL_IDLE_MAX_MS
  }

  private append(message: M, nowMs: number): void {
    if (this.tail - this.head > this.mask) this.grow()
    const slot = this.tail & this.mask
    const size = this.bytesOf(message)
    this.tail++
    this.messages[slot] = message
    this.offsets[slot] = message.queueOffset
    this.sizes[slot] = size
    this.states[slot] = WAITING
    this.putTimes[slot] = nowMs
    this.countNow++
    this.bytesNow += size
    this.nextOffset = message.queueOffset + 1
  }

  private finish(position: number): void {
    const slot = position & this.mask
    this.states[slot] = DONE
    this.messages[slot] = undefined
    this.countNow--
    this.bytesNow -= this.sizes[slot] ?? 0
    if (position === this.head) {
      while (this.head < this.cursor && this.states[this.head & this.mask] === DONE) this.head++
    } else if (position === this.tail - 1) {
      this.popDone()
    }
  }

  /** Keeps the highest message one that is not done. What is popped stays known as seen, by `nextOffset`. */
  private popDone(): void {
    while (this.tail > this.head && this.states[(this.tail - 1) & this.mask] === DONE) this.tail--
    if (this.cursor > this.tail) this.cursor = this.tail
  }

  /** Position of an offset that is here and not done, else −1. Without gaps the first look finds it. */
  private find(queueOffset: number): number {
    if (this.head === this.tail) return -1
    const guess = this.head + (queueOffset - this.minOffset)
    if (guess < this.head) return -1
    if (guess < this.tail && this.offsets[guess & this.mask] === queueOffset) {
      return this.states[guess & this.mask] === DONE ? -1 : guess
    }
    // With gaps it lies below the guess: every position is at least one offset further on.
    let low = this.head
    let high = Math.min(guess, this.tail)
    while (low < high) {
      const middle = low + ((high - low) >>> 1)
      if ((this.offsets[middle & this.mask] ?? 0) < queueOffset) low = middle + 1
      else high = middle
    }
    const slot = low & this.mask
    const found = low < this.tail && this.offsets[slot] === queueOffset
    return found && this.states[slot] !== DONE ? low : -1
  }

  /** Doubles the ring. Flow control bounds it: messages, and their span where done ones lie between. */
  private grow(): void {
    const size = (this.mask + 1) * 2
    const old = this.mask
    const messages = new Array<M | undefined>(size).fill(undefined)
    for (let i = this.head; i < this.tail; i++) messages[i & (size - 1)] = this.messages[i & old]
    this.messages = messages
    this.offsets = this.moved(this.offsets, new Float64Array(size))
    this.sizes = this.moved(this.sizes, new Float64Array(size))
    this.states = this.moved(this.states, new Uint8Array(size))
    this.putTimes = this.moved(this.putTimes, new Float64Array(size))
    this.mask = size - 1
  }

  private moved<T extends Float64Array | Uint8Array>(from: T, to: T): T {
    const mask = to.length - 1
    for (let i = this.head; i < this.tail; i++) to[i & mask] = from[i & this.mask] ?? 0
    return to
  }
}
