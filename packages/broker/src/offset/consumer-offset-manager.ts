import type { Clock } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import { DataVersion, type DataVersionFields } from '../data-version.ts'
import { QueueOffsets } from './queue-offsets.ts'

/** The offsets of one table: topic → group → queues. */
type OffsetTable = Map<string, Map<string, QueueOffsets>>

/** A group's offsets on a topic, as files and peers name them. */
export interface GroupTopicOffsets {
  readonly topic: string
  readonly group: string
  readonly offsets: QueueOffsets
}

/** The same as a file or a master says it. */
export interface LoadedOffsets {
  readonly topic: string
  readonly group: string
  readonly offsets: Iterable<readonly [queueId: number, offset: number]>
}

/**
 * How far each group has consumed each queue. A commit is in memory at once and on disk within flushConsumerOffsetInterval;
 * a clean stop writes all. Offsets may go back (clients reset them). Limit: offsetsMax. Java: ConsumerOffsetManager.
 */
export class ConsumerOffsetManager {
  readonly dataVersion: DataVersion
  /** Told of every change: consumerOffset.json must be written. */
  onChange: () => void = () => {}
  /** On a slave: told of every commit that was taken. */
  onCommit: ((group: string, topic: string, queueId: number, offset: number) => void) | null = null
  private readonly config: BrokerConfig
  private readonly log: Logger
  private readonly committed: OffsetTable = new Map()
  /** Where pulls have got to; memory only, for lag figures. */
  private readonly pulled: OffsetTable = new Map()
  private pulledCount = 0
  /** Resets that no consumer has picked up yet. */
  private readonly reset: OffsetTable = new Map()
  private count = 0
  private changes = 0
  private readonly createdMs: number

  constructor(config: BrokerConfig, deps: { clock: Clock; log: Logger }) {
    this.config = config
    this.log = deps.log
    this.dataVersion = new DataVersion(deps.clock)
    this.createdMs = deps.clock.wallMs()
  }

  /** Another text after each change: `dataVersion` moves only every consumerOffsetUpdateVersionStep changes. */
  get contentVersion(): string {
    return `${this.createdMs}.${this.changes}`
  }

  /** Queues with a committed offset. */
  get size(): number {
    return this.count
  }

  /** False when the table is full (offsetsMax) and the queue is not in it. */
  commitOffset(group: string, topic: string, queueId: number, offset: number): boolean {
    const known = find(this.committed, topic, group)
    if (this.count >= this.config.values.offsetsMax && (known?.get(queueId) ?? -1) === -1) {
      this.log.warn({ event: 'offsets_full', topic, group, queueId })
      return false
    }
    const offsets = known ?? findOrCreate(this.committed, topic, group)
    const before = offsets.get(queueId)
    if (offset < before) {
      this.log.warn({ event: 'offset_goes_back', topic, group, queueId, from: before, to: offset })
    }
    if (offsets.set(queueId, offset)) this.count++
    this.changed()
    this.onCommit?.(group, topic, queueId, offset)
    return true
  }

  /** A reset that waits for its consumer, else what was committed; −1 when there is neither. */
  queryOffset(group: string, topic: string, queueId: number): number {
    if (this.reset.size > 0 && this.config.values.useServerSideResetOffset) {
      const offset = find(this.reset, topic, group)?.get(queueId) ?? -1
      if (offset !== -1) return offset
    }
    return find(this.committed, topic, group)?.get(queueId) ?? -1
  }

  /** The committed offsets of a group on a topic. */
  queryOffsets(group: string, topic: string): QueueOffsets | undefined {
    return find(this.committed, topic, group)
  }

  /** Beyond offsetsMax queues nothing more is noted. */
  commitPullOffset(group: string, topic: string, queueId: number, offset: number): void {
    let offsets = find(this.pulled, topic, group)
    if (this.pulledCount >= this.config.values.offsetsMax && (offsets?.get(queueId) ?? -1) === -1) {
      return
    }
    offsets ??= findOrCreate(this.pulled, topic, group)
    if (offsets.set(queueId, offset)) this.pulledCount++
  }

  /** Where the last pull of the queue got to, else `queryOffset`. */
  queryPullOffset(group: string, topic: string, queueId: number): number {
    const offset = find(this.pulled, topic, group)?.get(queueId) ?? -1
    return offset === -1 ? this.queryOffset(group, topic, queueId) : offset
  }

  /** Sets an offset that the group's next pull of the queue is sent to; commits until then have no effect. */
  assignResetOffset(topic: string, group: string, queueId: number, offset: number): boolean {
    if (queueId < 0 || offset < 0) return false
    if (!this.commitOffset(group, topic, queueId, offset)) return false
    findOrCreate(this.reset, topic, group).set(queueId, offset)
    return true
  }

