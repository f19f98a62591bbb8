import type { Timer } from '@apogee/env'
import type { MessageQueue } from '../api/message.ts'
import { MASTER_ID, type ReadAddress } from '../core/pull-source.ts'
import { queueKey } from '../core/queue-key.ts'
import {
  type Allocation,
  decideAllocation,
  isChange,
  planRebalance,
  queuesByBroker,
  type RebalancePlan,
} from '../core/rebalance/plan.ts'
import { DEFAULT_REBALANCE_LIMITS, RebalanceSchedule } from '../core/rebalance/schedule.ts'
import type { TopicRoute } from '../remote/contract.ts'
import type { Assignment } from './assignment.ts'
import { BrokerRequests } from './broker-requests.ts'
import type { RebalanceContext } from './channel-contexts.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { withoutNamespace } from './names.ts'
import type { OrderLocks } from './order-locks.ts'
import { replicasOf } from './replicas.ts'
import { Waiters } from './waiters.ts'

/** A queue that another member may just have left is first read after this, so that its offset has come to the broker. */
const TAKE_OVER_DELAY_MS = 500
/**
 * Rounds after the start in which a topic without a route is asked for again at once: brokers make retry topics at
 * the first heartbeat.
 */
const IMPATIENT_ROUNDS = 10

type Outcome = 'complete' | 'incomplete'
interface RoundResult {
  readonly outcome: Outcome
  readonly changed: boolean
}

/**
 * Shares the queues of all topics among the members of the group, again and again (Java: RebalanceService,
 * RebalanceImpl).
 */
export class Rebalancer<T> {
  private readonly context: ConsumerContext<T>
  private readonly assignment: Assignment<T>
  private readonly locks: OrderLocks | null
  private readonly requests: BrokerRequests
  private readonly schedule: RebalanceSchedule
  private readonly unwatch = new Map<string, () => void>()
  private readonly roundEnded = new Waiters()
  private timer: Timer | null = null
  private rounds = 0
  private hasEndedRound = false
  private isStopped = false

  constructor(context: ConsumerContext<T>, assignment: Assignment<T>, locks: OrderLocks | null) {
    this.context = context
    this.assignment = assignment
    this.locks = locks
    this.requests = new BrokerRequests(context.client)
    const limits = { ...DEFAULT_REBALANCE_LIMITS, intervalMs: context.settings.rebalanceIntervalMs }
    this.schedule = new RebalanceSchedule(limits, context.client.env.clock.monotonicMs())
  }

  /** Resolves when the first round has ended, well or not. */
  async start(): Promise<void> {
    this.watchTopics()
    this.arm()
    // A broker that heard of this member may have asked for a round already, and that one may be over.
    if (!this.hasEndedRound) await this.roundEnded.wait()
  }

  /** Something has changed: a round as soon as may be. */
  request(): void {
    if (this.isStopped) return
    this.schedule.request(this.context.client.env.clock.monotonicMs())
    this.arm()
  }

  /** The subscriptions have other topics than before. */
  topicsChanged(): void {
    this.watchTopics()
    this.request()
  }

