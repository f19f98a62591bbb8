import type { Timer } from '@apogee/env'
import type {
  ConsumeMessageDirectlyResult,
  ConsumerData,
  JsonMap,
  MessageExt,
} from '@apogee/protocol'
import { ErrorCode, RetryLater, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { queueKey } from '../core/queue-key.ts'
import type { ConsumerMember } from '../remote/contract.ts'
import { Assignment } from './assignment.ts'
import type { ConsumeMode } from './consume-mode.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { messageOf } from './direct-message.ts'
import { OrderLocks } from './order-locks.ts'
import { Rebalancer } from './rebalancer.ts'
import { isMasterReachable } from './replicas.ts'
import { runningInfo } from './running-info.ts'

const TICK_MS = 1_000
/** Brokers that do not answer the first heartbeat so soon are not waited for. */
const FIRST_HEARTBEAT_MS = 500
/** Java: REBALANCE_LOCK_INTERVAL. */
const LOCK_INTERVAL_MS = 20_000
/** One-way requests can be lost: all offsets are stored anew, changed or not, in so many rounds. */
const PERSIST_ALL_ROUNDS = 6

/** A consumer at work: a member of its group, with its queues and timers, until `stop`. */
export class ConsumerEngine<T> implements ConsumerMember {
  readonly assignment: Assignment<T>
  private readonly context: ConsumerContext<T>
  private readonly mode: ConsumeMode<T>
  private readonly locks: OrderLocks | null
  /** Null where queues are assigned by hand. */
  private readonly rebalancer: Rebalancer<T> | null
  private readonly timers = new Map<string, Timer>()
  private readonly startedWallMs: number
  private persistRounds = 0
  private isStopped = false
  private isConfirming = false

  /**
   * `isShared`: queues of subscribed topics are shared with the other members; else `assignment` is the owner's
   * business.
   */
  constructor(context: ConsumerContext<T>, mode: ConsumeMode<T>, isShared = true) {
    const isLocking = mode.isOrdered && context.settings.model === 'clustering'
    this.context = context
    this.mode = mode
    this.locks = isLocking ? new OrderLocks(context.client, context.group) : null
    this.assignment = new Assignment(context, mode, this.locks)
    this.rebalancer = isShared ? new Rebalancer(context, this.assignment, this.locks) : null
    this.startedWallMs = context.client.env.clock.wallMs()
  }

  get group(): string {
    return this.context.group
  }

  /**
   * Joins the group; resolves after the first rebalance. Throws RMQ_INVALID_ARGUMENT for a second member of the
   * group here.
   */
  async start(): Promise<void> {
    const { client, settings } = this.context
    client.members.addConsumer(this)
    this.every('tick', TICK_MS, () => this.tick())
    this.every('persist', settings.persistOffsetsIntervalMs, () => this.persist())
    if (this.locks !== null) this.every('lock', LOCK_INTERVAL_MS, () => void this.confirmLocks())
    await this.within(FIRST_HEARTBEAT_MS, client.members.heartbeatNow())
    await this.rebalancer?.start()
  }

  topicsChanged(): void {
    void this.context.client.members.heartbeatNow()
    this.rebalancer?.topicsChanged()
  }

  /**
   * Stops reading, waits for handlers (whose locks are confirmed meanwhile), keeps offsets, leaves the group. After
   * `timeoutMs` handlers are aborted. Rejects with the first offset that could not be stored; everything else is
   * done then too.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.mode.stop()
    this.assignment.stopReading()
    await this.rebalancer?.stop()
    this.assignment.stopReading()
    await this.handlersEnd(timeoutMs)
    this.isStopped = true
    for (const timer of this.timers.values()) timer.cancel()
    this.timers.clear()
    try {
      await this.assignment.close()
    } finally {
      await this.context.client.members.removeConsumer(this)
    }
  }

  heartbeat(): ConsumerData {
    const { settings, subscriptions, client, group } = this.context
    const { from } = settings
    return {
      groupName: group,
      consumeType: settings.isPull ? 'CONSUME_ACTIVELY' : 'CONSUME_PASSIVELY',
      messageModel: settings.model === 'broadcasting' ? 'BROADCASTING' : 'CLUSTERING',
      consumeFromWhere:
        from === 'first'
          ? 'CONSUME_FROM_FIRST_OFFSET'
          : from === 'last'
            ? 'CONSUME_FROM_LAST_OFFSET'
            : 'CONSUME_FROM_TIMESTAMP',
      subscriptionDataSet: this.rebalancer === null ? [] : subscriptions.all(),
      unitMode: client.unitName !== null,
    }
  }

  /** Whoever is going to get a queue of ours asks for its offset before our own round may begin. */
  membersChanged(): void {
    this.assignment.persist()
    this.rebalancer?.request()
  }

  resetOffsets(topic: string, offsets: readonly (readonly [MessageQueue, number])[]): void {
    const { client, group } = this.context
    client.log.warn({ event: 'offsets_reset', group, topic, queues: offsets.length })
    for (const [queue, offset] of offsets) {
      const reader = this.assignment.find(queue)
      if (reader === undefined) this.context.offsets.remove(queue)
      else void this.assignment.moveTo(reader, offset, 'its offset was reset')
    }
  }

  consumerStatus(topic: string): readonly (readonly [MessageQueue, number])[] {
    const readers = this.assignment.all().filter(({ queue }) => queue.topic === topic)
    return readers.map(({ queue, cell }) => [queue, cell.offset] as const)
  }

  runningInfo(): JsonMap {
    const { context, assignment, mode, startedWallMs } = this
    return runningInfo({ context, assignment, isOrdered: mode.isOrdered, startedWallMs })
  }

  async consumeDirectly(
    message: MessageExt,
    brokerName: string,
  ): Promise<ConsumeMessageDirectlyResult> {
    const { clock } = this.context.client.env
    const startMs = clock.monotonicMs()
    let failure: unknown = null
    let isFailed = false
    try {
      await this.mode.direct(messageOf(message, brokerName, this.context.source))
    } catch (error) {
      isFailed = true
      failure = error
    }
    const isLater = failure instanceof RetryLater
    return {
      order: this.mode.isOrdered,
      autoCommit: true,
      consumeResult: !isFailed ? 'CR_SUCCESS' : isLater ? 'CR_LATER' : 'CR_THROW_EXCEPTION',
      remark: isFailed && !isLater ? String((failure as Error)?.stack ?? failure) : null,
      spentTimeMills: Math.round(clock.monotonicMs() - startMs),
    }
  }

  private async handlersEnd(timeoutMs: number): Promise<void> {
    if (await this.within(timeoutMs, this.mode.idle())) return
    const { group, client } = this.context
    client.log.warn({ event: 'drain_timed_out', group, handlers: this.mode.inFlight })
    const text = `the consumer closes, and its handlers had ${timeoutMs} ms to end`
    await this.mode.abandon(new RocketMQError(ErrorCode.CLOSED, text))
  }

  /** Whether it was done in time. */
  private within(ms: number, done: Promise<void>): Promise<boolean> {
    const { clock } = this.context.client.env
    return new Promise((resolve) => {
      const timer = clock.after(ms, () => resolve(false))
      void done.then(() => {
        timer.cancel()
        resolve(true)
      })
    })
  }

  private every(name: string, ms: number, task: () => void): void {
    const { clock } = this.context.client.env
    const run = (): void => {
      if (this.isStopped) return
      this.timers.set(name, clock.after(ms, run))
      task()
    }
    this.timers.set(name, clock.after(ms, run))
  }

  private tick(): void {
    const nowMs = this.context.client.env.clock.monotonicMs()
    this.mode.tick(nowMs)
    this.context.stats.sample(nowMs)
    if (this.locks !== null && this.hasLapsedLock(nowMs)) void this.confirmLocks()
  }

  /** A lock that nobody has refused, and nobody confirmed in time: its master was away, and is back. */
  private hasLapsedLock(nowMs: number): boolean {
    return this.assignment.all().some(({ process, queue }) => {
      const isLapsed = process.isLocked && !process.hasValidLock(nowMs)
      return isLapsed && isMasterReachable(this.context.client, queue.brokerName)
    })
  }

  private persist(): void {
    this.persistRounds++
    if (this.persistRounds % PERSIST_ALL_ROUNDS === 0) this.context.offsets.forgetPersisted()
    this.assignment.persist()
  }

  /** Locks live for 30 s here and 60 s at the broker: they are confirmed before. */
  private async confirmLocks(): Promise<void> {
    const { locks } = this
    const queues = this.assignment.withReleasing().map(({ queue }) => queue)
    if (locks === null || queues.length === 0 || this.isConfirming) return
    this.isConfirming = true
    const { askedMs, byQueue } = await locks.ask(queues)
    this.isConfirming = false
    for (const reader of this.assignment.withReleasing()) {
      const isLocked = byQueue.get(queueKey(reader.queue))
      if (isLocked === undefined) continue
      const { clock } = this.context.client.env
      if (isLocked && !reader.process.hasValidLock(clock.monotonicMs())) {
        void this.assignment.lockRegained(reader, askedMs)
      } else reader.process.setLocked(isLocked, askedMs)
    }
  }
}
