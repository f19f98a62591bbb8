import { ApogeeError } from '@apogee/base'
import type { BrokerServices } from '@apogee/broker'
import type { Env } from '@apogee/env'
import { type Logger, silentLogger } from '@apogee/remoting'
import { BrokerNode } from './broker-node.ts'
import { type ClusterFaults, PlannedFaults } from './faults/cluster-faults.ts'
import { caughtUp } from './inspect/caught-up.ts'
import {
  MESSAGES_MAX,
  type MessagesQuery,
  type StoredMessage,
  storedMessages,
} from './inspect/messages.ts'
import {
  type GroupClient,
  type GroupLag,
  groupClients,
  groupProgress,
  type QueueProgress,
  topicProgress,
} from './inspect/progress.ts'
import { type ClusterClock, ClusterMachine } from './machine.ts'
import { NamesrvNode } from './namesrv-node.ts'
import type { ClusterNode, NodeDeps } from './node.ts'
import type { ClusterSettings, ClusterTopicOptions } from './options.ts'
import { EmbeddedProcess } from './process/embedded-process.ts'
import { brokerConfig, invalid } from './settings.ts'
import { type WaitOptions, waitFor } from './wait-for.ts'

/** Topics of a cluster. */
export interface ClusterTopics {
  /**
   * Makes a topic on every broker, or alters it; its route is known to the NameServers when this resolves. Brokers that
   * do not run get it when they start again. Rejects with CLUSTER_TOPIC_REFUSED.
   */
  create(name: string, options?: ClusterTopicOptions): Promise<void>
}

/** How long a node that has started waits for the others to know it, real ms. Brokers try again every 1 to 10 s. */
const REGISTERED_MS = 15_000

/**
 * A whole RocketMQ cluster inside this process: NameServers and brokers with everything they are as programs, on ports
 * of 127.0.0.1, for any client of any language. Nothing of it is global, many can run at once, and `close` leaves no
 * timer, no socket, no file and no handle.
 */
export interface Cluster {
  /** host:port of each NameServer: what clients are given. */
  readonly nameservers: readonly string[]
  readonly brokers: readonly ClusterNode[]
  /** The NameServers, to kill and restart them. */
  readonly nameserverNodes: readonly ClusterNode[]
  readonly topics: ClusterTopics
  readonly faults: ClusterFaults
  readonly clock: ClusterClock
  /**
   * Clock, network, disk and chance of the cluster: a client made with it lives in the cluster's time. It is gone with the
   * cluster, so close such clients first.
   */
  readonly env: Env
  /** Messages of a topic on all brokers that run, by broker, queue and offset. Not hit by faults. */
  messages(topic: string, query?: MessagesQuery): Promise<StoredMessage[]>
  /** How far a group is behind on a topic, over all brokers that run. Of a queue without an offset all messages count. */
  lag(group: string, topic: string): Promise<GroupLag>
  /** The offsets that a group has committed, on all brokers that run. */
  offsets(group: string): Promise<QueueProgress[]>
  /** The clients of a consumer or producer group, on all brokers that run. */
  clients(group: string): GroupClient[]
  /**
   * Asks again and again until the answer is neither false, null nor undefined, and resolves to it. A predicate that
   * throws has not been reached yet. Rejects with CLUSTER_WAIT_TIMEOUT.
   */
  waitFor<T>(predicate: () => T | Promise<T>, options?: WaitOptions): Promise<NonNullable<T>>
  /** Ends everything: connections at once, stores in order. A second call waits for the first. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export class EmbeddedCluster implements Cluster {
  readonly brokers: readonly BrokerNode[]
  readonly nameserverNodes: readonly NamesrvNode[]
  readonly topics: ClusterTopics = { create: (name, options) => this.createTopic(name, options) }
  readonly faults: PlannedFaults
  readonly clock: ClusterClock
  readonly env: Env
  private readonly settings: ClusterSettings
  private readonly machine: ClusterMachine
  private readonly outside: EmbeddedProcess
  private readonly declaredTopics: Map<string, ClusterTopicOptions>
  private closing: Promise<void> | null = null

  /** Throws CLUSTER_OPTION_INVALID. Nothing runs before `start`. */
  constructor(settings: ClusterSettings) {
    this.settings = settings
    const configs = Array.from({ length: settings.brokers }, (_, index) =>
      brokerConfig(settings, index, { namesrvAddr: '', storePathRootDir: '/' }),
    )
    const names = configs.map(({ values }) => values.brokerName)
    if (new Set(names).size < names.length)
      throw invalid(`two brokers of one name: ${names.join()}`)
    this.declaredTopics = new Map(settings.topics)
    this.machine = new ClusterMachine(settings.store, settings.time)
    this.clock = this.machine.clusterClock()
    this.outside = new EmbeddedProcess(this.machine, this.machine.disk(), [])
    this.env = this.outside.env
    this.faults = new PlannedFaults((node) => this.cut(node))
    this.nameserverNodes = Array.from({ length: settings.nameservers }, (_, index) =>
      this.namesrvNode(index),
    )
    this.brokers = names.map((name, index) => this.brokerNode(name, index))
  }

