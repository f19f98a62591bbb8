import { isMalformed } from '@apogee/base'
import type { Clock, Timer } from '@apogee/env'
import {
  ClusterInfo,
  CreateTopicRequestHeader,
  decodeBody,
  encodeHeader,
  GetTopicConfigRequestHeader,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import type { Logger, RemotingClient, Response } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import { nameServers } from '../outer/broker-outer-api.ts'
import type { TopicConfig } from './topic-config.ts'
import type { TopicConfigManager } from './topic-config-manager.ts'

/** Topics that wait; a broker that makes more at a time keeps them to itself, as it would without all this. */
const WAITING_MAX = 1024
/** Topics that are brought to the other masters at a time. */
const AT_ONCE = 8
/** Masters beyond these are not told; the key names a cluster that is larger than any that is known. */
const MASTERS_MAX = 256
/** How often a topic is tried, and how long after a failure. */
const ATTEMPTS = 4
const RETRY_MS = 1000
const TIMEOUT_MS = 5000

interface Waiting {
  readonly topicName: string
  attempts: number
}

/**
 * Makes a topic that a send has made here on the other masters of the cluster too (autoCreateTopicOnAllMasters), so that
 * its queues lie on all of them and not where the first message happened to go. No send waits for it, and a master that
 * has the topic keeps its own settings. What another master brings is a wish of an operator to this one (request code 17),
 * no send: it goes no further. Retry and dead-letter topics stay: consumers' heartbeats make a group's retry topic on each
 * broker, and dead letters lie where they died. Java: none; there such a topic lives on one broker.
 */
export class TopicSpreader {
  private readonly config: BrokerConfig
  private readonly deps: TopicSpreaderDeps
  private readonly waiting = new Map<string, Waiting>()
  private isRunning = false
  private isStopped = false
  private timer: Timer | null = null

  constructor(config: BrokerConfig, deps: TopicSpreaderDeps) {
    this.config = config
    this.deps = deps
    deps.topics.onCreatedInSend = (topic) => this.add(topic)
  }

  /** Topics that wait for their turn or their next attempt. */
  get waitingCount(): number {
    return this.waiting.size
  }

  stop(): void {
    this.isStopped = true
    this.timer?.cancel()
    this.waiting.clear()
  }

  private add({ topicName }: TopicConfig): void {
    const { autoCreateTopicOnAllMasters, namesrvAddr } = this.config.values
    if (!autoCreateTopicOnAllMasters || namesrvAddr === '' || this.isStopped) return
    if (/^%(?:RETRY|DLQ)%/.test(topicName)) return
    if (this.waiting.size >= WAITING_MAX) {
      this.deps.log.warn({ event: 'topic_not_spread', topic: topicName, reason: 'too many wait' })
      return
    }
    this.waiting.set(topicName, { topicName, attempts: 0 })
    if (!this.isRunning && this.timer === null) this.runIn(0)
  }

  private runIn(delayMs: number): void {
    this.timer = this.deps.clock.after(delayMs, () => {
      this.timer = null
      void this.run()
    })
  }

  private async run(): Promise<void> {
    this.isRunning = true
    const some = [...this.waiting.values()].slice(0, AT_ONCE)
    const masters = await this.otherMasters()
    const results = await Promise.all(some.map((one) => this.spread(one, masters)))
    this.isRunning = false
    if (this.isStopped || this.waiting.size === 0) return
    this.runIn(results.includes(false) ? RETRY_MS : 0)
  }

  /** False: something went wrong, and it is tried again. */
  private async spread(one: Waiting, masters: readonly string[] | null): Promise<boolean> {
    const topic = this.deps.topics.select(one.topicName)
    const made = topic === undefined ? [] : masters?.map((address) => this.bring(topic, address))
    const isDone = made !== undefined && (await Promise.all(made)).every((isThere) => isThere)
    this.waiting.delete(one.topicName)
    if (isDone || this.isStopped) return true
    if (++one.attempts < ATTEMPTS) {
      // Behind those that wait for their first attempt.
      this.waiting.set(one.topicName, one)
      return false
    }
    this.deps.log.warn({ event: 'topic_not_spread', topic: one.topicName, reason: 'unreachable' })
    return true
  }

  /** Main addresses of the cluster's other masters; null when no NameServer says. */
  private async otherMasters(): Promise<string[] | null> {
    const { brokerClusterName, brokerName, namesrvAddr } = this.config.values
    for (const address of nameServers(namesrvAddr)) {
      const response = await this.ask(address, RequestCode.GET_BROKER_CLUSTER_INFO, new Map())
      if (response?.code !== ResponseCode.SUCCESS) continue
      const info = decodeBody(ClusterInfo, response.body, { valuesMax: 1_000_000 })
      if (isMalformed(info)) continue
      const names = info.clusterAddrTable.get(brokerClusterName) ?? []
      return names
        .filter((name) => name !== brokerName)
        .map((name) => info.brokerAddrTable.get(name)?.brokerAddrs.get(0))
        .filter((master) => master !== undefined)
        .slice(0, MASTERS_MAX)
    }
    return null
  }

  /** True when the master has the topic, or does not want it. */
  private async bring(topic: TopicConfig, address: string): Promise<boolean> {
    const { perm, readQueueNums, topicFilterType, topicName, topicSysFlag, writeQueueNums } = topic
    const asked = encodeHeader(GetTopicConfigRequestHeader, { topic: topicName })
    const known = await this.ask(address, RequestCode.GET_TOPIC_CONFIG, asked)
    if (known === null || known.code === ResponseCode.SUCCESS) return known !== null
    const fields = encodeHeader(CreateTopicRequestHeader, {
      topic: topicName,
      defaultTopic: topicName,
      readQueueNums,
      writeQueueNums,
      perm,
      topicFilterType,
      topicSysFlag,
    })
    const made = await this.ask(address, RequestCode.UPDATE_AND_CREATE_TOPIC, fields)
    if (made === null || made.code === ResponseCode.SYSTEM_BUSY) return false
    const isMade = made.code === ResponseCode.SUCCESS
    const { code, remark } = made
    if (isMade) this.deps.log.info({ event: 'topic_spread', topic: topicName, address })
    else this.deps.log.warn({ event: 'topic_refused', topic: topicName, address, code, remark })
    return true
  }

  private async ask(
    address: string,
    code: number,
    fields: Map<string, string>,
  ): Promise<Response | null> {
    try {
      return await this.deps.client.invoke(address, { code, fields }, TIMEOUT_MS)
    } catch (error) {
      const reason = (error as Error).message
      this.deps.log.debug({ event: 'topic_spread_failed', address, code, reason })
      return null
    }
  }
}

export interface TopicSpreaderDeps {
  client: Pick<RemotingClient, 'invoke'>
  clock: Clock
  log: Logger
  topics: TopicConfigManager
}
