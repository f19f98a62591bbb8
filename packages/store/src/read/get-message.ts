import { assert } from '@apogee/base'
import type { DiskError } from '@apogee/env'
import { type ConsumeQueue, QueueUnits } from '../consume-queue/consume-queue.ts'
import type { ConsumeQueues } from '../consume-queue/consume-queues.ts'
import type { ColdReads } from './cold-reads.ts'
import type { LogBlock, LogReader } from './log-reader.ts'

/** GetMessageStatus: the names go into the remark of a pull response. */
export type GetStatus =
  | 'FOUND'
  | 'NO_MATCHED_MESSAGE'
  | 'MESSAGE_WAS_REMOVING'
  | 'OFFSET_FOUND_NULL'
  | 'OFFSET_OVERFLOW_BADLY'
  | 'OFFSET_OVERFLOW_ONE'
  | 'OFFSET_TOO_SMALL'
  | 'NO_MATCHED_LOGIC_QUEUE'
  | 'NO_MESSAGE_IN_QUEUE'

/** Which messages a reader wants. Tags first, by their hash; the record itself only for SQL. */
export interface MessageFilter {
  readonly needsRecord: boolean
  matchesTags(tagsCode: number): boolean
  matchesRecord(buffer: Uint8Array, at: number, size: number): boolean
}

export interface GetQuery {
  topic: string
  queueId: number
  offset: number
  /** Most messages, and most bytes of them (the first message always fits). */
  maxCount: number
  maxBytes: number
  /** The same where the messages are not in the tail any more. */
  diskMaxCount: number
  diskMaxBytes: number
  filter: MessageFilter | null
}

/** What a read needs of the store. */
export interface ReadDeps {
  reader: LogReader
  coldReads: ColdReads
  queues: ConsumeQueues
  minPhysicalOffset: () => number
}

/** Units looked at in one get: with a filter that lets little through, the reader gets a nearer offset and asks again. */
const UNITS_MAX = 800
/** Size in a unit that stands for no message: the filler before a queue's first one. */
const FILLER_SIZE = 0x7fffffff
/** Records can leave the tail while others of the same get are read from disk: they are then read as well. */
const LOAD_ATTEMPTS_MAX = 4

/**
 * One read of a queue: choose units, bring their records near, hand over. Pooled; valid inside the `done` call only.
 * Everything happens at once when the records are in the tail; otherwise the blocks are read off the loop.
 */
export class GetResult {
  status: GetStatus = 'NO_MATCHED_LOGIC_QUEUE'
  nextBeginOffset = 0
  minOffset = 0
  maxOffset = 0
  count = 0
  /** Bytes of the chosen records. */
  bytes = 0
  fromMemory = true
  /** Physical offset behind the last chosen record. */
  endPhysicalOffset = 0

  private readonly reader: LogReader
  private readonly coldReads: ColdReads
  private readonly queues: ConsumeQueues
  private readonly minPhysicalOffset: () => number
  private readonly release: (result: GetResult) => void
  private readonly units = new QueueUnits(UNITS_MAX)
  private readonly chosen = new Int32Array(UNITS_MAX)
  private readonly pins: LogBlock[] = []
  private queue: ConsumeQueue | null = null
  private query: GetQuery = NO_QUERY
  private done: (result: GetResult) => void = ignore
  private loading = 0
  private attempts = 0
  private loadFailed = false
  /** Its turn among those who read old records has come. */
  private granted = false

  constructor(deps: ReadDeps, release: (result: GetResult) => void) {
    this.reader = deps.reader
    this.coldReads = deps.coldReads
    this.queues = deps.queues
    this.minPhysicalOffset = deps.minPhysicalOffset
    this.release = release
  }

  /** Starts; `query` is read until `done` returns. */
  run(query: GetQuery, done: (result: GetResult) => void): void {
    this.query = query
    this.done = done
    this.count = this.bytes = this.endPhysicalOffset = 0
    this.fromMemory = true
    const queue = this.queues.find(query.topic, query.queueId)
    this.queue = queue
    this.minOffset = queue === null ? 0 : queue.minOffset()
    this.maxOffset = queue === null ? 0 : queue.maxOffset
    const status = this.position(queue, query.offset)
    if (status !== null) return this.finish(status)
    const wanted = query.filter === null ? Math.min(query.maxCount, UNITS_MAX) : UNITS_MAX
    const count = Math.min(wanted, this.maxOffset - query.offset)
    queue!.read(query.offset, count, this.units, this.unitsRead)
  }

  /** Copies the chosen records one after the other; `into` has `bytes` of room at `at`. */
  copyBody(into: Uint8Array, at: number): void {
    let p = at
    for (let i = 0; i < this.count; i++) {
      const unit = this.chosen[i]!
      const size = this.units.size[unit]!
      const whole = this.reader.copy(this.units.physicalOffset[unit]!, size, into, p, this.pins)
      assert(whole, 'a chosen record is gone', this.units.physicalOffset[unit])
      p += size
    }
  }

  /** The chosen records in a buffer of their own, or `null` when there are none. */
  get body(): Buffer | null {
    if (this.count === 0) return null
    const body = Buffer.allocUnsafe(this.bytes)
    this.copyBody(body, 0)
    return body
  }