  hasOffsetReset(topic: string, group: string, queueId: number): boolean {
    if (this.reset.size === 0) return false
    return (find(this.reset, topic, group)?.get(queueId) ?? -1) !== -1
  }

  /** The offset that a pull must be sent to, once; −1 for none. */
  queryThenEraseResetOffset(topic: string, group: string, queueId: number): number {
    if (this.reset.size === 0) return -1
    const offsets = find(this.reset, topic, group)
    const offset = offsets?.get(queueId) ?? -1
    if (offset === -1) return -1
    offsets?.delete(queueId)
    if (offsets?.size === 0) remove(this.reset, topic, group)
    return offset
  }

  whichGroupByTopic(topic: string): string[] {
    return [...(this.committed.get(topic)?.keys() ?? [])]
  }

  whichTopicByConsumer(group: string): string[] {
    const topics: string[] = []
    for (const [topic, groups] of this.committed) if (groups.has(group)) topics.push(topic)
    return topics
  }

  /** Gives a group the offsets of another. */
  cloneOffset(fromGroup: string, toGroup: string, topic: string): void {
    const offsets = find(this.committed, topic, fromGroup)
    if (offsets === undefined || fromGroup === toGroup) return
    this.removeTable(topic, toGroup)
    for (const [queueId, offset] of offsets.entries()) {
      this.commitOffset(toGroup, topic, queueId, offset)
    }
  }

  /** Lowest offset of any group per queue, but of those in `withoutGroups`; offsets below `minOffset` do not count. */
  queryMinOffsetInAllGroup(
    topic: string,
    withoutGroups: ReadonlySet<string>,
    minOffset: (queueId: number) => number,
  ): Map<number, number> {
    const lowest = new Map<number, number>()
    for (const [group, offsets] of this.committed.get(topic) ?? []) {
      if (withoutGroups.has(group)) continue
      for (const [queueId, offset] of offsets.entries()) {
        if (offset < minOffset(queueId)) continue
        lowest.set(queueId, Math.min(offset, lowest.get(queueId) ?? offset))
      }
    }
    return lowest
  }

  cleanOffsetByTopic(topic: string): void {
    for (const group of this.committed.get(topic)?.keys() ?? []) this.removeTable(topic, group)
    for (const group of this.pulled.get(topic)?.keys() ?? []) this.removePulled(topic, group)
    this.reset.delete(topic)
  }

  removeOffset(group: string): void {
    for (const topic of this.committed.keys()) this.removeTable(topic, group)
    for (const topic of this.pulled.keys()) this.removePulled(topic, group)
    for (const topic of this.reset.keys()) remove(this.reset, topic, group)
  }

  /** Every group's offsets on every topic. */
  *all(): Generator<GroupTopicOffsets> {
    for (const [topic, groups] of this.committed) {
      for (const [group, offsets] of groups) yield { topic, group, offsets }
    }
  }

  /** Takes over a master's whole table as it is, its version too; offsets that it does not have are removed. */
  replaceAll(entries: Iterable<LoadedOffsets>, version: DataVersionFields | null): void {
    this.committed.clear()
    this.count = 0
    this.load(entries, version)
    this.changes++
    this.onChange()
  }

  /** Takes over what a file says; the table must be empty. */
  load(entries: Iterable<LoadedOffsets>, version: DataVersionFields | null): void {
    for (const { topic, group, offsets } of entries) {
      const table = findOrCreate(this.committed, topic, group)
      for (const [queueId, offset] of offsets) if (table.set(queueId, offset)) this.count++
    }
    if (version !== null) this.dataVersion.assign(version)
  }

  private removeTable(topic: string, group: string): void {
    const offsets = find(this.committed, topic, group)
    if (offsets === undefined) return
    this.count -= offsets.size
    remove(this.committed, topic, group)
    this.changed()
  }

  private removePulled(topic: string, group: string): void {
    this.pulledCount -= find(this.pulled, topic, group)?.size ?? 0
    remove(this.pulled, topic, group)
  }

  private changed(): void {
    this.onChange()
    if (++this.changes % this.config.values.consumerOffsetUpdateVersionStep === 0) {
      this.dataVersion.next()
    }
  }
}

function find(table: OffsetTable, topic: string, group: string): QueueOffsets | undefined {
  return table.get(topic)?.get(group)
}

function findOrCreate(table: OffsetTable, topic: string, group: string): QueueOffsets {
  let groups = table.get(topic)
  if (groups === undefined) {
    groups = new Map()
    table.set(topic, groups)
  }
  let offsets = groups.get(group)
  if (offsets === undefined) {
    offsets = new QueueOffsets()
    groups.set(group, offsets)
  }
  return offsets
}

function remove(table: OffsetTable, topic: string, group: string): void {
  const groups = table.get(topic)
  if (groups?.delete(group) && groups.size === 0) table.delete(topic)
}
