import { assert, writeInt32, writeInt64 } from '@apogee/base'
import type { DiskError } from '@apogee/env'
import type { Block, BlockPlace } from './block-cache.ts'
import { FILLER_SIZE, UNIT_SIZE } from './layout.ts'
import type { QueueContext } from './queue-context.ts'
import type { QueueRange } from './queue-files.ts'
import { putAsMaster, putInRecovery, startMidway } from './queue-recovery.ts'
import type { QueueUnits } from './queue-units.ts'

export { QueueUnits } from './queue-units.ts'

/** Whoever waits for units of a queue: long polls. Called by the dispatcher. */
export interface QueueWaiter {
  arrived(queue: ConsumeQueue, queueOffset: number, tagsCode: number, storeTimestamp: number): void
}

/**
 * One queue: where its records lie in the log, in queue order. Its newest units are in memory, older ones on disk:
 *
 *   firstFile … memoryStart ≤ written ≤ end          unit offsets; synced ≤ written
 *       on disk │  in memory and on disk │ in memory only
 *
 * A queue nobody uses is this object and nothing else: no buffer, handle or timer. There is one object per queue and
 * process; it stays the same until the topic is deleted. Fields marked internal belong to this folder.
 */
export class ConsumeQueue {
  readonly topic: string
  readonly queueId: number
  /** Offset for the next record that the log appends; at least maxOffset. */
  nextOffset = 0
  waiter: QueueWaiter | null = null

  /** @internal Unique in this process: the key of cached blocks. */
  readonly serial: number
  /** @internal */
  readonly context: QueueContext
  /** @internal One past the newest unit. */
  end = 0
  /** @internal Units below are in their files. */
  written = 0
  /** @internal Units below are in their files for good. */
  synced = 0
  /** @internal The first unit in `buffer`. */
  memoryStart = 0
  /** @internal */
  buffer: Uint8Array | null = null
  /** @internal Fillers from the start of the first file up to here wait to be written; 0 without. */
  fillerEnd = 0
  /** @internal First and last file on disk, -1 without. */
  firstFile = -1
  /** @internal */
  lastFile = -1
  /** @internal The last file whose name is durable, or on the list of those that will be; -1 without. */
  namedThrough = -1
  /** @internal Tick at which the oldest unwritten unit came, -1 without. */
  dirtySince = -1
  /** @internal Places in the lists of the context, -1 when not there. */
  unsyncedIndex = -1
  /** @internal */
  bufferedIndex = -1
  /** @internal Tick of the last use. */
  touched = 0
  /** @internal */
  deleted = false
  /** @internal The recovery that last put a unit here. */
  recoveryPass = 0
  private min = 0
  private minVersion = -1

  constructor(topic: string, queueId: number, serial: number, context: QueueContext) {
    this.topic = topic
    this.queueId = queueId
    this.serial = serial
    this.context = context
    this.touched = context.tick
  }

  /** Next offset a reader will find. */
  get maxOffset(): number {
    return this.end
  }

  /**
   * Lowest offset whose record is still in the log; maxOffset when there is none. Reads the disk only after the log lost
   * its oldest file. When that read fails the last known value stands.
   */
  minOffset(): number {
    if (this.minVersion !== this.context.logMinVersion) this.lookForMin()
    return Math.min(this.min, this.end)
  }

  /**
   * Adds the next unit. A queueOffset below maxOffset is there already and ignored, in recovery it overwrites. One above it
   * starts an empty queue mid-way; in any other queue it is a bug of the caller, or in recovery a gap. A slave's queue does
   * as its master's.
   */
  put(queueOffset: number, physicalOffset: number, size: number, tagsCode: number): void {
    const context = this.context
    if (queueOffset !== this.end || context.recovering) {
      if (!this.prepare(queueOffset, physicalOffset)) return
    }
    this.append(physicalOffset, size, tagsCode)
    if (this.nextOffset < this.end) this.nextOffset = this.end
    if (physicalOffset + size > context.dispatchedOffset) {
      context.dispatchedOffset = physicalOffset + size
    }
  }

  /** @internal The unit for maxOffset. */
  append(physicalOffset: number, size: number, tagsCode: number): void {
    const buffer = this.room()
    const at = (this.end - this.memoryStart) * UNIT_SIZE
    writeInt64(buffer, at, physicalOffset)
    writeInt32(buffer, at + 8, size)
    writeInt64(buffer, at + 12, tagsCode)
    this.end++
    this.context.dirtyUnits++
    if (this.dirtySince === -1) this.markDirty()
  }

