import { assert } from '@apogee/base'
import type { Done } from '@apogee/env'
import { ConsumeQueue } from './consume-queue.ts'
import { FlushRun, settle } from './flush-run.ts'
import { checkTopic, queueOfName, UNIT_SIZE } from './layout.ts'
import { type ConsumeQueuesDeps, type ConsumeQueuesOptions, QueueContext } from './queue-context.ts'
import { QueueExpiry } from './queue-expiry.ts'
import { clearTail, readRange } from './queue-files.ts'
import { finishRecovery } from './queue-recovery.ts'
import { QueueTable } from './queue-table.ts'
import type { QueueUnit } from './queue-units.ts'

/** Queues used since then keep their newest units longest. */
const RECENT_MS = 10_000

/**
 * All consume queues of a store (ConsumeQueueStore.java), loaded one by one on first use. Derived data: a failed write is
 * reported and made again later, and what a crash took is put again from the log.
 */
export class ConsumeQueues {
  private readonly context: QueueContext
  private readonly table = new QueueTable()
  private readonly expiry: QueueExpiry
  private staging: Buffer | null = null
  private serial = 0
  private run: FlushRun | null = null
  /** Topics deleted while a flush may still write files of theirs. */
  private readonly deletedInRun = new Set<string>()
  private closing: Done | null = null
  private closed = false
  private synced = 0

  constructor(options: ConsumeQueuesOptions, deps: ConsumeQueuesDeps) {
    this.context = new QueueContext(options, deps)
    this.expiry = new QueueExpiry(this.context, (topic, queueId) => this.table.get(topic, queueId))
  }

  /** Where `ConsumeQueue.unitNow` puts what it read. */
  get unit(): QueueUnit {
    return this.context.unit
  }

  /** Bytes put and not written. */
  get dirtyBytes(): number {
    return this.context.dirtyUnits * UNIT_SIZE
  }

  /** Queues with such bytes. */
  get dirtyQueues(): number {
    return this.context.dirtyQueues
  }

  get loadedQueues(): number {
    return this.table.size
  }

  /** Memory held for units. */
  get bufferBytes(): number {
    return this.context.buffers.bytes
  }

  /** Too much is unwritten (the disk does not take it): the dispatcher should wait. */
  get full(): boolean {
    return this.dirtyBytes >= this.context.options.dirtyBytesMax
  }

  /** Units of all records below this log offset are on disk and synced. Moves when a full sync flush has succeeded. */
  get syncedThrough(): number {
    return this.synced
  }

  /** In recovery: a record did not follow on what its queue holds. Recover again with the whole log. */
  get gapFound(): boolean {
    return this.context.gapFound
  }

  get flushing(): boolean {
    return this.run !== null
  }

  /**
   * Tells that everything below `offset` was dispatched. `put` says so for its own record; this is for records without
   * a unit and for where the dispatcher starts.
   */
  dispatched(offset: number): void {
    if (offset > this.context.dispatchedOffset) this.context.dispatchedOffset = offset
  }

  /** What is synced when the store is opened: `dispatchedThrough` of the sidecar. */
  startFrom(offset: number): void {
    this.synced = offset
    this.dispatched(offset)
  }

  /**
   * The queue, loaded from disk on first use. An unknown one is empty. Throws a DiskError, or an ApogeeError for a topic
   * that is no folder name or files that are not of the configured size.
   */
  queue(topic: string, queueId: number): ConsumeQueue {
    return this.table.get(topic, queueId) ?? this.load(topic, queueId)
  }

  /** The same only when it is in memory or on disk. */
  find(topic: string, queueId: number): ConsumeQueue | null {
    const queue = this.table.get(topic, queueId)
    if (queue !== null) return queue
    checkTopic(topic)
    if (this.deletedInRun.has(topic)) return null
    if (!this.context.disk.exists(this.context.folderOf(topic, queueId))) return null
    return this.load(topic, queueId)
  }