  /** No further round; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.timer?.cancel()
    for (const end of this.unwatch.values()) end()
    this.unwatch.clear()
    if (this.schedule.isRunning) await this.roundEnded.wait()
    this.roundEnded.wakeAll()
  }

  private watchTopics(): void {
    const { client, subscriptions } = this.context
    const topics = new Set(subscriptions.topics())
    for (const topic of topics) {
      if (this.unwatch.has(topic)) continue
      this.unwatch.set(
        topic,
        client.routes.watch(topic, () => this.request()),
      )
    }
    for (const [topic, end] of this.unwatch) {
      if (topics.has(topic)) continue
      end()
      this.unwatch.delete(topic)
    }
  }

  private arm(): void {
    this.timer?.cancel()
    const { dueAtMs } = this.schedule
    if (dueAtMs === Number.POSITIVE_INFINITY) return
    const { clock } = this.context.client.env
    this.timer = clock.after(Math.max(0, dueAtMs - clock.monotonicMs()), () => void this.round())
  }

  private async round(): Promise<void> {
    const { clock } = this.context.client.env
    if (this.isStopped || !this.schedule.begin(clock.monotonicMs())) {
      if (!this.isStopped) this.arm()
      return
    }
    this.rounds++
    let outcome: Outcome = 'incomplete'
    try {
      outcome = await this.rebalanceAll()
    } catch (error) {
      const { client, group } = this.context
      client.log.error({ event: 'rebalance_failed', group, err: error })
    }
    this.schedule.end(clock.monotonicMs(), outcome)
    this.hasEndedRound = true
    this.roundEnded.wakeAll()
    if (!this.isStopped) this.arm()
  }

  private async rebalanceAll(): Promise<Outcome> {
    const { subscriptions, client } = this.context
    const topics = subscriptions.topics()
    this.releaseForeign(new Set(topics))
    const results = await Promise.all(topics.map((topic) => this.rebalance(topic)))
    if (results.some(({ changed }) => changed)) void client.members.heartbeatNow()
    return results.every(({ outcome }) => outcome === 'complete') ? 'complete' : 'incomplete'
  }

  private releaseForeign(subscribed: ReadonlySet<string>): void {
    for (const { queue } of this.assignment.all()) {
      if (!subscribed.has(queue.topic)) this.assignment.release(queue, 'its topic is unsubscribed')
    }
  }

  private rebalance(topic: string): Promise<RoundResult> {
    const { channels, group } = this.context
    if (!channels.rebalance.hasSubscribers) return this.rebalanceUntraced(topic)
    const context: RebalanceContext = { group, topic }
    return channels.rebalance.tracePromise(() => this.rebalanceUntraced(topic), context)
  }

  private async rebalanceUntraced(topic: string): Promise<RoundResult> {
    const { client, subscriptions } = this.context
    const route = client.routes.peek(topic) ?? (await client.routes.refresh(topic))
    const clientIds = route === null ? null : await this.members(route)
    const allocation = this.allocate(route, clientIds)
    if (allocation.kind === 'unknown') {
      return { outcome: this.unknown(topic, allocation.reason), changed: false }
    }
    if (this.isStopped) return { outcome: 'incomplete', changed: false }
    const nowMs = client.env.clock.monotonicMs()
    const plan = planRebalance(this.assignment.ownedOf(topic, nowMs), allocation.queues)
    for (const queue of plan.release) {
      this.assignment.release(queue, 'it belongs to another member of the group')
    }
    const started = await this.startAll(plan, (clientIds?.length ?? 1) > 1)
    const changed = isChange(plan)
    if (changed) {
      subscriptions.renew(topic, client.env.clock.wallMs())
      this.report(topic)
    }
    const isComplete = started && plan.wait.length === 0
    return { outcome: isComplete ? 'complete' : 'incomplete', changed }
  }

  private allocate(route: TopicRoute | null, clientIds: string[] | null): Allocation {
    const { client, settings, group } = this.context
    return decideAllocation(settings.strategy, {
      group,
      clientId: client.clientId,
      model: settings.model,
      queues: route?.subscribeQueues ?? null,
      clientIds,
    })
  }

  private unknown(topic: string, reason: string): Outcome {
    const { client, group } = this.context
    client.log.debug({ event: 'allocation_unknown', group, topic, reason })
    if (reason === 'NOT_A_MEMBER') void client.members.heartbeatNow()
    const isRouteless = reason === 'NO_ROUTE' || reason === 'NO_QUEUES'
    if (isRouteless) void client.routes.refresh(topic)
    return isRouteless && this.rounds > IMPATIENT_ROUNDS ? 'complete' : 'incomplete'
  }

  /** GET_CONSUMER_LIST_BY_GROUP (38) from any broker of the topic; null when none answers. */
  private async members(route: TopicRoute): Promise<string[] | null> {
    const { client, settings, group } = this.context
    if (settings.model === 'broadcasting') return null
    for (const address of this.membersAddresses(route)) {
      try {
        return await this.requests.members(address, group)
      } catch (error) {
        client.log.debug({ event: 'members_not_known', group, address, err: error })
      }
    }
    return null
  }

  /**
   * Masters in random turn, then slaves: those know members too, who send heartbeats to all replicas. Broken connections
   * come last.
   */
  private membersAddresses({ data }: TopicRoute): string[] {
    const { client } = this.context
    const { brokerDatas } = data
    const start = client.env.random.below(Math.max(1, brokerDatas.length))
    const turn = [...brokerDatas.slice(start), ...brokerDatas.slice(0, start)]
    const replicas = turn.flatMap(({ brokerName }) => replicasOf(client, brokerName))
    const rank = ({ address, brokerId }: ReadAddress): number =>
      client.remote.isDown(address) ? 2 : brokerId === MASTER_ID ? 0 : 1
    return replicas.sort((a, b) => rank(a) - rank(b)).map(({ address }) => address)
  }

  /** True when all of the plan's new queues are read now. */
  private async startAll(plan: RebalancePlan, hasOthers: boolean): Promise<boolean> {
    if (plan.add.length === 0) return true
    const add = plan.add.filter((queue) => !this.assignment.isReleasing(queue))
    const { client, settings } = this.context
    const isTakingOver = hasOthers && settings.model === 'clustering' && this.locks === null
    if (isTakingOver) {
      await new Promise<void>((resolve) => client.env.clock.after(TAKE_OVER_DELAY_MS, resolve))
    }
    // Broker by broker: one that does not answer keeps nobody else waiting.
    const starts = [...queuesByBroker(add).values()].map((queues) => this.startSome(queues))
    const results = await Promise.all(starts)
    return add.length === plan.add.length && results.every((areStarted) => areStarted)
  }

  /** Queues of one broker. */
  private async startSome(queues: readonly MessageQueue[]): Promise<boolean> {
    let wanted = queues
    let lockedMs: number | null = null
    if (this.locks !== null) {
      const { askedMs, byQueue } = await this.locks.ask(queues)
      wanted = queues.filter((queue) => byQueue.get(queueKey(queue)) === true)
      lockedMs = askedMs
    }
    if (this.isStopped) return false
    const starts = await Promise.all(wanted.map((queue) => this.startOne(queue, lockedMs)))
    return wanted.length === queues.length && starts.every((isStarted) => isStarted)
  }

  private async startOne(queue: MessageQueue, lockedMs: number | null): Promise<boolean> {
    try {
      await this.assignment.start(queue, lockedMs)
      return true
    } catch (error) {
      const { client, group } = this.context
      client.log.warn({ event: 'queue_not_started', group, queue, err: error })
      void client.routes.refresh(queue.topic)
      return false
    }
  }

  private report(topic: string): void {
    const { client } = this.context
    const group = withoutNamespace(client.namespace, this.context.group)
    const all = this.assignment.all().map(({ queue }) => queue)
    const queues = all.filter((queue) => queue.topic === topic)
    client.log.info({ event: 'rebalanced', group, topic, queues })
    const name = withoutNamespace(client.namespace, topic)
    client.status.emit({ type: 'rebalanced', group, topic: name, queues })
  }
}