  get nameservers(): string[] {
    return this.nameserverNodes.map((node) => node.address)
  }

  /** Rejects with what keeps a node from starting; everything is closed again then. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.nameserverNodes.map((node) => node.start()))
      await Promise.all(this.brokers.map((node) => node.start()))
      await this.ready()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async messages(topic: string, query: MessagesQuery = {}): Promise<StoredMessage[]> {
    const { broker, limit = MESSAGES_MAX, queueId } = query
    const found: StoredMessage[] = []
    for (const { name, services } of await this.shown()) {
      if (broker !== undefined && broker !== name) continue
      const which = { topic, queueId, limit: limit - found.length }
      found.push(...(await storedMessages(name, services, which)))
    }
    return found
  }

  async lag(group: string, topic: string): Promise<GroupLag> {
    const queues = (await this.shown()).flatMap(({ name, services }) =>
      topicProgress(name, services, group, topic),
    )
    return { total: queues.reduce((sum, { lag }) => sum + lag, 0), queues }
  }

  async offsets(group: string): Promise<QueueProgress[]> {
    return (await this.shown()).flatMap(({ name, services }) =>
      groupProgress(name, services, group),
    )
  }

  clients(group: string): GroupClient[] {
    return this.brokers.flatMap(({ name, services }) =>
      services === null ? [] : groupClients(name, services, group),
    )
  }

  waitFor<T>(predicate: () => T | Promise<T>, options: WaitOptions = {}): Promise<NonNullable<T>> {
    return waitFor(predicate, options)
  }

  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The brokers that run, once they show what they have acknowledged. */
  private async shown(): Promise<{ name: string; services: BrokerServices }[]> {
    await Promise.all(this.brokers.map(caughtUp))
    return this.brokers.flatMap(({ name, services }) =>
      services === null ? [] : [{ name, services }],
    )
  }

  private async end(): Promise<void> {
    this.faults.clear()
    // A node that does not answer would hold up those that say good-bye to it.
    await Promise.all([...this.nameserverNodes, ...this.brokers].map((node) => node.resume()))
    // Brokers first: to leave a NameServer that is gone takes a time-out.
    const stops: PromiseSettledResult<void>[] = []
    for (const nodes of [this.brokers, this.nameserverNodes]) {
      stops.push(...(await Promise.allSettled(nodes.map((node) => node.stop({ graceMs: 0 })))))
      await Promise.all(nodes.map((node) => node.kill()))
    }
    await this.outside.kill()
    await this.machine.close()
    for (const stop of stops) if (stop.status === 'rejected') throw stop.reason
  }

  private async createTopic(name: string, options: ClusterTopicOptions = {}): Promise<void> {
    if (this.closing !== null) throw new ApogeeError('CLUSTER_CLOSED', 'the cluster is closed')
    await Promise.all(this.brokers.map((broker) => broker.createTopics([[name, options]])))
    this.declaredTopics.set(name, options)
  }

  private cut(node: string | undefined): number {
    return [...this.nameserverNodes, ...this.brokers]
      .filter(({ name }) => node === undefined || name === node)
      .reduce((sum, one) => sum + one.cutConnections(), 0)
  }

  /** Every broker that runs is known to every NameServer that runs. Rejects with CLUSTER_NOT_REGISTERED. */
  private async ready(): Promise<void> {
    const count = this.nameserverNodes.filter((one) => one.isRunning && !one.isPaused).length
    for (const broker of this.brokers) {
      if (await broker.registered(count, REGISTERED_MS)) continue
      const text = `${broker.name} is not registered with ${count} NameServers`
      throw new ApogeeError('CLUSTER_NOT_REGISTERED', text)
    }
  }

  private namesrvNode(index: number): NamesrvNode {
    const { root } = this.machine
    const isVirtual = this.settings.time === 'virtual'
    return new NamesrvNode(index, root, isVirtual, this.nodeDeps(`namesrv-${index + 1}`))
  }

  private brokerNode(name: string, index: number): BrokerNode {
    const storePathRootDir = `${this.machine.root}/${name}`
    return new BrokerNode(name, {
      ...this.nodeDeps(name),
      topics: this.declaredTopics,
      config: () => {
        const namesrvAddr = this.nameservers.join(';')
        return brokerConfig(this.settings, index, { namesrvAddr, storePathRootDir })
      },
    })
  }

  private nodeDeps(node: string): NodeDeps {
    const { machine, settings } = this
    const log = settings.logger === null ? silentLogger : named(settings.logger, node)
    const rules = this.faults.rules
    return { machine, disk: machine.disk(), rules, log, ready: () => this.ready() }
  }
}

/** Each line with its node. */
function named(logger: Logger, node: string): Logger {
  return {
    debug: (fields, message) => logger.debug({ node, ...fields }, message),
    info: (fields, message) => logger.info({ node, ...fields }, message),
    warn: (fields, message) => logger.warn({ node, ...fields }, message),
    error: (fields, message) => logger.error({ node, ...fields }, message),
  }
}
