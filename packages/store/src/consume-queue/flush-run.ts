import type { DiskError, DiskPiece, Done } from '@apogee/env'
import { folderOf } from '../checkpoint/paths.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import { UNIT_SIZE, writeFiller } from './layout.ts'
import type { QueueContext } from './queue-context.ts'

/** Units of one queue in the batch under way. */
interface Share {
  queue: ConsumeQueue
  from: number
  to: number
}

const FILLER_BYTES = 200_000

/**
 * One flush: takes the queues one after the other, copies their unwritten units into a staging buffer until that is full,
 * and sends it to disk in one trip; the next batch follows when it is there. Copies, so that a queue may go on changing
 * meanwhile and a failed trip is simply made again, with newly opened files, by the next flush.
 */
export class FlushRun {
  /** Everything that the queues held at the start was written. */
  isComplete = true
  private readonly context: QueueContext
  private readonly queues: readonly ConsumeQueue[]
  private readonly sync: boolean
  private readonly done: Done
  private readonly staging: Buffer
  private index = 0
  /** Where the queue at `index` ended when the run came to it: a busy queue must not keep the run for ever. */
  private target = -1
  private pieces: DiskPiece[] = []
  private shares: Share[] = []
  private stagedBytes = 0
  private tripBytes = 0
  /** The context's count of cuts when the batch was made. */
  private cuts = 0

  constructor(
    context: QueueContext,
    queues: readonly ConsumeQueue[],
    sync: boolean,
    staging: Buffer,
    done: Done,
  ) {
    this.context = context
    this.queues = queues
    this.sync = sync
    this.staging = staging
    this.done = done
  }

  /** Sends the next batch, or ends the run. */
  next(): void {
    this.pieces = []
    this.shares = []
    this.stagedBytes = 0
    this.tripBytes = 0
    while (this.index < this.queues.length && this.collect(this.queues[this.index]!)) {
      this.index++
      this.target = -1
    }
    this.cuts = this.context.cuts
    if (this.pieces.length > 0) {
      this.context.disk.writeMany(this.pieces, { sync: this.sync }, (error) => this.landed(error))
    } else if (this.sync && this.context.foldersToSync.size > 0) {
      this.syncFolders()
    } else {
      this.done(null)
    }
  }

  /** Adds pieces of one queue; false when the batch is full before its end. */
  private collect(queue: ConsumeQueue): boolean {
    if (queue.deleted) return true
    if (this.target === -1) this.target = queue.end
    const to = Math.min(this.target, queue.end)
    const from = queue.written
    const unsynced = this.sync && queue.synced < from
    if (from >= to && !unsynced) {
      settle(this.context, queue)
      return true
    }
    const files = unsynced
      ? this.context.fileOf(from - 1) - this.context.fileOf(queue.synced) + 1
      : 0
    if (this.isFull(files + 1)) return false
    if (unsynced) this.addUnsynced(queue, from, from < to ? this.context.fileOf(from) : -1)
    const reached = this.addUnits(queue, from, to)
    this.shares.push({ queue, from, to: reached })
    return reached >= to
  }

  /** Empty pieces for files that were written without a sync and get no new unit: opening and syncing is all they need. */
  private addUnsynced(queue: ConsumeQueue, from: number, fileWithUnits: number): void {
    const last = this.context.fileOf(from - 1)
    for (let file = this.context.fileOf(queue.synced); file <= last; file++) {
      if (file !== fileWithUnits) this.addPiece(queue, file, 0, this.staging.subarray(0, 0))
    }
  }

  /** Adds at least one piece; the caller has seen that there is room. */
  private addUnits(queue: ConsumeQueue, from: number, to: number): number {
    const context = this.context
    let at = from
    while (at < to && (at === from || !this.isFull(1))) {
      const file = context.fileOf(at)
      const fileStart = file * context.unitsPerFile
      const stop = Math.min(to, fileStart + context.unitsPerFile)
      const bytes =
        at < queue.fillerEnd ? fillers(queue.fillerEnd - at) : this.stage(queue, at, stop)
      this.addPiece(queue, file, (at - fileStart) * UNIT_SIZE, bytes)
      at += bytes.length / UNIT_SIZE
    }
    return at
  }

  /** Copies units of [from, to), as many as there is room for. */
  private stage(queue: ConsumeQueue, from: number, to: number): Uint8Array {
    const room = Math.floor((this.staging.length - this.stagedBytes) / UNIT_SIZE)
    const length = Math.min(to - from, room) * UNIT_SIZE
    const staged = this.staging.subarray(this.stagedBytes, this.stagedBytes + length)
    const at = (from - queue.memoryStart) * UNIT_SIZE
    staged.set(queue.buffer!.subarray(at, at + length))
    this.stagedBytes += length
    return staged
  }

  private addPiece(queue: ConsumeQueue, file: number, position: number, bytes: Uint8Array): void {
    const path = this.context.pathOf(queue.topic, queue.queueId, file)
    this.pieces.push({ path, size: this.context.options.fileSize, position, bytes })
    this.tripBytes += bytes.length
  }

  private isFull(more: number): boolean {
    const { flushBatchBytes, flushBatchPieces } = this.context.options
    if (this.pieces.length === 0) return false
    return (
      this.tripBytes + UNIT_SIZE > flushBatchBytes || this.pieces.length + more > flushBatchPieces
    )
  }

