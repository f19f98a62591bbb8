import type { Clock, Timer } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import {
  type AckSink,
  APPEND_BUSY,
  APPEND_DISK_FULL,
  APPEND_OK,
  APPEND_UNAVAILABLE,
  type ConsumeQueue,
  isStored,
  type MessageStore,
  QueueUnits,
  type QueueWaiter,
} from '@apogee/store'
import type { DueMessage } from './due-message.ts'

/** Entries of the queue read at once. */
const UNITS = 64
/** The longest sleep: a wall clock that jumps is noticed within it. */
const SLEEP_MAX_MS = 1000
/** After the store refused or a read failed. */
const RETRY_MS = 100
const FULL_RETRY_MS = 1000

export interface DeliveryDeps {
  store: Pick<MessageStore, 'draft' | 'append' | 'readRecord'>
  clock: Clock
  log: Logger
  due: DueMessage
  /** Progress has moved. */
  moved: () => void
  /** A copy is stored. */
  delivered: (topic: string, bytes: number) => void
}

/**
 * Delivers one delay level: its queue is in order of delivery time, so only its head matters. Reads entries as they fall
 * due, appends copies without waiting for each other, and moves `offset` over those that are acknowledged, in order: after
 * a crash everything from `offset` on is delivered (again). An idle level has no timer.
 */
export class DelayLevelDelivery implements AckSink, QueueWaiter {
  readonly level: number
  /** Everything below is delivered: what delayOffset.json holds. */
  offset: number
  private readonly delayMs: number
  private readonly inFlightMax: number
  private readonly queue: ConsumeQueue
  private readonly deps: DeliveryDeps
  private readonly units = new QueueUnits(UNITS)
  /** The next entry to look at; `offset` ≤ `next`. */
  private next: number
  /** Outcome of each entry from `offset` on: 1 = done. A ring of `inFlightMax` places. */
  private readonly done: Uint8Array
  private busy = false
  private running = false
  private timer: Timer | null = null

  constructor(
    options: { level: number; delayMs: number; offset: number; inFlightMax: number },
    queue: ConsumeQueue,
    deps: DeliveryDeps,
  ) {
    this.level = options.level
    this.delayMs = options.delayMs
    this.inFlightMax = options.inFlightMax
    this.offset = options.offset
    this.next = options.offset
    this.queue = queue
    this.deps = deps
    this.done = new Uint8Array(options.inFlightMax)
  }

  /** Copies that are not acknowledged yet. */
  get inFlight(): number {
    return this.next - this.offset
  }

  get queueOffsetMax(): number {
    return this.queue.maxOffset
  }

  start(): void {
    this.running = true
    this.queue.waiter = this
    this.work()
  }

  /** No further copy is appended; acknowledgements on their way still move `offset`. */
  stop(): void {
    this.running = false
    this.timer?.cancel()
    this.timer = null
    if (this.queue.waiter === this) this.queue.waiter = null
  }

  arrived(): void {
    if (this.timer === null && !this.busy) this.sleep(0)
  }

  stored(token: number, outcome: number): void {
    // However safe the copy is, it is in the log; a second one would be a duplicate.
    if (isStored(outcome)) {
      this.finish(token)
      return
    }
    // Nothing after the refused one counts: all of it is read and appended again, later.
    if (token < this.next) {
      this.next = token
      this.done.fill(0)
      this.deps.log.warn({ event: 'delayed_copy_refused', level: this.level, outcome })
      this.sleep(FULL_RETRY_MS)
    }
  }

  private finish(queueOffset: number): void {
    if (queueOffset < this.offset || queueOffset >= this.next) return
    const ring = this.done
    ring[queueOffset % ring.length] = 1
    const before = this.offset
    while (this.offset < this.next && ring[this.offset % ring.length] === 1) {
      ring[this.offset % ring.length] = 0
      this.offset++
    }
    if (this.offset === before) return
    this.deps.moved()
    if (this.timer === null && !this.busy && this.next < this.queue.maxOffset) this.sleep(0)
  }

