import type { Timer } from '@apogee/env'
import type { Response } from '@apogee/remoting'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { decideFlow, FLOW_CONTROL_RETRY_MS } from '../core/flow-control.ts'
import type { OffsetCell } from '../core/offset-table.ts'
import { ProcessQueue } from '../core/process-queue.ts'
import { decidePullRetry, fruitlessRestMs, PULL_PAUSED_MS } from '../core/pull-retry.ts'
import { MASTER_ID, mayCommitWithPull, type ReadAddress } from '../core/pull-source.ts'
import type { ReceiveContext } from './channel-contexts.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { MessagePage } from './message-page.ts'
import { PULL_TIMEOUT_MS, pullAnswer, pullRequest } from './pull-call.ts'
import { readRecords } from './pull-records.ts'
import type { PulledMessage } from './pulled-message.ts'

/** An answer that came sooner than this and brought nothing is not followed by a question at once: no loop spins. */
const FRUITLESS_MIN_MS = 50
/** Of failures in a row so many are one line for operators. */
const TOLD_EVERY = 60

/** What a reader tells its consumer. */
export interface ReaderListener<T> {
  /** Messages wait in `reader.process`. */
  arrived(reader: QueueReader<T>): void
  /** The broker has another offset for it: the reader has stopped. */
  offsetIllegal(reader: QueueReader<T>, offset: number): void
  /** Explicit acknowledgement: null where handlers acknowledge by returning. */
  acknowledgerOf(reader: QueueReader<T>): MessagePage<T>['acknowledger']
}

/**
 * Reads one queue: one question at a time to its broker, held there for 15 s when there is nothing, as long as not
 * too much waits here (Java: PullMessageService with one PullRequest). Handlers take messages from `process`.
 */
export class QueueReader<T> {
  readonly queue: MessageQueue
  readonly process: ProcessQueue<PulledMessage<T>>
  readonly cell: OffsetCell
  /** Where the next pull begins. */
  nextOffset: number
  /** Its offset stands: acknowledgements do not count any more. */
  isFinal = false
  /** The queue is being given up: nothing is handed out any more. */
  isReleased = false
  /** In the list of queues that have something to do; kept by ReadyQueues. */
  isListed = false
  /** A handler of ordered consumption has it, or it rests after a failure. */
  isBusy = false
  private readonly context: ConsumerContext<T>
  private readonly listener: ReaderListener<T>
  private readonly isLocking: boolean
  private isPaused = false
  private isAnnounced = false
  private failures = 0
  /** Answers in a row that came at once and brought nothing. */
  private fruitless = 0
  private restMs = 0
  private restTimer: Timer | null = null
  private wakeUp: (() => void) | null = null
  private ended: Promise<void> | null = null

  constructor(
    context: ConsumerContext<T>,
    listener: ReaderListener<T>,
    cell: OffsetCell,
    offset: number,
    isLocking: boolean,
  ) {
    const nowMs = context.client.env.clock.monotonicMs()
    this.context = context
    this.listener = listener
    this.cell = cell
    this.queue = cell.queue
    this.nextOffset = offset
    this.isLocking = isLocking
    this.process = new ProcessQueue<PulledMessage<T>>(cell.queue, sizeOf, nowMs)
    this.process.skipTo(offset)
  }

  start(): void {
    this.ended ??= this.run()
  }

