import { PermName, validateTopic } from '@apogee/protocol'
import type { Logger } from '@apogee/remoting'
import { type MessageStore, QueueUnits } from '@apogee/store'
import type { DeletedTopics } from './deleted-topics.ts'
import { defaultTopicSettings } from './topic-config.ts'
import type { TopicConfigManager } from './topic-config-manager.ts'

export interface TopicRecoveryDeps {
  topics: TopicConfigManager
  deleted: DeletedTopics
  store: MessageStore
  log: Logger
}

/**
 * After a start every topic with queues has a config. A send that makes its topic does not wait for topics.json, so a crash
 * may leave messages of a topic that the file does not name: it is made again, with the queues that there are. Queues that
 * hold nothing but what was deleted with their topic are removed instead. Java: none; Apache would not serve such queues.
 */
export async function recoverTopics(deps: TopicRecoveryDeps): Promise<void> {
  const { deleted, log, store, topics } = deps
  deleted.fit(store.minPhysicalOffset, store.maxPhysicalOffset)
  for (const topic of store.topics()) {
    if (topics.select(topic) !== undefined || topics.isSystemTopic(topic)) continue
    if (validateTopic(topic) !== null) continue
    const deletedEnd = deleted.endOf(topic)
    if (deletedEnd === undefined || (await holdsFrom(store, topic, deletedEnd))) {
      recover(deps, topic)
      continue
    }
    try {
      store.deleteTopic(topic)
      log.info({ event: 'deleted_topic_cleaned', topic })
    } catch (error) {
      log.warn({ event: 'deleted_topic_not_cleaned', topic, err: error })
    }
  }
}

function recover({ log, store, topics }: TopicRecoveryDeps, topicName: string): void {
  const queues = Math.max(...store.queuesOf(topicName)) + 1
  // What normal, retry and dead-letter topics get when they are made automatically.
  const perm = PermName.READ | PermName.WRITE
  const settings = { ...defaultTopicSettings, readQueueNums: queues, writeQueueNums: queues, perm }
  const problem = topics.update([{ topicName, ...settings, attributes: new Map() }])
  if (problem === null) log.warn({ event: 'topic_recovered', topic: topicName, queues, perm })
  else {
    const { code, detail } = problem
    log.error({ event: 'topic_not_recovered', topic: topicName, queues, code, detail })
  }
}

/** Whether a message of the topic lies at `logOffset` or above. When that cannot be read: yes, nothing gets lost by it. */
export async function holdsFrom(
  store: MessageStore,
  topic: string,
  logOffset: number,
): Promise<boolean> {
  for (const queueId of store.queuesOf(topic)) {
    const queue = store.consumeQueue(topic, queueId)
    if (queue.maxOffset <= queue.minOffset()) continue
    const newest = await new Promise<number>((resolve) => {
      const units = new QueueUnits(1)
      queue.read(queue.maxOffset - 1, 1, units, (error) => {
        const isRead = error === null && units.count > 0
        resolve(isRead ? units.physicalOffset[0]! : Number.MAX_SAFE_INTEGER)
      })
    })
    if (newest >= logOffset) return true
  }
  return false
}