  topics(): string[] {
    const names = new Set(this.table.topicNames())
    for (const name of this.context.disk.list(this.context.options.folder)) {
      if (!names.has(name) && this.queuesOnDisk(name).length > 0) names.add(name)
    }
    return [...names].sort()
  }

  queuesOf(topic: string): number[] {
    const ids = new Set(this.table.ofTopic(topic).map((queue) => queue.queueId))
    for (const queueId of this.queuesOnDisk(topic)) ids.add(queueId)
    return [...ids].sort((a, b) => a - b)
  }

  /**
   * The log holds [logMin, logEnd). `logMin` decides minOffset; units of queues that are loaded later count only when they
   * point below the first `logEnd` given (in this process the log only grows, and what it grows by is in memory).
   */
  setLogRange(logMin: number, logEnd: number): void {
    const context = this.context
    if (logMin !== context.logMin) {
      context.logMin = logMin
      context.logMinVersion++
    }
    if (!context.recovering) context.loadEnd = Math.min(context.loadEnd, logEnd)
  }

  /**
   * The log is about to be dispatched again. Units put from now on overwrite what is there. `whole`: from its begin, so
   * that queues may start mid-way, and holes are bridged.
   */
  beginRecovery(options: { whole: boolean } = { whole: false }): void {
    const context = this.context
    context.recovering = true
    context.recoveringWhole = options.whole
    context.gapFound = false
    context.recoveryPass++
    context.loadEnd = Number.MAX_SAFE_INTEGER
  }

  /** The log ends at `logEnd` and all of it was put. Throws a DiskError. */
  endRecovery(logEnd: number): void {
    const context = this.context
    assert(context.recovering, 'recovery ended that had not begun')
    context.recovering = false
    context.loadEnd = logEnd
    if (context.recoveringWhole) context.syncLost = false
    finishRecovery(context, this.table.all())
    this.dispatched(logEnd)
  }

  /**
   * Writes units off the loop: of all queues, or of those with many or old ones. `sync` makes all that was written before
   * durable too. `done` gets the error; what was not written stays and goes with the next flush. One at a time.
   */
  flush(options: { sync: boolean; all: boolean }, done: Done): void {
    assert(this.run === null && !this.closed, 'flush while one is under way or after close')
    this.startFlush(options, done)
  }

  /** Removes a topic's queues, in memory and on disk. Throws a DiskError. */
  deleteTopic(topic: string): void {
    checkTopic(topic)
    for (const queue of this.table.removeTopic(topic)) this.discard(queue)
    if (this.run !== null) this.deletedInRun.add(topic)
    this.removeFolder(topic)
  }

  /**
   * Removes whole files whose last unit lies below `logMin`. Returns how many went in this turn; the rest follows in later
   * turns. Throws a DiskError when the folder cannot be listed.
   */
  deleteExpired(logMin: number): number {
    this.setLogRange(logMin, Number.MAX_SAFE_INTEGER)
    return this.expiry.start()
  }

  /** Gives back the memory of queues that were not used for `idleMs`. */
  evictIdle(idleMs: number): void {
    this.context.lookAtClock()
    this.drop(0, this.context.tick - this.context.ticks(idleMs), true)
  }

  /** Flushes everything with sync, waits for it, and ends. */
  close(done: Done): void {
    assert(this.closing === null && !this.closed, 'closed twice')
    this.expiry.stop()
    this.closing = done
    if (this.run === null) this.finishClose()
  }

  private finishClose(): void {
    const done = this.closing!
    this.startFlush({ sync: true, all: true }, (error) => {
      this.closed = true
      done(error)
    })
    this.closing = null
  }