  private landed(error: DiskError | null): void {
    // Units were taken away meanwhile: what has just been written may not be what the queues hold. This happens only in
    // recovery; the next flush writes it again.
    const isStale = this.cuts !== this.context.cuts
    if (isStale) this.isComplete = false
    for (const share of this.shares) {
      if (share.queue.deleted) continue
      if (error !== null && this.sync) this.distrust(share.queue)
      else if (error === null && !isStale) this.advance(share)
    }
    if (error === null) this.next()
    else this.done(error)
  }

  private advance(share: Share): void {
    const context = this.context
    const queue = share.queue
    const to = share.to
    if (to > share.from) this.noteFiles(queue, share.from, to)
    const unwritten = queue.unwritten()
    queue.written = to
    context.dirtyUnits -= unwritten - queue.unwritten()
    if (this.sync) queue.synced = to
    if (queue.fillerEnd > 0 && queue.synced >= queue.fillerEnd) queue.fillerEnd = 0
    settle(context, queue)
  }

  private noteFiles(queue: ConsumeQueue, from: number, to: number): void {
    const context = this.context
    const last = context.fileOf(to - 1)
    if (queue.firstFile === -1) queue.firstFile = context.fileOf(from)
    queue.lastFile = Math.max(queue.lastFile, last)
    if (last <= queue.namedThrough) return
    context.foldersToSync.add(context.folderOf(queue.topic, queue.queueId))
    if (queue.namedThrough === -1) {
      context.foldersToSync.add(`${context.options.folder}/${queue.topic}`)
      context.foldersToSync.add(context.options.folder)
      context.foldersToSync.add(folderOf(context.options.folder))
    }
    queue.namedThrough = last
  }

  /**
   * The sync of this queue's files failed, or was not reached. The system may have dropped what was written before, so all
   * that is not synced is written again; what has left memory cannot be.
   */
  private distrust(queue: ConsumeQueue): void {
    const context = this.context
    const hasAll = queue.memoryStart <= Math.max(queue.synced, queue.fillerEnd)
    if (!hasAll && queue.synced < queue.written) {
      context.syncLost = true
      const { topic, queueId } = queue
      context.log.error({ event: 'consume-queue-sync-lost', topic, queueId, from: queue.synced })
      return
    }
    const unwritten = queue.unwritten()
    queue.written = queue.synced
    context.dirtyUnits += queue.unwritten() - unwritten
    if (queue.dirtySince === -1 && queue.written < queue.end) {
      queue.dirtySince = context.tick
      context.dirtyQueues++
    }
    this.removeUnsyncedFiles(queue)
  }

  /** With a new file the failed sync may have lost its size as well, and writing the same again would not bring it back. */
  private removeUnsyncedFiles(queue: ConsumeQueue): void {
    const context = this.context
    const first = Math.ceil(queue.synced / context.unitsPerFile)
    const last = context.fileOf(queue.end - 1)
    try {
      for (let file = first; file <= last; file++) {
        context.disk.remove(context.pathOf(queue.topic, queue.queueId, file))
      }
    } catch (error) {
      context.syncLost = true
      const { topic, queueId } = queue
      context.log.error({ event: 'consume-queue-sync-lost', topic, queueId, err: error })
    }
    queue.lastFile = Math.min(queue.lastFile, first - 1)
    queue.namedThrough = Math.min(queue.namedThrough, first - 1)
    if (queue.firstFile > queue.lastFile) {
      queue.firstFile = -1
      queue.lastFile = -1
    }
  }

  /** Makes the names of new files durable, some in each turn: the port has no other way than at once. */
  private syncFolders(): void {
    const context = this.context
    const until = context.clock.monotonicMs() + context.options.turnMs
    for (const folder of context.foldersToSync) {
      try {
        if (context.disk.exists(folder)) context.disk.syncDirectory(folder)
      } catch (error) {
        this.done(error as DiskError)
        return
      }
      context.foldersToSync.delete(folder)
      if (context.clock.monotonicMs() >= until) break
    }
    if (context.foldersToSync.size === 0) this.done(null)
    else context.clock.soon(() => this.syncFolders())
  }
}

/** Takes a queue off the lists it no longer belongs to. */
export function settle(context: QueueContext, queue: ConsumeQueue): void {
  if (queue.dirtySince !== -1 && queue.written === queue.end) {
    queue.dirtySince = -1
    context.dirtyQueues--
  }
  if (queue.unsyncedIndex === -1 || queue.synced < queue.end) return
  const last = context.unsynced.pop()!
  if (last !== queue) {
    context.unsynced[queue.unsyncedIndex] = last
    last.unsyncedIndex = queue.unsyncedIndex
  }
  queue.unsyncedIndex = -1
}

let fillerBytes: Buffer | null = null

/** Bytes of up to `units` fillers, shared by all. */
function fillers(units: number): Uint8Array {
  if (fillerBytes === null) {
    fillerBytes = Buffer.alloc(FILLER_BYTES)
    for (let at = 0; at < FILLER_BYTES; at += UNIT_SIZE) writeFiller(fillerBytes, at)
  }
  return fillerBytes.subarray(0, Math.min(units * UNIT_SIZE, FILLER_BYTES))
}
