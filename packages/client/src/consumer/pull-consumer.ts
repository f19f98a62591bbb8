import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue, ReceivedMessage } from '../api/message.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { ConsumerEngine } from './consumer-engine.ts'
import { withNamespace, withoutNamespace } from './names.ts'
import type { OffsetStore } from './offset-store.ts'
import { PollMode } from './poll-mode.ts'
import type { QueueReader } from './queue-reader.ts'
import { StartOffset } from './start-offset.ts'

export const POLL_MAX = 10_000
const POLL_DEFAULT = 100
const POLL_TIMEOUT_MS = 5_000

/** An offset, an end of the queue, or the first message stored at a time (ms since 1970) or after it. */
export type SeekTarget = number | 'first' | 'last' | { timestamp: number | Date }

/**
 * A consumer that is asked for its messages: of queues assigned by hand, or shared with the other members of its
 * group. What `poll` gave counts as consumed, for `commit` and for the offsets that are committed by themselves
 * (Java: DefaultLitePullConsumer).
 */
export class PullConsumer<T = Buffer> {
  private readonly context: ConsumerContext<T>
  private readonly mode: PollMode<T>
  private readonly engine: ConsumerEngine<T>
  /** The broker's, whoever commits. */
  private readonly store: OffsetStore
  private readonly startOffset: StartOffset
  private readonly unwatch: (() => void)[] = []
  private closing: Promise<void> | null = null
  private readonly ended: Promise<void>
  private end!: () => void

  /** Made by `startPullConsumer`. */
  constructor(context: ConsumerContext<T>, store: OffsetStore, isShared: boolean) {
    this.context = context
    this.store = store
    this.mode = new PollMode(context)
    this.engine = new ConsumerEngine(context, this.mode, isShared)
    this.startOffset = new StartOffset(context.client)
    this.ended = new Promise((resolve) => {
      this.end = resolve
    })
  }

  get group(): string {
    return withoutNamespace(this.context.client.namespace, this.context.group)
  }

  /** Resolves when the consumer has left its group, however that came. */
  get closed(): Promise<void> {
    return this.ended
  }

