import type { Clock } from '@apogee/env'
import { validateTopic } from '@apogee/protocol'
import type { Logger } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { DeletedTopics } from '../topic/deleted-topics.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { holdsFrom } from '../topic/topic-recovery.ts'

/** How often queues are looked at although no topic has changed: records of a deleted topic may come after its deletion. */
const AGAIN_MS = 30_000

export interface QueueCleaningDeps {
  clock: Clock
  log: Logger
  store: MessageStore
  topics: TopicConfigManager
  deleted: DeletedTopics
}

/**
 * Removes queues of topics that the master has deleted. The log brings records of a deleted topic before, at and after the
 * moment that its deletion is heard of, and records of a new topic of the same name behind them: only queues whose newest
 * record lies below the end that the master's log had when it did not have the topic are of the deleted one.
 */
export class QueueCleaning {
  private readonly deps: QueueCleaningDeps
  /** The master's log ended here when its topics were as they are here now. */
  private logEnd = 0
  private lastMs = 0

  constructor(deps: QueueCleaningDeps) {
    this.deps = deps
  }

  /** The topics are the master's as of `logEnd`. */
  async clean(logEnd: number): Promise<void> {
    this.logEnd = logEnd
    this.lastMs = this.deps.clock.monotonicMs()
    const { deleted, log, store, topics } = this.deps
    for (const topic of store.topics()) {
      if (topics.select(topic) !== undefined || topics.isSystemTopic(topic)) continue
      if (validateTopic(topic) !== null) continue
      const before = headsOf(store, topic)
      if ((await holdsFrom(store, topic, logEnd)) || headsOf(store, topic) !== before) continue
      deleted.add(topic, logEnd)
      try {
        store.deleteTopic(topic)
        log.info({ event: 'deleted_topic_cleaned', topic })
      } catch (error) {
        log.warn({ event: 'deleted_topic_not_cleaned', topic, err: error })
      }
    }
  }

  /** The topics have not changed since: what has come of deleted ones since then goes too, now and then. */
  async again(): Promise<void> {
    if (this.deps.clock.monotonicMs() - this.lastMs >= AGAIN_MS) await this.clean(this.logEnd)
  }
}

/** Changes with every record that comes to one of the topic's queues. */
function headsOf(store: MessageStore, topic: string): string {
  return store
    .queuesOf(topic)
    .map((queueId) => store.consumeQueue(topic, queueId).maxOffset)
    .join()
}