  /** Nothing is asked for, and nothing handed out. */
  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.wake()
  }

  /** The next message to handle; undefined when none waits, or none may be handed out. */
  take(nowMs: number): PulledMessage<T> | undefined {
    return this.isPaused || this.isReleased ? undefined : this.process.take(nowMs)
  }

  /**
   * Stops reading and handing out; what handlers have still counts. The process queue is not dropped yet: it would
   * not know any more which messages nobody has handled.
   */
  release(): void {
    this.isReleased = true
    this.wake()
  }

  /** The queue is another's, or is read anew: what handlers still do with its messages does not count any more. */
  drop(): void {
    this.isFinal = true
    this.release()
    this.process.drop()
  }

  /** Something has changed that may let it ask again: the lock came, messages were handled. */
  wake(): void {
    this.restTimer?.cancel()
    this.restTimer = null
    const { wakeUp } = this
    this.wakeUp = null
    wakeUp?.()
  }

  /** A message was handled: called by the mode after `process.done`. */
  handled(commitOffset: number): void {
    if (this.isFinal) return
    this.cell.update(commitOffset, true)
    if (this.wakeUp !== null && this.isBelowHalf()) this.wake()
  }

  private isBelowHalf(): boolean {
    const { limits } = this.context.settings
    const { count, bytes, span } = this.process
    return count * 2 <= limits.messages && bytes * 2 <= limits.bytes && span * 2 <= limits.span
  }

  private async run(): Promise<void> {
    while (!this.isReleased) {
      const restMs = this.restBeforePull()
      if (restMs > 0) await this.rest(restMs)
      else await this.pull()
    }
  }

  private restBeforePull(): number {
    const { clock } = this.context.client.env
    this.process.lastPullMs = clock.monotonicMs()
    if (this.isPaused) return PULL_PAUSED_MS
    if (this.isLocking && !this.process.hasValidLock(clock.monotonicMs())) return PULL_PAUSED_MS
    if (this.restMs > 0) {
      const { restMs } = this
      this.restMs = 0
      return restMs
    }
    const { limits, isOrdered } = this.context.settings
    const flow = decideFlow(limits, this.process, isOrdered)
    return flow === 'ok' ? 0 : FLOW_CONTROL_RETRY_MS
  }

  private rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.wakeUp = resolve
      this.restTimer = this.context.client.env.clock.after(ms, () => this.wake())
    })
  }

  private async pull(): Promise<void> {
    const { client, pullSource, subscriptions } = this.context
    const { brokerName, topic } = this.queue
    const wanted = pullSource.wantedBrokerId(this.queue)
    const to = this.mayRead() ? client.routes.readAddress(brokerName, wanted) : null
    const subscription = subscriptions.get(topic)
    if (to === null || subscription === null) {
      this.failed(null, wanted)
      return
    }
    const offset = this.nextOffset
    const askedMs = client.env.clock.monotonicMs()
    const request = this.request(offset, to.brokerId, subscription.data)
    try {
      const response = await client.remote.invoke(to.address, request, PULL_TIMEOUT_MS)
      // Given up while the question was under way.
      if (this.isReleased) return
      this.answered(to, response, askedMs)
    } catch (error) {
      if (this.isReleased) return
      const { group } = this.context
      const { queue } = this
      this.log({ event: 'pull_failed', group, queue, address: to.address, err: error })
      this.failed(null, to.brokerId)
    }
  }

  /**
   * Only masters keep locks: while the master is away nobody confirms ours, and another member may get the next one from a
   * master that has forgotten it. So ordered queues are not read from slaves then.
   */
  private mayRead(): boolean {
    return !this.isLocking || this.isReachable(MASTER_ID)
  }

  private isReachable(brokerId: number): boolean {
    const { routes, remote } = this.context.client
    const address = routes.brokerAddress(this.queue.brokerName, brokerId)
    return address !== null && !remote.isDown(address)
  }

  private request(
    offset: number,
    brokerId: number,
    subscription: Parameters<typeof pullRequest>[0]['subscription'],
  ): ReturnType<typeof pullRequest> {
    const { group, settings } = this.context
    const consumed = this.cell.offset
    const isCommitting = settings.commitsWithPull && mayCommitWithPull(brokerId, consumed)
    return pullRequest({
      group,
      queue: this.queue,
      offset,
      max: settings.pullBatchSize,
      commitOffset: isCommitting ? consumed : null,
      subscription,
      withExpression: settings.isPull,
      isLite: settings.isPull,
    })
  }

  private answered(to: ReadAddress, response: Response, askedMs: number): void {
    const answer = pullAnswer(to.address, response)
    const isIllegal = answer?.outcome === 'illegal'
    // A slave may be behind, or have begun late: what it has is no reason to move an offset.
    if (answer === null || (isIllegal && to.brokerId !== MASTER_ID)) {
      this.refused(to, response)
      return
    }
    const { client, pullSource, stats } = this.context
    const nowMs = client.env.clock.monotonicMs()
    const suggested = answer.suggestedBrokerId
    const isReachable = suggested === to.brokerId || this.isReachable(suggested)
    pullSource.answered(this.queue, to.brokerId, suggested, isReachable, nowMs)
    if (isIllegal) {
      this.illegal(answer.nextOffset)
      return
    }
    const before = this.nextOffset
    if (answer.outcome === 'found') this.found(to.address, response.body, answer.nextOffset, nowMs)
    else this.process.skipTo(answer.nextOffset)
    this.nextOffset = Math.max(before, answer.nextOffset)
    this.failures = 0
    if (this.process.count === 0) this.cell.update(this.process.commitOffset, true)
    stats.pulled(this.queue.topic, nowMs - askedMs)
    const isFruitless = this.nextOffset === before && nowMs - askedMs < FRUITLESS_MIN_MS
    this.fruitless = isFruitless ? this.fruitless + 1 : 0
    if (isFruitless) this.restMs = fruitlessRestMs(this.fruitless)
  }

  private found(address: string, body: Buffer, nextOffset: number, nowMs: number): void {
    const { context, queue, listener } = this
    const acknowledger = listener.acknowledgerOf(this)
    const page = new MessagePage<T>(body, queue, context.source, acknowledger)
    const messages: PulledMessage<T>[] = []
    const tags = context.subscriptions.get(queue.topic)?.tags ?? null
    if (!readRecords(page, tags, messages)) {
      // What was readable is handled; the rest is asked for again, and never skipped.
      const text = `${address} sent records that cannot be read`
      const last = messages.at(-1)
      if (last !== undefined) {
        this.keep(messages, last.queueOffset + 1, nowMs)
        this.nextOffset = last.queueOffset + 1
      }
      throw new RocketMQError(ErrorCode.PROTOCOL, text, { broker: address })
    }
    this.keep(messages, nextOffset, nowMs)
  }

  private keep(messages: PulledMessage<T>[], nextOffset: number, nowMs: number): void {
    const added = this.process.put(messages, nextOffset, nowMs)
    if (added === 0) return
    this.context.stats.received(this.queue.topic, added)
    if (this.isAnnounced) return
    this.isAnnounced = true
    // Handlers come after the next question is on its way: the broker works while they do.
    this.context.client.env.clock.soon(this.announce)
  }

  private readonly announce = (): void => {
    this.isAnnounced = false
    const { channels, group } = this.context
    if (!channels.receive.hasSubscribers) {
      this.listener.arrived(this)
      return
    }
    const messageCount = this.process.waitingCount
    const context: ReceiveContext = { group, queue: this.queue, messageCount }
    channels.receive.traceSync(() => this.listener.arrived(this), context)
  }

  private illegal(offset: number): void {
    const { group, client } = this.context
    const { nextOffset, queue } = this
    client.log.warn({
      event: 'offset_illegal',
      group,
      queue,
      offset: nextOffset,
      corrected: offset,
    })
    this.release()
    this.listener.offsetIllegal(this, offset)
  }

  private refused(to: ReadAddress, response: Response): void {
    const { group } = this.context
    const { code, remark } = response
    const fields = { group, queue: this.queue, address: to.address, responseCode: code, remark }
    this.log({ event: 'pull_refused', ...fields })
    this.failed(code, to.brokerId)
  }

  /** The first failure of a row is told, then one of many: a broker that is gone for an hour is no news. */
  private log(fields: object): void {
    const level = this.failures % TOLD_EVERY === 0 ? 'warn' : 'debug'
    this.context.client.log[level](fields)
  }

  private failed(responseCode: number | null, brokerId: number): void {
    const { client, pullSource } = this.context
    const { queue } = this
    this.failures++
    const retry = decidePullRetry(responseCode, this.failures, brokerId !== MASTER_ID)
    this.restMs = retry.delayMs
    if (retry.refreshRoute) void client.routes.refresh(queue.topic)
    if (retry.heartbeat) void client.members.heartbeatNow()
    if (!retry.elsewhere || (this.isLocking && brokerId === MASTER_ID)) return
    const replicas = client.routes.replicas(queue.brokerName).keys()
    const nowMs = client.env.clock.monotonicMs()
    const hasOther = pullSource.failed(queue, brokerId, replicas, nowMs)
    if (hasOther) this.restMs = 0
  }
}

function sizeOf(message: { readonly size: number }): number {
  return message.size
}
