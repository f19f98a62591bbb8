import type { ConsumeQueue } from './consume-queue.ts'

/** Queue ids up to here get a slot in an array, others an entry in a map. */
const SLOTS_MAX = 4096

interface TopicQueues {
  slots: (ConsumeQueue | null)[]
  others: Map<number, ConsumeQueue> | null
}

/** The queues that are loaded, by topic and queue id: two look-ups, no key to build, few bytes per queue. */
export class QueueTable {
  size = 0
  private readonly topics = new Map<string, TopicQueues>()

  get(topic: string, queueId: number): ConsumeQueue | null {
    const queues = this.topics.get(topic)
    if (queues === undefined) return null
    if (queueId < queues.slots.length) return queues.slots[queueId] ?? null
    return queues.others?.get(queueId) ?? null
  }

  /** Adds a queue that is not there. */
  add(queue: ConsumeQueue): void {
    let queues = this.topics.get(queue.topic)
    if (queues === undefined) {
      queues = { slots: [], others: null }
      this.topics.set(queue.topic, queues)
    }
    if (queue.queueId < SLOTS_MAX) {
      if (queue.queueId >= queues.slots.length)
        queues.slots = grown(queues.slots, queue.queueId + 1)
      queues.slots[queue.queueId] = queue
    } else {
      queues.others ??= new Map()
      queues.others.set(queue.queueId, queue)
    }
    this.size++
  }

  /** Takes a topic out; returns its queues. */
  removeTopic(topic: string): ConsumeQueue[] {
    const removed = this.ofTopic(topic)
    this.topics.delete(topic)
    this.size -= removed.length
    return removed
  }

  topicNames(): Iterable<string> {
    return this.topics.keys()
  }

  ofTopic(topic: string): ConsumeQueue[] {
    const queues = this.topics.get(topic)
    if (queues === undefined) return []
    const found = queues.slots.filter((queue) => queue !== null)
    return queues.others === null ? found : [...found, ...queues.others.values()]
  }

  *all(): Generator<ConsumeQueue> {
    for (const topic of this.topics.keys()) yield* this.ofTopic(topic)
  }
}

/** A longer copy, exactly as long as needed: `push` would reserve 16 slots for a topic with one queue. */
function grown(slots: (ConsumeQueue | null)[], length: number): (ConsumeQueue | null)[] {
  return Array.from({ length }, (_, index) => slots[index] ?? null)
}