  /**
   * Fills `into` with units from `from` on: at most `count`, at most its capacity, fewer at the end of the queue, none
   * outside it. Calls `done` before it returns when all are in memory or in cached blocks, otherwise later.
   */
  read(
    from: number,
    count: number,
    into: QueueUnits,
    done: (error: DiskError | null) => void,
  ): void {
    into.reset(from)
    this.touched = this.context.tick
    const to = Math.min(from + Math.min(count, into.capacity), this.end)
    if (from < this.lowest() || from >= to) done(null)
    else this.fill(to, into, done)
  }

  /**
   * Puts one unit into `context.unit`, reading the disk at once when it must: for searches at admin rate. False outside the
   * queue. Throws a DiskError.
   */
  unitNow(offset: number): boolean {
    if (offset < this.lowest() || offset >= this.end) return false
    if (this.inMemory(offset)) {
      this.context.unit.take(this.buffer!, (offset - this.memoryStart) * UNIT_SIZE)
      return true
    }
    if (offset >= this.written) return false
    const start = this.context.blockStart(offset)
    const key = this.context.blockKey(this.serial, offset)
    const block =
      this.context.blocks.find(key, offset - start + 1) ??
      this.context.blocks.readNow(this.blockPlace(start))
    this.context.unit.take(block.bytes, (offset - start) * UNIT_SIZE)
    return true
  }

  /** @internal Takes over what the files hold. */
  adopt(range: QueueRange): void {
    assert(this.buffer === null, 'a queue with units in memory was loaded', this.topic)
    this.firstFile = range.firstFile
    this.lastFile = range.lastFile
    // What lies behind the last unit is what a crash left: the name of a file there need not be durable.
    this.namedThrough = range.end > this.lowest() ? this.context.fileOf(range.end - 1) : -1
    this.end = range.end
    this.written = range.end
    this.synced = range.end
    this.memoryStart = range.end
    this.nextOffset = range.end
    this.min = Math.max(0, range.firstFile * this.context.unitsPerFile)
    this.minVersion = -1
  }

  /** @internal Becomes a queue whose first unit is `offset`, with fillers before it in its file and no older files. */
  startAt(offset: number): void {
    const context = this.context
    this.cutTo(Math.min(offset, this.end))
    this.dropBuffer()
    this.firstFile = -1
    this.lastFile = -1
    this.namedThrough = -1
    this.end = offset
    this.memoryStart = offset
    this.written = context.fileOf(offset) * context.unitsPerFile
    this.synced = this.written
    this.fillerEnd = offset
    this.min = offset
    this.minVersion = context.logMinVersion
  }

  /** @internal Drops units from `offset` on, in memory only. */
  cutTo(offset: number): void {
    const context = this.context
    context.cuts++
    context.dirtyUnits -= this.unwritten()
    if (this.buffer !== null && offset < this.memoryStart) this.dropBuffer()
    this.end = offset
    this.written = Math.min(this.written, offset)
    this.synced = Math.min(this.synced, offset)
    if (this.buffer === null) this.memoryStart = offset
    this.fillerEnd = Math.min(this.fillerEnd, offset)
    this.namedThrough = Math.min(this.namedThrough, context.fileOf(offset - 1))
    this.min = Math.min(this.min, offset)
    context.dirtyUnits += this.unwritten()
    context.forgetBlocks(this.serial, offset)
  }

  /** @internal Gives the buffer back; the caller knows that its units are on disk, or no longer wanted. */
  dropBuffer(): void {
    if (this.buffer === null) return
    this.context.buffers.giveBack(this.buffer)
    this.buffer = null
    this.memoryStart = this.end
    const last = this.context.buffered.pop()!
    if (last !== this) {
      this.context.buffered[this.bufferedIndex] = last
      last.bufferedIndex = this.bufferedIndex
    }
    this.bufferedIndex = -1
  }

  /** @internal Units, fillers not counted, that are not in their file. */
  unwritten(): number {
    return this.end - Math.max(this.written, this.fillerEnd)
  }

  /** @internal Lowest offset that can be read, on disk or in memory. */
  lowest(): number {
    if (this.firstFile === -1) return this.memoryStart
    return this.firstFile * this.context.unitsPerFile
  }

  private inMemory(offset: number): boolean {
    return this.buffer !== null && offset >= this.memoryStart
  }

  private prepare(queueOffset: number, physicalOffset: number): boolean {
    const context = this.context
    if (context.recovering) return putInRecovery(this, queueOffset, physicalOffset)
    if (context.options.replica) return putAsMaster(this, queueOffset, physicalOffset)
    if (queueOffset < this.end) return false
    assert(this.minOffset() === this.end, 'a unit beyond the end of a queue', queueOffset, this.end)
    startMidway(this, queueOffset)
    return true
  }

