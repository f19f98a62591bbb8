import { ApogeeError } from '@apogee/base'
import type { BrokerServices } from '@apogee/broker'
import type { Env } from '@apogee/env'
import { type Logger, silentLogger } from '@apogee/remoting'
import { nodeNameOf } from '../node-names.ts'
import { BrokerNode, type ClusterBroker } from './broker-node.ts'
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
import { type Replication, replicationOf } from './inspect/replication.ts'
import { type ClusterClock, ClusterMachine } from './machine.ts'
import { NamesrvNode } from './namesrv-node.ts'
import type { ClusterNode, NodeDeps } from './node.ts'
import type { BrokerPlace, ClusterSettings, ClusterTopicOptions } from './options.ts'
import { EmbeddedProcess } from './process/embedded-process.ts'
import { brokerConfig, invalid } from './settings.ts'
import { type WaitOptions, waitFor } from './wait-for.ts'

/** Topics of a cluster. */
export interface ClusterTopics {
  /**
   * Makes a topic on every master, or alters it; its route is known to the NameServers when this resolves, and slaves that
   * follow their masters have it. Brokers that do not run get it when they start again. Rejects with
   * CLUSTER_TOPIC_REFUSED, CLUSTER_NOT_REPLICATED.
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
  /** Masters, each with its slaves behind it: broker-a, broker-a-1, broker-b, …. */
  readonly brokers: readonly ClusterBroker[]
  readonly masters: readonly ClusterBroker[]
  readonly slaves: readonly ClusterBroker[]
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
  /**
   * Messages of a topic on all masters that run, by broker, queue and offset; of slaves when the query says so, so that no
   * message is there twice. Not hit by faults.
   */
  messages(topic: string, query?: MessagesQuery): Promise<StoredMessage[]>
  /**
   * How far a group is behind on a topic, over all masters that run, and a slave in the place of one that does not. Of a
   * queue without an offset all messages count.
   */
  lag(group: string, topic: string): Promise<GroupLag>
  /** The offsets that a group has committed, on the brokers of `lag`. */
  offsets(group: string): Promise<QueueProgress[]>
  /** The clients of a consumer or producer group, on the brokers of `lag`. */
  clients(group: string): GroupClient[]
  /** How the masters' logs are replicated: for each master its slaves, how far they are, whether they are in sync. */
  replication(): Replication[]
  /**
   * Resolves when every slave that runs, and whose master runs, is in sync and has all messages and topics of its master.
   * Offsets follow within a tenth of a second, of a second in virtual time. Rejects with CLUSTER_WAIT_TIMEOUT.
   */
  inSync(options?: WaitOptions): Promise<void>
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
  readonly masters: readonly BrokerNode[]
  readonly slaves: readonly BrokerNode[]
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
    const places = brokerPlaces(settings)
    this.declaredTopics = new Map(settings.topics)
    this.machine = new ClusterMachine(settings.store, settings.time)
    this.clock = this.machine.clusterClock()
    this.outside = new EmbeddedProcess(this.machine, this.machine.disk(), [])
    this.env = this.outside.env
    this.faults = new PlannedFaults(
      (node) => this.cut(node),
      () => this.nodes.map(({ name }) => name),
    )
    this.nameserverNodes = Array.from({ length: settings.nameservers }, (_, index) =>
      this.namesrvNode(index),
    )
    this.brokers = places.map(([name, place]) => this.brokerNode(name, place))
    this.masters = this.brokers.filter(({ role }) => role === 'master')
    this.slaves = this.brokers.filter(({ role }) => role === 'slave')
  }

  get nameservers(): string[] {
    return this.nameserverNodes.map((node) => node.address)
  }

  /** Rejects with what keeps a node from starting; everything is closed again then. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.nameserverNodes.map((node) => node.start()))
      await Promise.all(this.masters.map((node) => node.start()))
      // A slave hears where its master is when it registers.
      if (this.slaves.length > 0) await this.registered(this.masters)
      await Promise.all(this.slaves.map((node) => node.start()))
      await this.ready()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async messages(topic: string, query: MessagesQuery = {}): Promise<StoredMessage[]> {
    const { broker, limit = MESSAGES_MAX, queueId, role = 'master' } = query
    const isMeant = (node: BrokerNode): boolean =>
      broker === undefined ? node.role === role : node.name === broker
    const found: StoredMessage[] = []
    for (const { node, services } of await shown(this.brokers.filter(isMeant))) {
      const which = { topic, queueId, limit: limit - found.length }
      found.push(...(await storedMessages(node, services, which)))
    }
    return found
  }

  async lag(group: string, topic: string): Promise<GroupLag> {
    const queues = (await shown(this.serving())).flatMap(({ node, services }) =>
      topicProgress(node.brokerName, services, group, topic),
    )
    return { total: queues.reduce((sum, { lag }) => sum + lag, 0), queues }
  }

  async offsets(group: string): Promise<QueueProgress[]> {
    return (await shown(this.serving())).flatMap(({ node, services }) =>
      groupProgress(node.brokerName, services, group),
    )
  }

  clients(group: string): GroupClient[] {
    return this.serving().flatMap(({ brokerName, services }) =>
      services === null ? [] : groupClients(brokerName, services, group),
    )
  }

  replication(): Replication[] {
    return this.masters.map((master) => replicationOf(master, this.slavesOf(master)))
  }

  async inSync(options: WaitOptions = {}): Promise<void> {
    const what = 'a slave that is in sync and has everything'
    await this.waitFor(() => this.slaves.every((slave) => this.hasEverything(slave)), {
      what,
      ...options,
    })
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

  private get nodes(): (BrokerNode | NamesrvNode)[] {
    return [...this.nameserverNodes, ...this.brokers]
  }

  private slavesOf({ index }: BrokerNode): BrokerNode[] {
    return this.slaves.filter((slave) => slave.index === index)
  }

  /** Each master that runs, or a slave of it that does. */
  private serving(): BrokerNode[] {
    return this.masters.flatMap(
      (master) => [master, ...this.slavesOf(master)].find(({ isRunning }) => isRunning) ?? [],
    )
  }

  /** Nobody waits for a slave that is down, or whose master is. */
  private hasEverything(slave: BrokerNode): boolean {
    const master = this.masters[slave.index]!
    if (slave.isRebooting) return false
    if (!slave.isRunning || master.services === null) return true
    const { inSync, lag, state } = replicationOf(master, [slave]).slaves[0]!
    return inSync && lag === 0 && state === 'following' && slave.hasTopicsOf(master.services)
  }

  private async end(): Promise<void> {
    this.faults.clear()
    // A node that does not answer would hold up those that say good-bye to it.
    await Promise.all(this.nodes.map((node) => node.resume()))
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
    await Promise.all(this.masters.map((broker) => broker.createTopics([[name, options]])))
    this.declaredTopics.set(name, options)
    await this.replicated()
  }

  private cut(node: string | undefined): number {
    return this.nodes
      .filter(({ name }) => node === undefined || name === node)
      .reduce((sum, one) => sum + one.cutConnections(), 0)
  }

  /** Clients find everything that runs. Rejects with CLUSTER_NOT_REGISTERED, CLUSTER_NOT_REPLICATED. */
  private async ready(): Promise<void> {
    await this.registered(this.brokers)
    await this.replicated()
  }

  /** Each of these that runs is known to every NameServer that runs. */
  private async registered(brokers: readonly BrokerNode[]): Promise<void> {
    // Who cut a cable knows that nobody is found over it.
    if (!this.faults.cables.isWhole) return
    const count = this.nameserverNodes.filter((one) => one.isRunning && !one.isPaused).length
    for (const broker of brokers) {
      if (await broker.registered(count, REGISTERED_MS)) continue
      const text = `${broker.name} is not registered with ${count} NameServers`
      throw new ApogeeError('CLUSTER_NOT_REGISTERED', text)
    }
  }

  /** Slaves are in sync and have their masters' topics, where nothing that the test has done keeps them from it. */
  private async replicated(): Promise<void> {
    const pending = (): BrokerNode[] =>
      this.faults.cables.isSound
        ? this.slaves.filter((slave) => isBehind(slave, this.masters[slave.index]!))
        : []
    try {
      await waitFor(() => pending().length === 0, { timeoutMs: REGISTERED_MS })
    } catch (cause) {
      const [slave] = pending()
      if (slave === undefined) return
      const { problem, state } = replicationOf(this.masters[slave.index]!, [slave]).slaves[0]!
      const why = problem === null ? state : `${problem.message} [${problem.code}]`
      const text = `${slave.name} does not follow its master: ${why}`
      throw new ApogeeError('CLUSTER_NOT_REPLICATED', text, { cause })
    }
  }

  private namesrvNode(index: number): NamesrvNode {
    const { root } = this.machine
    const isVirtual = this.settings.time === 'virtual'
    return new NamesrvNode(index, root, isVirtual, this.nodeDeps(`namesrv-${index + 1}`))
  }

  private brokerNode(brokerName: string, place: BrokerPlace): BrokerNode {
    const name = nodeNameOf(brokerName, place.brokerId)
    const storePathRootDir = `${this.machine.root}/${name}`
    return new BrokerNode({
      ...this.nodeDeps(name),
      brokerName,
      place,
      topics: this.declaredTopics,
      config: () => {
        const namesrvAddr = this.nameservers.join(';')
        return brokerConfig(this.settings, place, { namesrvAddr, storePathRootDir })
      },
    })
  }

  private nodeDeps(node: string): NodeDeps {
    const { machine, settings } = this
    const log = settings.logger === null ? silentLogger : named(settings.logger, node)
    const { faults } = this
    return { machine, disk: machine.disk(), faults, log, ready: () => this.ready() }
  }
}

