import type { LoadedOffsets } from '../offset/consumer-offset-manager.ts'
import type { QueueOffset } from './core/offset-merge.ts'

/**
 * What clients committed to this slave and the master has not been told yet: config/slaveOffsets.json. The last commit of a
 * queue counts. As many as the slave has offsets at most (offsetsMax). Java: none; there the master's older offsets come
 * over them.
 */
export class SlaveOffsets {
  /** Told of every change: config/slaveOffsets.json must be written. */
  onChange: () => void = () => {}
  private readonly byKey = new Map<string, QueueOffset>()

  get size(): number {
    return this.byKey.size
  }

  all(): Iterable<QueueOffset> {
    return this.byKey.values()
  }

  committed(group: string, topic: string, queueId: number, offset: number): void {
    this.byKey.set(keyOf(group, topic, queueId), { group, topic, queueId, offset })
    this.onChange()
  }

  /** The master has it, or wants none of it. What was committed meanwhile stays. */
  settle(one: QueueOffset): void {
    const key = keyOf(one.group, one.topic, one.queueId)
    if (this.byKey.get(key) !== one) return
    this.byKey.delete(key)
    this.onChange()
  }

  /** A broker that starts as a master owes nobody anything. */
  clear(): void {
    if (this.byKey.size === 0) return
    this.byKey.clear()
    this.onChange()
  }

  load(entries: Iterable<LoadedOffsets>): void {
    for (const { topic, group, offsets } of entries) {
      for (const [queueId, offset] of offsets) {
        this.byKey.set(keyOf(group, topic, queueId), { group, topic, queueId, offset })
      }
    }
  }
}

/** `@` is in no topic's name. */
function keyOf(group: string, topic: string, queueId: number): string {
  return `${queueId}@${topic}@${group}`
}