  /** The buffer, with room for one more unit. */
  private room(): Uint8Array {
    const buffer = this.buffer
    if (buffer === null) {
      this.memoryStart = this.end
      return this.attach(this.context.buffers.take(1))
    }
    const units = this.end - this.memoryStart
    const capacity = buffer.length / UNIT_SIZE
    if (units < capacity) return buffer
    // Half of it can go, or all that is needed is a larger one. Moving at least half keeps a put cheap on average.
    const crowded = this.context.buffers.bytes > this.context.options.cacheBytesMax
    const safe = (crowded ? this.written : this.synced) - this.memoryStart
    const half = capacity / 2
    if (safe >= half) {
      buffer.copyWithin(0, half * UNIT_SIZE, units * UNIT_SIZE)
      this.memoryStart += half
      return buffer
    }
    const larger = this.context.buffers.take(capacity * 2)
    larger.set(buffer)
    this.context.buffers.giveBack(buffer)
    this.buffer = larger
    return larger
  }

  private attach(buffer: Uint8Array): Uint8Array {
    this.buffer = buffer
    this.bufferedIndex = this.context.buffered.push(this) - 1
    return buffer
  }

  private markDirty(): void {
    this.dirtySince = this.context.tick
    this.touched = this.context.tick
    this.context.dirtyQueues++
    if (this.unsyncedIndex === -1) this.unsyncedIndex = this.context.unsynced.push(this) - 1
  }

  private fill(to: number, into: QueueUnits, done: (error: DiskError | null) => void): void {
    for (;;) {
      const at = into.firstOffset + into.count
      if (at >= to || this.deleted) break
      if (this.inMemory(at)) {
        into.append(this.buffer!, (at - this.memoryStart) * UNIT_SIZE, to - at)
        break
      }
      if (at >= this.written) break
      const start = this.context.blockStart(at)
      const stop = Math.min(to, this.context.blockEnd(start), this.written)
      const key = this.context.blockKey(this.serial, at)
      const block = this.context.blocks.find(key, stop - start)
      if (block === null) {
        this.fillFromDisk(start, to, into, done)
        return
      }
      into.append(block.bytes, (at - start) * UNIT_SIZE, stop - at)
    }
    done(null)
  }

  private fillFromDisk(
    start: number,
    to: number,
    into: QueueUnits,
    done: (error: DiskError | null) => void,
  ): void {
    this.context.blocks.read(this.blockPlace(start), (error, block) => {
      // A file that retention took away meanwhile holds nothing a reader may still want.
      if (error !== null && (start < this.lowest() || this.deleted)) done(null)
      else if (error !== null) done(error)
      else {
        this.takeFromBlock(block!, start, to, into)
        this.fill(to, into, done)
      }
    })
  }

  /** At least one unit, so that `fill` gets on even when the cache is too small to keep the block. */
  private takeFromBlock(block: Block, start: number, to: number, into: QueueUnits): void {
    const at = into.firstOffset + into.count
    const stop = Math.min(to, start + block.units)
    into.append(block.bytes, (at - start) * UNIT_SIZE, stop - at)
  }

  private blockPlace(start: number): BlockPlace {
    const file = this.context.fileOf(start)
    const stop = Math.min(this.context.blockEnd(start), this.written)
    return {
      key: this.context.blockKey(this.serial, start),
      path: this.context.pathOf(this.topic, this.queueId, file),
      position: (start - file * this.context.unitsPerFile) * UNIT_SIZE,
      length: (stop - start) * UNIT_SIZE,
      units: stop - start,
    }
  }

  private lookForMin(): void {
    const version = this.context.logMinVersion
    try {
      let low = Math.max(this.min, this.lowest())
      let high = this.end
      if (low < high && !this.isKept(low)) {
        low++
        // Most queues that need a search have nothing left at all.
        if (low < high && !this.isKept(high - 1)) low = high
        while (low < high) {
          const middle = Math.floor((low + high) / 2)
          if (this.isKept(middle)) high = middle
          else low = middle + 1
        }
      }
      this.min = low
      this.minVersion = version
    } catch (error) {
      const { topic, queueId } = this
      this.context.log.warn({ event: 'consume-queue-min-unread', topic, queueId, err: error })
    }
  }

  /** Whether the unit leads to a record that is still in the log. */
  private isKept(offset: number): boolean {
    if (!this.unitNow(offset)) return false
    const { physicalOffset, size } = this.context.unit
    if (size <= 0 || physicalOffset < this.context.logMin) return false
    return !(size === FILLER_SIZE && physicalOffset === 0)
  }
}