  /** Where the reader stands, when that alone decides. Sets nextBeginOffset as DefaultMessageStore does. */
  private position(queue: ConsumeQueue | null, offset: number): GetStatus | null {
    this.nextBeginOffset = 0
    if (queue === null) return 'NO_MATCHED_LOGIC_QUEUE'
    if (this.maxOffset === 0) return 'NO_MESSAGE_IN_QUEUE'
    if (offset < this.minOffset) {
      this.nextBeginOffset = this.minOffset
      return 'OFFSET_TOO_SMALL'
    }
    this.nextBeginOffset = this.maxOffset
    if (offset === this.maxOffset) return 'OFFSET_OVERFLOW_ONE'
    return offset > this.maxOffset ? 'OFFSET_OVERFLOW_BADLY' : null
  }

  private readonly unitsRead = (error: DiskError | null): void => {
    if (error !== null || this.units.count === 0) {
      // A failed read is no reason to skip a message: Apache's next offset, the next queue file, would.
      this.nextBeginOffset = Math.max(this.query.offset, this.queue!.minOffset())
      return this.finish('OFFSET_FOUND_NULL')
    }
    const skipped = this.choose()
    if (this.count === 0) return this.finish(skipped)
    this.attempts = 0
    this.loadChosen()
  }

  /** Chooses by tag and limits. Returns the status to report when nothing was chosen. */
  private choose(): GetStatus {
    const { units, query } = this
    const minPhysical = this.minPhysicalOffset()
    const tailStart = this.reader.tailStart()
    let status: GetStatus = 'NO_MATCHED_MESSAGE'
    let i = 0
    for (; i < units.count; i++) {
      const physicalOffset = units.physicalOffset[i]!
      if (physicalOffset < minPhysical) {
        status = 'MESSAGE_WAS_REMOVING'
        continue
      }
      const size = units.size[i]!
      if (size === FILLER_SIZE) continue
      const far = physicalOffset < tailStart
      if (this.count >= (far ? query.diskMaxCount : query.maxCount)) break
      if (this.count > 0 && this.bytes + size > (far ? query.diskMaxBytes : query.maxBytes)) break
      if (query.filter !== null && !query.filter.matchesTags(units.tagsCode[i]!)) continue
      this.chosen[this.count++] = i
      this.bytes += size
      this.endPhysicalOffset = physicalOffset + size
    }
    this.nextBeginOffset = units.firstOffset + i
    return status
  }

  private loadChosen(): void {
    this.loading = 1
    this.attempts++
    for (let i = 0; i < this.count; i++) {
      const unit = this.chosen[i]!
      const offset = this.units.physicalOffset[unit]!
      if (this.reader.holds(offset, this.units.size[unit]!, this.pins)) continue
      this.fromMemory = false
      this.loading++
      this.reader.load(offset, this.units.size[unit]!, this.pins, this.loaded)
    }
    this.loaded(null)
  }

  private readonly loaded = (error: DiskError | null): void => {
    if (error !== null) this.loadFailed = true
    if (--this.loading > 0) return
    if (this.loadFailed) return this.unreadable()
    if (!this.fromMemory && !this.granted) return this.coldReads.run(this.grant)
    if (!this.holdsAll())
      return this.attempts < LOAD_ATTEMPTS_MAX ? this.loadChosen() : this.unreadable()
    if (this.query.filter?.needsRecord === true) this.filterRecords(this.query.filter)
    this.finish(this.count === 0 ? 'NO_MATCHED_MESSAGE' : 'FOUND')
  }

  private readonly grant = (): void => {
    this.granted = true
    this.loading = 1
    this.loaded(null)
  }

  private holdsAll(): boolean {
    for (let i = 0; i < this.count; i++) {
      const unit = this.chosen[i]!
      const offset = this.units.physicalOffset[unit]!
      if (!this.reader.holds(offset, this.units.size[unit]!, this.pins)) return false
    }
    return true
  }

  /** The file went away meanwhile, or cannot be read: the reader may try again from where it was. */
  private unreadable(): void {
    this.count = this.bytes = 0
    this.nextBeginOffset = Math.max(this.query.offset, this.queue!.minOffset())
    this.finish('MESSAGE_WAS_REMOVING')
  }

  private filterRecords(filter: MessageFilter): void {
    let kept = 0
    let bytes = 0
    for (let i = 0; i < this.count; i++) {
      const unit = this.chosen[i]!
      const size = this.units.size[unit]!
      const record = Buffer.allocUnsafe(size)
      if (!this.reader.copy(this.units.physicalOffset[unit]!, size, record, 0, this.pins)) continue
      if (!filter.matchesRecord(record, 0, size)) continue
      this.chosen[kept++] = unit
      bytes += size
    }
    this.count = kept
    this.bytes = bytes
  }

  private finish(status: GetStatus): void {
    this.status = status
    const { done } = this
    done(this)
    this.reader.unpin(this.pins)
    this.queue = null
    this.query = NO_QUERY
    this.done = ignore
    this.loadFailed = false
    this.granted = false
    this.release(this)
  }
}

const NO_QUERY: GetQuery = {
  topic: '',
  queueId: 0,
  offset: 0,
  maxCount: 0,
  maxBytes: 0,
  diskMaxCount: 0,
  diskMaxBytes: 0,
  filter: null,
}

function ignore(): void {}
