import { isNotAllowedSendTopic, SystemTopic, validateTopic } from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { type BrokerDoubts, QueueChoice } from '../core/queue-choice.ts'
import { ShardRing } from '../core/shard-ring.ts'
import { routeFromDefault } from '../core/topic-route.ts'
import type { Client, TopicRoute } from '../remote/contract.ts'
import { invalidArgument } from '../remote/errors.ts'
import type { ProducerSettings } from './producer-settings.ts'
import { type QueueFields, queueTemplate } from './send-frame.ts'

/** A topic that a broker is about to make is asked for this often, until NameServers know it. */
const UNKNOWN_TOPIC_REFRESH_MS = 1_000

/** The route of a topic with sharding keys is said to be in use this often. */
const RING_USED_MS = 1_000

/** One queue to send to, with what is the same for all its messages. */
export class QueueTarget implements QueueFields {
  readonly producerGroup: string
  readonly topic: string
  readonly defaultTopicQueueNums: number
  readonly unitMode: boolean
  readonly batch: boolean
  readonly queueId: number
  readonly brokerName: string
  /** As users name it: without the namespace. */
  readonly queue: MessageQueue
  private encoded: Buffer | null = null

  constructor(topic: TopicTarget, queue: MessageQueue, batch: boolean) {
    this.producerGroup = topic.settings.group
    this.topic = topic.wireName
    this.defaultTopicQueueNums = topic.settings.defaultTopicQueueNums
    this.unitMode = topic.client.unitName !== null
    this.batch = batch
    this.queueId = queue.queueId
    this.brokerName = queue.brokerName
    this.queue = { topic: topic.name, brokerName: queue.brokerName, queueId: queue.queueId }
  }

  get template(): Buffer {
    this.encoded ??= queueTemplate(this)
    return this.encoded
  }
}

/** A topic that a producer sends to: its queues as the route has them now. */
export class TopicTarget {
  /** As users name it. */
  readonly name: string
  /** As servers name it. */
  readonly wireName: string
  readonly client: Client
  readonly settings: ProducerSettings
  usedMs = 0
  /** Where sharding keys choose. */
  readonly ring: ShardRing = new ShardRing()
  private ringUsedMs = Number.NEGATIVE_INFINITY
  private queues: readonly MessageQueue[] | null = null
  /** The route is that of TBW102: no NameServer knows the topic yet. */
  private isDefault = false
  /** What the ring has comes from such a route: brokers that did not get the topic have not left it. */
  private isRingGuessed = false
  private askedMs = 0
  private readonly choice: QueueChoice
  private readonly doubts: BrokerDoubts
  private readonly targets = new Map<MessageQueue, QueueTarget>()
  private readonly batchTargets = new Map<MessageQueue, QueueTarget>()
  private readonly unwatch: () => void

  /** Throws RMQ_INVALID_ARGUMENT. */
  constructor(
    name: string,
    wireName: string,
    client: Client,
    settings: ProducerSettings,
    doubts: BrokerDoubts,
  ) {
    const problem = validateTopic(wireName)
    if (problem !== null) throw invalidArgument(problem.detail)
    if (isNotAllowedSendTopic(wireName)) throw invalidArgument(`${wireName} is the broker's own`)
    this.name = name
    this.wireName = wireName
    this.client = client
    this.settings = settings
    this.doubts = doubts
    this.choice = new QueueChoice(client.env.random.below(1_000_000))
    this.unwatch = client.routes.watch(wireName, (route) => this.routeChanged(route))
    this.routeChanged(client.routes.peek(wireName))
  }

  /** Whether `next` and `publishQueues` know anything yet. */
  get isReady(): boolean {
    return this.queues !== null
  }

  /** Queues that can be written to. */
  get publishQueues(): readonly MessageQueue[] {
    return this.queues ?? []
  }

  /** Makes it ready. Rejects with RMQ_TOPIC_NOT_FOUND, RMQ_NAMESERVER_UNREACHABLE, RMQ_CLOSED. */
  async load(): Promise<void> {
    const { routes } = this.client
    try {
      this.routeChanged(await routes.get(this.wireName))
    } catch (error) {
      const isUnknown = error instanceof RocketMQError && error.code === ErrorCode.TOPIC_NOT_FOUND
      if (!isUnknown || !this.settings.createTopics) throw error
      await this.loadDefault(error)
    }
  }

  next(failedBroker: string | null): MessageQueue | null {
    return this.choice.next(this.publishQueues, this.doubts, failedBroker)
  }

  /** Whether a broker other than this one has a queue, and nothing speaks against it. */
  hasSoundBroker(besides: string): boolean {
    for (const { brokerName } of this.publishQueues) {
      if (brokerName === besides) continue
      if (!this.doubts.isDown(brokerName) && !this.doubts.isAvoided(brokerName)) return true
    }
    return false
  }

  target(queue: MessageQueue, batch: boolean): QueueTarget {
    const targets = batch ? this.batchTargets : this.targets
    let target = targets.get(queue)
    if (target === undefined) {
      target = new QueueTarget(this, queue, batch)
      targets.set(queue, target)
    }
    return target
  }

  /** The ring decides where a message goes: it must be fresh. */
  useRing(): ShardRing {
    const nowMs = this.client.env.clock.monotonicMs()
    if (nowMs - this.ringUsedMs >= RING_USED_MS) {
      this.ringUsedMs = nowMs
      this.client.routes.watchClosely(this.wireName)
    }
    return this.ring
  }

  /** A send has failed, or the topic is still unknown: the route may be another by now. */
  refresh(): void {
    void this.client.routes.refresh(this.wireName)
  }

  /** A message is stored: a broker has made the topic if it was new. */
  stored(): void {
    if (!this.isDefault) return
    const nowMs = this.client.env.clock.monotonicMs()
    if (nowMs - this.askedMs < UNKNOWN_TOPIC_REFRESH_MS) return
    this.askedMs = nowMs
    this.refresh()
  }

  close(): void {
    this.unwatch()
  }

  private async loadDefault(unknown: unknown): Promise<void> {
    const { routes } = this.client
    const defaults = await routes.get(SystemTopic.AUTO_CREATE_TOPIC_KEY).catch((cause: unknown) => {
      const isUnknown = cause instanceof RocketMQError && cause.code === ErrorCode.TOPIC_NOT_FOUND
      throw isUnknown ? unknown : cause
    })
    if (this.queues !== null) return
    const { defaultTopicQueueNums } = this.settings
    this.routeChanged(routeFromDefault(this.wireName, defaults.data, defaultTopicQueueNums), true)
  }

  private routeChanged(route: TopicRoute | null, isDefault = false): void {
    if (route !== null && this.queues === route.publishQueues) return
    this.queues = route === null ? null : route.publishQueues
    this.isDefault = isDefault
    this.targets.clear()
    this.batchTargets.clear()
    if (route !== null) this.updateRing(route, isDefault)
  }

  /** A topic whose brokers have all died is unknown after a while: its keys keep their queues all the same. */
  private updateRing(route: TopicRoute, isGuess: boolean): void {
    const isKnown = this.ring.queues.length > 0 && !this.isRingGuessed
    if (isGuess && isKnown) return
    if (this.isRingGuessed) this.ring.clear()
    this.isRingGuessed = isGuess
    const brokers = this.ring.update(route)
    if (brokers.length === 0) return
    this.client.log.warn({ event: 'sharded_queues_missing', topic: this.name, brokers })
  }
}
