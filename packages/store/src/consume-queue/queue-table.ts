import { ConsumeQueue } from './consume-queue.ts'

/** Queue ids up to here get a slot in an array, others an entry in a map. */
const SLOTS_MAX = 4096

class TopicQueues {
  slots: (ConsumeQueue | null)[] = []
  others: Map<number, ConsumeQueue> | null = null

  get(queueId: number): ConsumeQueue | null {
    if (queueId < this.slots.length) return this.slots[queueId] ?? null
    return this.others?.get(queueId) ?? null
  }

  add(queue: ConsumeQueue): void {
    const { queueId } = queue
    if (queueId >= SLOTS_MAX) {
      this.others ??= new Map()
      this.others.set(queueId, queue)
      return
    }
    while (this.slots.length <= queueId) this.slots.push(null)
    this.slots[queueId] = queue
  }

  all(): ConsumeQueue[] {
    const found = this.slots.filter((queue) => queue !== null)
    return this.others === null ? found : [...found, ...this.others.values()]
  }
}

/**
 * The queues that are loaded, by topic and queue id: two look-ups, no key to build, few bytes per queue. A topic's only
 * queue stands for itself.
 */
export class QueueTable {
  size = 0
  private readonly topics = new Map<string, ConsumeQueue | TopicQueues>()

  get(topic: string, queueId: number): ConsumeQueue | null {
    const queues = this.topics.get(topic)
    if (queues === undefined) return null
    if (queues instanceof TopicQueues) return queues.get(queueId)
    return queues.queueId === queueId ? queues : null
  }

  /** Adds a queue that is not there. */
  add(queue: ConsumeQueue): void {
    const before = this.topics.get(queue.topic)
    if (before === undefined) this.topics.set(queue.topic, queue)
    else if (before instanceof TopicQueues) before.add(queue)
    else {
      const queues = new TopicQueues()
      queues.add(before)
      queues.add(queue)
      this.topics.set(queue.topic, queues)
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
    return queues instanceof ConsumeQueue ? [queues] : queues.all()
  }

  *all(): Generator<ConsumeQueue> {
    for (const topic of this.topics.keys()) yield* this.ofTopic(topic)
  }
}
