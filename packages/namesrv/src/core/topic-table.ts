import { assert } from '@apogee/base'
import type { QueueData, TopicQueueMappingInfo } from '@apogee/protocol'
import { PERM_READ, PERM_WRITE, type TopicEntry } from './route-types.ts'

/**
 * Topic → broker name → queues, with the reverse index, so that the loss of a broker costs its own
 * topics and not all of them. Invariants: no topic without queues; `topicsOfBroker` is exactly the
 * reverse of `queues`; a mapping only for a topic that exists.
 */
export class TopicTable {
  private readonly queues = new Map<string, Map<string, QueueData>>()
  private readonly topicsOfBroker = new Map<string, Set<string>>()
  private readonly mappings = new Map<string, Map<string, TopicQueueMappingInfo>>()

  get size(): number {
    return this.queues.size
  }

  names(): IterableIterator<string> {
    return this.queues.keys()
  }

  queuesOf(topic: string): ReadonlyMap<string, QueueData> | null {
    return this.queues.get(topic) ?? null
  }

  mappingsOf(topic: string): ReadonlyMap<string, TopicQueueMappingInfo> | null {
    return this.mappings.get(topic) ?? null
  }

  /** Topics with queues on this broker name. */
  ofBroker(brokerName: string): ReadonlySet<string> {
    return this.topicsOfBroker.get(brokerName) ?? noTopics
  }

  has(topic: string, brokerName: string): boolean {
    return this.queues.get(topic)?.has(brokerName) ?? false
  }

  /** How many of `topics` would be new names. */
  countNew(topics: readonly { readonly topicName: string }[]): number {
    let count = 0
    for (const topic of topics) if (!this.queues.has(topic.topicName)) count++
    return count
  }

  /** Sets the queues of one topic on one broker, with the given permission. */
  put(brokerName: string, topic: TopicEntry, perm: number): void {
    this.putQueues(topic.topicName, {
      brokerName,
      readQueueNums: topic.readQueueNums,
      writeQueueNums: topic.writeQueueNums,
      perm,
      topicSysFlag: topic.topicSysFlag,
    })
  }

  putQueues(topic: string, queueData: QueueData): void {
    let byBroker = this.queues.get(topic)
    if (byBroker === undefined) {
      byBroker = new Map()
      this.queues.set(topic, byBroker)
    }
    byBroker.set(queueData.brokerName, queueData)
    let topics = this.topicsOfBroker.get(queueData.brokerName)
    if (topics === undefined) {
      topics = new Set()
      this.topicsOfBroker.set(queueData.brokerName, topics)
    }
    topics.add(topic)
  }

  /** Files a static topic's mapping; without effect for a topic that has no queues. */
  putMapping(mapping: TopicQueueMappingInfo): void {
    if (!this.queues.has(mapping.topic)) return
    let byBroker = this.mappings.get(mapping.topic)
    if (byBroker === undefined) {
      byBroker = new Map()
      this.mappings.set(mapping.topic, byBroker)
    }
    byBroker.set(mapping.bname, mapping)
  }

  hasMapping(mapping: TopicQueueMappingInfo): boolean {
    return this.mappings.get(mapping.topic)?.has(mapping.bname) ?? false
  }

  /**
   * Removes one topic from one broker, and the topic with its last queues. False when it was not
   * there.
   */
  remove(topic: string, brokerName: string): boolean {
    const byBroker = this.queues.get(topic)
    if (byBroker === undefined || !byBroker.delete(brokerName)) return false
    const topics = this.topicsOfBroker.get(brokerName)
    assert(topics?.delete(topic) === true, 'topic missing from the index of its broker', topic)
    if (topics?.size === 0) this.topicsOfBroker.delete(brokerName)
    const mappings = this.mappings.get(topic)
    mappings?.delete(brokerName)
    if (byBroker.size === 0) this.queues.delete(topic)
    if (byBroker.size === 0 || mappings?.size === 0) this.mappings.delete(topic)
    return true
  }

  removeTopic(topic: string): void {
    for (const brokerName of this.queues.get(topic)?.keys() ?? []) {
      this.remove(topic, brokerName)
    }
  }

  removeBroker(brokerName: string): void {
    for (const topic of this.ofBroker(brokerName)) this.remove(topic, brokerName)
  }

  /** Takes the write bit from all topics of a broker; the count of its topics. */
  wipeWritePerm(brokerName: string): number {
    return this.changePerm(brokerName, (perm) => perm & ~PERM_WRITE)
  }

  /**
   * Sets all topics of a broker to exactly read and write, as Apache does: other bits are dropped.
   */
  addWritePerm(brokerName: string): number {
    return this.changePerm(brokerName, () => PERM_READ | PERM_WRITE)
  }

  private changePerm(brokerName: string, change: (perm: number) => number): number {
    const topics = this.ofBroker(brokerName)
    for (const topic of topics) {
      const byBroker = this.queues.get(topic)
      const queueData = byBroker?.get(brokerName)
      assert(byBroker !== undefined && queueData !== undefined, 'index without queues', topic)
      byBroker.set(brokerName, { ...queueData, perm: change(queueData.perm) })
    }
    return topics.size
  }
}

const noTopics: ReadonlySet<string> = new Set()
