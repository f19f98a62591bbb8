import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { queueKey } from '../core/queue-key.ts'
import type { OwnedQueue } from '../core/rebalance/plan.ts'
import type { ConsumeMode } from './consume-mode.ts'
import type { ConsumerContext } from './consumer-context.ts'
import type { MessagePage } from './message-page.ts'
import { withoutNamespace } from './names.ts'
import type { OrderLocks } from './order-locks.ts'
import { QueueReader, type ReaderListener } from './queue-reader.ts'
import { StartOffset } from './start-offset.ts'

/** Handlers of a queue that goes to another member may end within this; the next owner begins 500 ms after it got it. */
const RELEASE_GRACE_MS = 400
/** The same in ordered consumption, where the lock keeps the next owner waiting (Java: UNLOCK_DELAY_TIME_MILLS). */
const UNLOCK_GRACE_MS = 20_000
/** A broker forgets a lock that is not confirmed for so long (Java: REBALANCE_LOCK_MAX_LIVE_TIME). */
const BROKER_LOCK_LIVE_MS = 60_000

/** The queues that this member reads. */
export class Assignment<T> implements ReaderListener<T> {
  private readonly context: ConsumerContext<T>
  private readonly mode: ConsumeMode<T>
  /** Null where no locks are needed. */
  private readonly locks: OrderLocks | null
  private readonly startOffset: StartOffset
  private readonly readers = new Map<string, QueueReader<T>>()
  /** Given up, but handlers still run. */
  private readonly releasing = new Map<string, { reader: QueueReader<T>; done: Promise<void> }>()
  private readonly pausedKeys = new Set<string>()
  private isPausedAll = false
  private isClosed = false

  constructor(context: ConsumerContext<T>, mode: ConsumeMode<T>, locks: OrderLocks | null) {
    this.context = context
    this.mode = mode
    this.locks = locks
    this.startOffset = new StartOffset(context.client)
  }

  all(): QueueReader<T>[] {
    return [...this.readers.values()]
  }

  /** Those whose handlers still run before they are given up are among them. */
  withReleasing(): QueueReader<T>[] {
    return [...this.all(), ...[...this.releasing.values()].map(({ reader }) => reader)]
  }

  find(queue: MessageQueue): QueueReader<T> | undefined {
    return this.readers.get(queueKey(queue))
  }

  ownedOf(topic: string, nowMs: number): OwnedQueue[] {
    const owned: OwnedQueue[] = []
    for (const { queue, process } of this.readers.values()) {
      if (queue.topic !== topic) continue
      owned.push({ queue, isReleasing: false, isExpired: process.isPullExpired(nowMs) })
    }
    for (const { reader } of this.releasing.values()) {
      const { queue } = reader
      if (queue.topic === topic) owned.push({ queue, isReleasing: true, isExpired: false })
    }
    return owned
  }

  isReleasing(queue: MessageQueue): boolean {
    return this.releasing.has(queueKey(queue))
  }

  /** Begins to read a queue. `lockedMs`: when its lock was given. Rejects when its offset cannot be told now. */
  async start(queue: MessageQueue, lockedMs: number | null): Promise<void> {
    const { offsets, store, settings } = this.context
    const stored = await store.read(queue)
    const cell = offsets.cell(queue)
    // A broker that comes back may have forgotten the last seconds; a cell that was kept has not.
    let offset = Math.max(stored ?? -1, cell.offset)
    if (offset < 0) offset = await this.startOffset.of(queue, settings.from)
    if (this.isClosed || this.readers.has(queueKey(queue))) return
    cell.update(offset, true)
    if (stored !== null) cell.markPersisted(stored)
    this.add(queue, offset, lockedMs)
  }