  private sleep(delayMs: number): void {
    if (!this.running) return
    this.timer?.cancel()
    this.timer = this.deps.clock.after(delayMs, () => {
      this.timer = null
      this.work()
    })
  }

  private work(): void {
    if (!this.running || this.busy) return
    this.correctOffset()
    const room = this.inFlightMax - this.inFlight
    if (room <= 0 || this.next >= this.queue.maxOffset) return
    this.busy = true
    this.queue.read(this.next, Math.min(UNITS, room), this.units, (error) => {
      if (error === null) void this.deliverUnits()
      else this.failed(error)
    })
  }

  /** The log may have lost what the level had not delivered, or an old file may claim more than there is. */
  private correctOffset(): void {
    const minOffset = this.queue.minOffset()
    const { maxOffset } = this.queue
    const target = this.offset < minOffset ? minOffset : Math.min(this.offset, maxOffset)
    if (target === this.offset) return
    const { level, offset: from } = this
    this.deps.log.error({ event: 'delay_offset_corrected', level, from, to: target })
    this.offset = target
    this.next = Math.max(this.next, target)
    if (this.next > maxOffset) this.next = target
    this.done.fill(0)
    this.deps.moved()
  }

  private async deliverUnits(): Promise<void> {
    try {
      const sleepMs = await this.deliverDue()
      this.busy = false
      if (sleepMs >= 0) this.sleep(sleepMs)
    } catch (error) {
      this.failed(error)
    }
  }

  /** How long to sleep; −1 when there is nothing to wait for. */
  private async deliverDue(): Promise<number> {
    const { units } = this
    for (let i = 0; i < units.count; i++) {
      const queueOffset = units.firstOffset + i
      // A refused copy has moved `next` back: what was read is not next any more.
      if (!this.running || queueOffset !== this.next) return RETRY_MS
      const waitMs = this.waitMs(units.tagsCode[i]!)
      if (waitMs > 0) return Math.min(waitMs, SLEEP_MAX_MS)
      const retryMs = await this.deliver(queueOffset, units.physicalOffset[i]!)
      if (retryMs > 0) return retryMs
    }
    if (this.next >= this.queue.maxOffset) return -1
    return this.inFlight < this.inFlightMax ? 0 : -1
  }

  /** An entry's tags code is its time; one further away than the level allows is due now (the clock was set back). */
  private waitMs(deliverTimestamp: number): number {
    const nowMs = this.deps.clock.wallMs()
    return deliverTimestamp > nowMs + this.delayMs ? 0 : deliverTimestamp - nowMs
  }

  /** 0, or how long to wait before trying this entry again. */
  private async deliver(queueOffset: number, physicalOffset: number): Promise<number> {
    const { store, due, log } = this.deps
    const record = await store.readRecord(physicalOffset)
    if (!this.running || queueOffset !== this.next) return RETRY_MS
    if (record === null || !due.fill(store.draft, record)) {
      const reason = record === null ? 'record_gone' : 'no_real_topic'
      const { level } = this
      log.error({ event: 'delayed_message_dropped', level, queueOffset, physicalOffset, reason })
      this.next++
      this.finish(queueOffset)
      return 0
    }
    const status = store.append(this, queueOffset)
    if (status === APPEND_BUSY) return RETRY_MS
    if (status === APPEND_DISK_FULL || status === APPEND_UNAVAILABLE) return FULL_RETRY_MS
    if (status !== APPEND_OK) {
      // maxMessageSize was lowered. Dropping it would lose it: the level waits for the operator.
      log.error({ event: 'delayed_copy_refused', level: this.level, queueOffset, status })
      return FULL_RETRY_MS
    }
    this.next++
    this.deps.delivered(store.draft.topic, store.draft.size)
    return 0
  }

  private failed(error: unknown): void {
    this.busy = false
    this.deps.log.error({ event: 'delayed_messages_unread', level: this.level, err: error })
    this.sleep(FULL_RETRY_MS)
  }
}
