import type { ConsumeQueue } from './consume-queue.ts'
import { fileOfName, queueOfName } from './layout.ts'
import type { QueueContext } from './queue-context.ts'
import { isMissing, lastOffsetOfFile } from './queue-files.ts'

/**
 * Looks through all queues, loaded or not, for whole files whose last unit lies below the begin of the log, and removes
 * them. The last file of a queue stays: it holds the queue's offset. Goes a topic at a time, a few milliseconds in each
 * turn.
 */
export class QueueExpiry {
  private readonly context: QueueContext
  private readonly find: (topic: string, queueId: number) => ConsumeQueue | null
  private topics: string[] = []
  private running = false

  constructor(
    context: QueueContext,
    find: (topic: string, queueId: number) => ConsumeQueue | null,
  ) {
    this.context = context
    this.find = find
  }

  /** Starts over with the log's begin as it is now; returns how many files went in this turn. */
  start(): number {
    this.topics = this.context.disk.list(this.context.options.folder)
    if (this.running) return 0
    this.running = true
    return this.turn()
  }

  stop(): void {
    this.topics = []
  }

  private turn(): number {
    const context = this.context
    const until = context.clock.monotonicMs() + context.options.turnMs
    let removed = 0
    while (this.topics.length > 0) {
      const topic = this.topics.pop()!
      try {
        removed += this.expireTopic(topic)
      } catch (error) {
        context.log.warn({ event: 'consume-queue-not-expired', topic, err: error })
      }
      if (context.clock.monotonicMs() >= until) break
    }
    if (removed > 0) context.log.info({ event: 'consume-queue-files-expired', count: removed })
    if (this.topics.length > 0) context.clock.soon(() => this.turn())
    else this.running = false
    return removed
  }

  private expireTopic(topic: string): number {
    let removed = 0
    for (const name of this.context.disk.list(`${this.context.options.folder}/${topic}`)) {
      const queueId = queueOfName(name)
      if (queueId !== -1) removed += this.expireQueue(topic, queueId)
    }
    return removed
  }

  private expireQueue(topic: string, queueId: number): number {
    const context = this.context
    const queue = this.find(topic, queueId)
    if (queue !== null && queue.firstFile === queue.lastFile) return 0
    const files = context.disk
      .list(context.folderOf(topic, queueId))
      .map((name) => fileOfName(name, context.options.fileSize))
      .filter((file) => file !== -1)
    const last = files.length - 1
    let removed = 0
    while (removed < last && this.isExpired(topic, queueId, files[removed]!)) {
      context.disk.remove(context.pathOf(topic, queueId, files[removed]!))
      removed++
      if (queue !== null) queue.firstFile = Math.max(queue.firstFile, files[removed]!)
    }
    return removed
  }

  private isExpired(topic: string, queueId: number, file: number): boolean {
    try {
      return lastOffsetOfFile(this.context, topic, queueId, file) < this.context.logMin
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }
}