  /**
   * Gives a queue up. Its handlers hear of it and have a moment to end; then its offset is kept and its lock
   * returned. Never rejects.
   */
  release(queue: MessageQueue, reason: string): void {
    const key = queueKey(queue)
    const reader = this.readers.get(key)
    if (reader === undefined) return
    this.readers.delete(key)
    reader.release()
    const { client } = this.context
    const group = withoutNamespace(client.namespace, this.context.group)
    client.log.info({ event: 'queue_lost', group, queue, reason })
    client.status.emit({ type: 'queue-lost', group, queue, reason })
    this.persist([reader])
    const done = this.finish(reader, reason).finally(() => this.releasing.delete(key))
    this.releasing.set(key, { reader, done })
  }

  /** Reads on at another offset: a tool or the broker says so. What handlers still have does not count any more. */
  async moveTo(reader: QueueReader<T>, offset: number, reason: string): Promise<void> {
    const { queue } = reader
    const { offsets, store } = this.context
    reader.drop()
    store.persist([{ queue, offset }])
    offsets.remove(queue)
    this.mode.lost(reader, lostError(queue, reason))
    this.mode.dropped(reader)
    if (this.mode.isOrdered) await this.mode.quiet(reader)
    const key = queueKey(queue)
    if (this.readers.get(key) !== reader || this.isClosed) return
    this.readers.delete(key)
    offsets.cell(queue).update(offset, true)
    const { isLocked, lastLockMs } = reader.process
    this.add(queue, offset, isLocked ? lastLockMs : null)
  }

  /**
   * A lock that was not ours for a while is again: another member may have handled what waits here, and then its
   * offset is ahead of ours. Never rejects: without an answer the next confirmation tries again.
   */
  async lockRegained(reader: QueueReader<T>, lockedMs: number): Promise<void> {
    const { queue, process, cell } = reader
    // Refused meanwhile, or gone for longer than the broker keeps a lock: then what is stored is how far the queue is.
    const mayBeAnothers = !process.isLocked || lockedMs - process.lastLockMs > BROKER_LOCK_LIVE_MS
    try {
      const stored = (await this.context.store.read(queue)) ?? cell.offset
      if (reader.isReleased) return
      process.setLocked(true, lockedMs)
      const offset = mayBeAnothers ? stored : Math.max(stored, cell.offset)
      if (offset !== cell.offset) {
        await this.moveTo(reader, offset, 'another member had its lock meanwhile')
        return
      }
      reader.wake()
      this.mode.arrived(reader)
    } catch (error) {
      const { client, group } = this.context
      client.log.warn({ event: 'offset_not_known', group, queue, err: error })
    }
  }

  /** Ends reading everywhere, so that nothing new comes to handlers. */
  stopReading(): void {
    this.isClosed = true
    for (const reader of this.readers.values()) reader.release()
  }

  /**
   * After `stopReading`, once handlers have ended: offsets confirmed, locks returned. Rejects when an offset could
   * not be stored.
   */
  async close(): Promise<void> {
    const readers = this.all()
    this.readers.clear()
    for (const reader of readers) reader.isFinal = true
    await Promise.all([...this.releasing.values()].map(({ done }) => done))
    try {
      await this.persistNow(readers)
    } finally {
      for (const reader of readers) reader.drop()
      await this.locks?.release(readers.map(({ queue }) => queue))
    }
  }

  /** Without queues: all, those to come too. */
  pause(queues: readonly MessageQueue[] | undefined): void {
    if (queues === undefined) this.isPausedAll = true
    for (const queue of queues ?? []) this.pausedKeys.add(queueKey(queue))
    for (const reader of this.readers.values()) if (this.isPaused(reader)) reader.pause()
  }

  resume(queues: readonly MessageQueue[] | undefined): void {
    if (queues === undefined) {
      this.isPausedAll = false
      this.pausedKeys.clear()
    }
    for (const queue of queues ?? []) this.pausedKeys.delete(queueKey(queue))
    for (const reader of this.readers.values()) {
      if (this.isPaused(reader)) continue
      reader.resume()
      this.mode.arrived(reader)
    }
  }