/** Who there is, by the names that the configuration gives. Throws CLUSTER_OPTION_INVALID. */
function brokerPlaces(settings: ClusterSettings): [brokerName: string, place: BrokerPlace][] {
  const places: [string, BrokerPlace][] = []
  const facts = { namesrvAddr: '', storePathRootDir: '/' }
  for (let index = 0; index < settings.masters; index++) {
    const { brokerName } = brokerConfig(settings, { index, brokerId: 0 }, facts).values
    for (let brokerId = 0; brokerId <= settings.slaves; brokerId++) {
      const own = brokerConfig(settings, { index, brokerId }, facts).values.brokerName
      if (own !== brokerName) throw invalid(`slave ${brokerId} of ${brokerName} is named ${own}`)
      places.push([brokerName, { index, brokerId }])
    }
  }
  const names = places.map(([brokerName, { brokerId }]) => nodeNameOf(brokerName, brokerId))
  if (new Set(names).size < names.length) throw invalid(`two brokers of one name: ${names.join()}`)
  return places
}

/** The brokers that run, once they show what they have acknowledged. */
async function shown(
  brokers: readonly BrokerNode[],
): Promise<{ node: BrokerNode; services: BrokerServices }[]> {
  await Promise.all(brokers.map(caughtUp))
  return brokers.flatMap((node) => {
    const { services } = node
    return services === null ? [] : [{ node, services }]
  })
}

/** A slave that could follow its master, and does not, or does not have its topics. One that is refused will not. */
function isBehind(slave: BrokerNode, master: BrokerNode): boolean {
  if (slave.isRebooting) return true
  const [from, to] = [master.services, slave.services]
  if (from === null || to === null || master.isPaused || slave.isPaused) return false
  const { inSync, state } = replicationOf(master, [slave]).slaves[0]!
  if (state === 'refused') return false
  return !inSync || state !== 'following' || !slave.hasTopicsOf(from)
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