  /**
   * Up to `max` messages (default 100), as soon as there is one; an empty list after `timeoutMs` (default 5,000).
   * Rejects with RMQ_ABORTED, RMQ_CLOSED, RMQ_INVALID_ARGUMENT.
   */
  async poll(
    options: { max?: number; timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<ReceivedMessage<T>[]> {
    const { max = POLL_DEFAULT, timeoutMs = POLL_TIMEOUT_MS, signal } = options
    if (!Number.isInteger(max) || max < 1 || max > POLL_MAX) {
      throw invalid(`max is ${max}, not a whole number from 1 to ${POLL_MAX}`)
    }
    if (!(timeoutMs >= 0)) throw invalid(`timeoutMs is ${timeoutMs}`)
    return this.mode.poll(max, timeoutMs, signal)
  }

  /** All queues go on from there: `poll` gives nothing of before any more. */
  async seek(target: SeekTarget): Promise<void>
  /** One queue does. Rejects with RMQ_INVALID_ARGUMENT when it is not read here. */
  async seek(queue: MessageQueue, target: SeekTarget): Promise<void>
  async seek(first: SeekTarget | MessageQueue, second?: SeekTarget): Promise<void> {
    this.checkOpen()
    if (typeof first === 'object' && 'queueId' in first) {
      if (second === undefined) throw invalid('seek(queue) needs where to')
      await this.seekOne(this.readerOf(first), second)
      return
    }
    await Promise.all(this.engine.assignment.all().map((reader) => this.seekOne(reader, first)))
  }

  /** The offset of the message that comes next of this queue; null when the queue is not read here. */
  position(queue: MessageQueue): number | null {
    const cell = this.engine.assignment.find(this.named(queue))?.cell
    return cell === undefined || cell.offset < 0 ? null : cell.offset
  }

  /** Stores the positions of all queues at their brokers. Rejects with the first failure, after all were tried. */
  async commit(): Promise<void> {
    this.checkOpen()
    const cells = this.engine.assignment.all().map(({ cell }) => cell)
    const offsets = cells.map(({ queue, offset }) => ({ queue, offset }))
    await this.store.persistNow(offsets.filter(({ offset }) => offset >= 0))
  }

  /** What the queue's broker has stored for the group; null when nothing. */
  committed(queue: MessageQueue): Promise<number | null> {
    return this.store.read(this.named(queue))
  }

  /** Neither reads these queues nor gives of them; without `queues` all. */
  pause(queues?: readonly MessageQueue[]): void {
    this.engine.assignment.pause(queues?.map((queue) => this.named(queue)))
  }

  resume(queues?: readonly MessageQueue[]): void {
    this.engine.assignment.resume(queues?.map((queue) => this.named(queue)))
  }

  queues(): MessageQueue[] {
    return this.engine.assignment.all().map(({ queue: { topic, brokerName, queueId } }) => ({
      topic,
      brokerName,
      queueId,
    }))
  }

  /** Leaves the group. Positions are stored first when they are committed by themselves. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.closeNow()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Joins the group; called once, by `startPullConsumer`. */
  async start(assigned: readonly (string | MessageQueue)[] | undefined): Promise<void> {
    await this.engine.start()
    try {
      for (const one of assigned ?? []) await this.assign(one)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  private async assign(one: string | MessageQueue): Promise<void> {
    const { client } = this.context
    const { assignment } = this.engine
    const topic = withNamespace(client.namespace, typeof one === 'string' ? one : one.topic)
    const route = await client.routes.get(topic)
    const queues = typeof one === 'string' ? route.subscribeQueues : [this.named(one)]
    const missing = queues.filter((queue) => assignment.find(queue) === undefined)
    await Promise.all(missing.map((queue) => assignment.start(queue, null)))
    const watch = client.routes.watch(topic, () => {
      if (typeof one === 'string') void this.addQueues(topic)
    })
    this.unwatch.push(watch)
  }

  /** A topic that is assigned as a whole has got more queues, or a broker came back. */
  private async addQueues(topic: string): Promise<void> {
    const { client, group } = this.context
    const { assignment } = this.engine
    for (const queue of client.routes.peek(topic)?.subscribeQueues ?? []) {
      if (this.closing !== null) return
      if (assignment.find(queue) !== undefined) continue
      try {
        await assignment.start(queue, null)
      } catch (error) {
        client.log.warn({ event: 'queue_not_started', group, queue, err: error })
      }
    }
  }

  private async seekOne(reader: QueueReader<T>, target: SeekTarget): Promise<void> {
    const offset = await this.offsetOf(reader.queue, target)
    await this.engine.assignment.moveTo(reader, offset, 'its reader has sought another offset')
  }

  private offsetOf(queue: MessageQueue, target: SeekTarget): Promise<number> {
    if (target === 'first') return this.startOffset.first(queue)
    if (target === 'last') return this.startOffset.last(queue)
    if (typeof target === 'object') {
      const timestamp = Number(target.timestamp)
      if (Number.isFinite(timestamp)) return this.startOffset.at(queue, Math.floor(timestamp))
    } else if (Number.isSafeInteger(target) && target >= 0) return Promise.resolve(target)
    throw invalid(`seek to ${JSON.stringify(target)}`)
  }

  private readerOf(queue: MessageQueue): QueueReader<T> {
    const reader = this.engine.assignment.find(this.named(queue))
    if (reader !== undefined) return reader
    throw invalid(`${queue.topic} ${queue.brokerName}:${queue.queueId} is not read here`)
  }

  private named({ topic, brokerName, queueId }: MessageQueue): MessageQueue {
    const { namespace } = this.context.client
    return { topic: withNamespace(namespace, topic), brokerName, queueId }
  }

  private async closeNow(): Promise<void> {
    for (const end of this.unwatch) end()
    try {
      await this.engine.stop(0)
    } finally {
      this.end()
    }
  }

  private checkOpen(): void {
    if (this.closing !== null) throw new RocketMQError(ErrorCode.CLOSED, 'the consumer is closed')
  }
}

function invalid(message: string): RocketMQError {
  return new RocketMQError(ErrorCode.INVALID_ARGUMENT, message)
}