  /** Keeps what has changed of these queues, or of all, best effort. */
  persist(readers: readonly QueueReader<T>[] = this.all()): void {
    const pending = readers.filter((one) => one.cell.isPending && this.mayStore(one))
    const sent = this.context.store.persist(pending.map(({ cell }) => offsetOf(cell)))
    for (const { queue, offset } of sent) this.find(queue)?.cell.markPersisted(offset)
  }

  arrived(reader: QueueReader<T>): void {
    this.mode.arrived(reader)
  }

  acknowledgerOf(reader: QueueReader<T>): MessagePage<T>['acknowledger'] {
    return this.mode.acknowledgerOf(reader)
  }

  offsetIllegal(reader: QueueReader<T>, offset: number): void {
    void this.moveTo(reader, offset, 'the broker has corrected its offset')
  }

  private add(queue: MessageQueue, offset: number, lockedMs: number | null): void {
    const cell = this.context.offsets.cell(queue)
    const reader = new QueueReader<T>(this.context, this, cell, offset, this.locks !== null)
    if (lockedMs !== null) reader.process.setLocked(true, lockedMs)
    this.readers.set(queueKey(queue), reader)
    if (this.isPaused(reader)) reader.pause()
    reader.start()
  }

  private async finish(reader: QueueReader<T>, reason: string): Promise<void> {
    const { offsets, pullSource } = this.context
    const { queue } = reader
    this.mode.lost(reader, lostError(queue, reason))
    const graceMs = this.mode.isOrdered ? UNLOCK_GRACE_MS : RELEASE_GRACE_MS
    await this.within(graceMs, this.mode.quiet(reader))
    reader.isFinal = true
    if (this.locks === null) this.persist([reader])
    else await this.persistNow([reader]).catch(() => undefined)
    reader.drop()
    this.mode.dropped(reader)
    if (this.isBrokerKnown(queue)) offsets.remove(queue)
    pullSource.remove(queue)
    if (this.locks !== null) await this.locks.release([queue])
  }

  private async persistNow(readers: readonly QueueReader<T>[]): Promise<void> {
    const known = readers.filter((one) => one.cell.offset >= 0 && this.mayStore(one))
    try {
      await this.context.store.persistNow(known.map(({ cell }) => offsetOf(cell)))
      for (const { cell } of known) cell.markPersisted(cell.offset)
    } catch (error) {
      const { client, group } = this.context
      client.log.error({ event: 'offsets_not_stored', group, err: error })
      throw error
    }
  }

  /** Without its lock a queue may be another member's by now, whose offset is the one that counts. */
  private mayStore({ process }: QueueReader<T>): boolean {
    return this.locks === null || process.hasValidLock(this.context.client.env.clock.monotonicMs())
  }

  /** A broker that is gone has its queues in no route: our offsets are all there is until it returns. */
  private isBrokerKnown(queue: MessageQueue): boolean {
    const route = this.context.client.routes.peek(queue.topic)
    return route?.data.brokerDatas.some((data) => data.brokerName === queue.brokerName) ?? false
  }

  private isPaused(reader: QueueReader<T>): boolean {
    return this.isPausedAll || this.pausedKeys.has(queueKey(reader.queue))
  }

  private within(ms: number, done: Promise<void>): Promise<void> {
    const { clock } = this.context.client.env
    return new Promise((resolve) => {
      const timer = clock.after(ms, resolve)
      void done.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}

function offsetOf(cell: { queue: MessageQueue; offset: number }): {
  queue: MessageQueue
  offset: number
} {
  return { queue: cell.queue, offset: cell.offset }
}

function lostError(queue: MessageQueue, reason: string): RocketMQError {
  const { topic, brokerName, queueId } = queue
  const text = `${topic} ${brokerName}:${queueId}: ${reason}`
  return new RocketMQError(ErrorCode.QUEUE_LOST, text)
}
