import type { ApogeeError } from '@apogee/base'
import { FrameFlag } from '@apogee/protocol'
import type { Connection } from '@apogee/remoting'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { withNamespace } from '../consumer/names.ts'
import { BrokerLoad } from '../core/broker-load.ts'
import { FaultStrategy } from '../core/fault-strategy.ts'
import type { BrokerDoubts } from '../core/queue-choice.ts'
import type { Client } from '../remote/contract.ts'
import { closedError, RETRIABLE_ERROR_MS } from '../remote/errors.ts'
import type { ProducerSettings } from './producer-settings.ts'
import { type MessageFields, sendFields, writeSendFrame } from './send-frame.ts'
import { SendJob, type SendWork, type Stored } from './send-job.ts'
import { type QueueTarget, TopicTarget } from './topic-target.ts'

const MASTER_ID = 0
/** Topics a producer remembers; the one unused for longest is forgotten first. */
export const TOPICS_MAX = 10_000

/** Sends frames for one producer: topics, the count of sends in flight, and which brokers are better avoided. */
export class Sender implements BrokerDoubts {
  readonly client: Client
  readonly settings: ProducerSettings
  private readonly topics = new Map<string, TopicTarget>()
  private readonly faults = new FaultStrategy()
  private readonly load = new BrokerLoad()
  private inFlight = 0
  private closing = false
  private emptyListeners: (() => void)[] = []

  constructor(client: Client, settings: ProducerSettings) {
    this.client = client
    this.settings = settings
  }

  get nowMs(): number {
    return this.client.env.clock.monotonicMs()
  }

  get isClosed(): boolean {
    return this.closing || this.client.isClosing
  }

  /** A topic by the name that users know. Throws RMQ_INVALID_ARGUMENT. */
  topic(name: string): TopicTarget {
    return this.topics.get(name) ?? this.addTopic(name, withNamespace(this.client.namespace, name))
  }

  /** A topic that belongs to no namespace. */
  topicOfNoNamespace(name: string): TopicTarget {
    return this.topics.get(name) ?? this.addTopic(name, name)
  }

  /**
   * Sends one frame; `done` is called exactly once. Throws RMQ_CLOSED. null: RMQ_TOO_MANY_IN_FLIGHT, which `done` hears
   * soon, and not at once: a caller that tries again in a loop would keep the answers from coming.
   */
  send(
    work: SendWork,
    done: (error: RocketMQError | null, stored: Stored | null) => void,
  ): SendJob | null {
    if (this.isClosed) throw closedError()
    if (this.inFlight >= this.settings.maxInFlight) {
      const text = `${this.inFlight} sends wait for an answer already (maxInFlight)`
      const error = new RocketMQError(ErrorCode.TOO_MANY_IN_FLIGHT, text, { retriable: true })
      this.soon(() => done(error, null))
      return null
    }
    this.inFlight++
    work.topic.usedMs = this.nowMs
    const job = new SendJob(this, work, (error, stored) => {
      this.inFlight--
      if (this.inFlight === 0 && this.emptyListeners.length > 0) this.tellEmpty()
      done(error, stored)
    })
    job.start()
    return job
  }

  /** For errors that callers may answer by trying again. */
  soon(task: () => void): void {
    this.client.env.clock.after(RETRIABLE_ERROR_MS, task)
  }

  /** The connection to the master that has the queue, or why there is none. */
  connectionTo(topic: TopicTarget, { brokerName }: MessageQueue): Connection | RocketMQError {
    const { routes, remote } = this.client
    const isMissing = topic.ring.isMissing(brokerName)
    const address = isMissing ? null : routes.brokerAddress(brokerName, MASTER_ID)
    if (address !== null) return remote.open(address)
    const text = isMissing
      ? `${brokerName} has left the route of ${topic.name} without giving up its write permission`
      : `no route to the master of ${brokerName}`
    const details = { broker: brokerName, retriable: true }
    return new RocketMQError(ErrorCode.BROKER_UNREACHABLE, text, details)
  }

  /** Writes a frame whose opaque the connection has given. */
  write(
    connection: Connection,
    code: number,
    opaque: number,
    target: QueueTarget,
    content: MessageFields,
    isOneway: boolean,
  ): void {
    const { remote, env } = this.client
    const bornTimestamp = env.clock.wallMs()
    if (remote.writesBinary) {
      writeSendFrame(connection, code, opaque, isOneway, target.template, content, bornTimestamp)
      return
    }
    const { body } = content
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    const fields = remote.fieldsOf(sendFields(target, content, bornTimestamp), bytes)
    connection.sendFrame(code, opaque, isOneway ? FrameFlag.ONEWAY : 0, fields, bytes)
  }

  failureOf(code: number, error: ApogeeError, address: string): RocketMQError {
    return this.client.remote.failureOf(code, error, address)
  }

  /** A frame is on its way to the broker; `attemptEnded` follows. */
  attemptBegan(brokerName: string, nowMs: number): void {
    this.load.began(brokerName, nowMs)
  }

  /** `hung`: it did not answer in time. Such a broker is avoided also without latency fault tolerance. */
  attemptEnded(
    brokerName: string,
    startedMs: number,
    outcome: 'stored' | 'refused' | 'lost' | 'hung',
  ): void {
    const { nowMs } = this
    const isAnswer = outcome === 'stored' || outcome === 'refused'
    this.load.ended(brokerName, isAnswer, nowMs)
    if (!this.settings.latencyFaultTolerance && outcome !== 'hung') return
    const hasFailed = outcome !== 'stored'
    const forMs = this.faults.sent(brokerName, nowMs - startedMs, hasFailed, nowMs)
    if (forMs > 0) this.client.status.emit({ type: 'broker-avoided', brokerName, forMs })
  }

  isDown(brokerName: string): boolean {
    const address = this.client.routes.brokerAddress(brokerName, MASTER_ID)
    return address === null || this.client.remote.isDown(address)
  }

  isAvoided(brokerName: string): boolean {
    return this.faults.isAvoided(brokerName, this.nowMs)
  }

  isStuck(brokerName: string): boolean {
    return this.load.isStuck(brokerName, this.nowMs)
  }

  /** Takes no more sends. */
  stop(): void {
    this.closing = true
  }

  /** Takes no more sends, and resolves once those in flight have ended: each does within its own time-out. */
  async drain(): Promise<void> {
    this.stop()
    if (this.inFlight > 0) {
      await new Promise<void>((resolve) => this.emptyListeners.push(resolve))
    }
    for (const topic of this.topics.values()) topic.close()
    this.topics.clear()
  }

  private addTopic(name: string, wireName: string): TopicTarget {
    const topic = new TopicTarget(name, wireName, this.client, this.settings, this)
    if (this.topics.size >= TOPICS_MAX) this.forgetOne()
    this.topics.set(name, topic)
    return topic
  }

  private tellEmpty(): void {
    const listeners = this.emptyListeners
    this.emptyListeners = []
    for (const listener of listeners) listener()
  }

  private forgetOne(): void {
    let oldest: TopicTarget | null = null
    for (const topic of this.topics.values()) {
      if (oldest === null || topic.usedMs < oldest.usedMs) oldest = topic
    }
    if (oldest === null) return
    oldest.close()
    this.topics.delete(oldest.name)
  }
}