  private startFlush(options: { sync: boolean; all: boolean }, done: Done): void {
    const context = this.context
    context.lookAtClock()
    const through = context.dispatchedOffset
    const queues = options.all ? context.unsynced.slice() : this.ripeQueues()
    this.staging ??= Buffer.allocUnsafeSlow(context.options.flushBatchBytes)
    const run = new FlushRun(context, queues, options.sync, this.staging, (error) => {
      this.run = null
      context.flushing = false
      this.afterRun()
      const isFull = options.sync && options.all && run.isComplete
      if (error === null && isFull && !context.syncLost) this.synced = through
      if (error !== null) context.log.warn({ event: 'consume-queue-flush-failed', err: error })
      done(error)
      if (this.closing !== null && this.run === null) this.finishClose()
    })
    this.run = run
    context.flushing = true
    context.clock.soon(() => run.next())
  }

  /** Queues whose unwritten units are many or old. */
  private ripeQueues(): ConsumeQueue[] {
    const { flushAfterMs, flushUnits } = this.context.options
    const oldest = this.context.tick - this.context.ticks(flushAfterMs)
    return this.context.unsynced.filter((queue) => {
      if (queue.dirtySince === -1) return false
      return queue.dirtySince <= oldest || queue.unwritten() >= flushUnits
    })
  }

  private afterRun(): void {
    for (const topic of this.deletedInRun) {
      try {
        this.removeFolder(topic)
      } catch (error) {
        this.context.log.warn({ event: 'consume-queue-not-deleted', topic, err: error })
      }
    }
    this.deletedInRun.clear()
    const bytesMax = this.context.options.cacheBytesMax
    if (this.context.buffers.bytes <= bytesMax) return
    // First what nobody used lately, with some room to spare; then any; at last what is written but not yet synced.
    this.drop(bytesMax * 0.75, this.context.tick - this.context.ticks(RECENT_MS), true)
    this.drop(bytesMax, this.context.tick, true)
    this.drop(bytesMax, this.context.tick, false)
  }

  /** Drops buffers of queues last used at `tick` or before until at most `bytesMax` are in use. */
  private drop(bytesMax: number, tick: number, syncedOnly: boolean): void {
    const { buffers, buffered } = this.context
    for (let i = buffered.length - 1; i >= 0 && buffers.bytes > bytesMax; i--) {
      const queue = buffered[i]!
      const safe = syncedOnly ? queue.synced : queue.written
      if (queue.touched <= tick && safe === queue.end) queue.dropBuffer()
    }
  }

  private load(topic: string, queueId: number): ConsumeQueue {
    checkTopic(topic)
    assert(queueId >= 0 && Number.isInteger(queueId), 'queue id', queueId)
    const queue = new ConsumeQueue(topic, queueId, this.serial++, this.context)
    // What lies there now is being deleted.
    if (!this.deletedInRun.has(topic)) {
      const range = readRange(this.context, topic, queueId)
      if (range.junk) clearTail(this.context, topic, queueId, range)
      queue.adopt(range)
    }
    this.table.add(queue)
    return queue
  }

  private discard(queue: ConsumeQueue): void {
    this.context.dirtyUnits -= queue.unwritten()
    queue.dropBuffer()
    queue.deleted = true
    queue.fillerEnd = 0
    queue.written = queue.end
    queue.synced = queue.end
    settle(this.context, queue)
    this.context.cutBack.delete(queue)
    this.context.forgetBlocks(queue.serial, 0)
  }

  private queuesOnDisk(topic: string): number[] {
    if (this.deletedInRun.has(topic)) return []
    return this.context.disk
      .list(`${this.context.options.folder}/${topic}`)
      .map(queueOfName)
      .filter((queueId) => queueId !== -1)
  }

  private removeFolder(topic: string): void {
    const disk = this.context.disk
    const folder = `${this.context.options.folder}/${topic}`
    if (!disk.exists(folder)) return
    for (const queue of disk.list(folder)) {
      for (const file of disk.list(`${folder}/${queue}`)) disk.remove(`${folder}/${queue}/${file}`)
      disk.remove(`${folder}/${queue}`)
    }
    disk.remove(folder)
    disk.syncDirectory(this.context.options.folder)
  }
}
