import { totalmem } from 'node:os'
import { ApogeeError, isMalformed } from '@apogee/base'
import { Broker, type BrokerConfig, type BrokerServices } from '@apogee/broker'
import type { Env } from '@apogee/env'
import { PermName, validateTopic } from '@apogee/protocol'
import { hostAndPort } from '@apogee/remoting'
import { nodeNameOf } from '../node-names.ts'
import { type ClusterNode, EmbeddedNode, type NodeDeps, type Server } from './node.ts'
import type { BrokerPlace, ClusterTopicOptions } from './options.ts'

const REGISTERED_LOOK_MS = 2

export interface BrokerServer extends Server {
  readonly services: BrokerServices
}

/** A broker of a cluster, as tests handle it. */
export interface ClusterBroker extends ClusterNode {
  /** What a master and its slaves share: `broker-a`. */
  readonly brokerName: string
  /** 0: master. */
  readonly brokerId: number
  readonly role: 'master' | 'slave'
}

export interface BrokerNodeDeps extends NodeDeps {
  readonly brokerName: string
  readonly place: BrokerPlace
  /** Made anew for each start: the configuration as the test gave it. */
  readonly config: () => BrokerConfig
  /** Topics that a master has to have. */
  readonly topics: ReadonlyMap<string, ClusterTopicOptions>
}

/** A broker of a cluster. */
export class BrokerNode extends EmbeddedNode<BrokerServer> implements ClusterBroker {
  readonly brokerName: string
  readonly brokerId: number
  readonly role: 'master' | 'slave'
  /** Of its master: 0 for broker-a. */
  readonly index: number
  private readonly brokerDeps: BrokerNodeDeps

  constructor(deps: BrokerNodeDeps) {
    const { brokerName, place } = deps
    super(nodeNameOf(brokerName, place.brokerId), deps)
    this.brokerDeps = deps
    this.brokerName = brokerName
    this.brokerId = place.brokerId
    this.role = place.brokerId === 0 ? 'master' : 'slave'
    this.index = place.index
  }

  get services(): BrokerServices | null {
    return this.server?.services ?? null
  }

  /** Makes or alters a topic; resolves when it is on disk and NameServers know it. Rejects with CLUSTER_TOPIC_REFUSED. */
  async createTopics(topics: Iterable<readonly [string, ClusterTopicOptions]>): Promise<void> {
    const { services } = this
    if (services !== null) await createTopics(services, topics)
  }

  /** Whether a slave has taken over all topics of its master, as they are there. */
  hasTopicsOf(master: BrokerServices): boolean {
    const own = this.services?.topics
    if (own === undefined) return false
    for (const { readQueueNums, topicName, writeQueueNums } of master.topics.all()) {
      const copy = own.select(topicName)
      const isSame = copy?.readQueueNums === readQueueNums && copy.writeQueueNums === writeQueueNums
      if (!isSame) return false
    }
    return true
  }

  /** Resolves when `count` NameServers know this broker, or when the time is over: false. */
  async registered(count: number, timeoutMs: number): Promise<boolean> {
    const endMs = performance.now() + timeoutMs
    while (this.services !== null && !this.isPaused) {
      if (this.services.outer.registeredCount >= count) return true
      if (performance.now() > endMs) return false
      await new Promise((resolve) => setTimeout(resolve, REGISTERED_LOOK_MS))
    }
    return true
  }

  protected async boot(env: Env): Promise<BrokerServer> {
    const { config: makeConfig, log, topics } = this.brokerDeps
    const config = makeConfig()
    const zoneOffsetMs = -new Date().getTimezoneOffset() * 60_000
    const broker = new Broker(config, {
      env,
      log,
      machine: { processId: process.pid, zoneOffsetMs, memoryBytes: totalmem() },
    })
    // As the program does: a broker that cannot keep its promises ends, one whose log was cut starts anew.
    broker.onFailure(() => void this.kill())
    broker.onRestartNeeded(() => void this.reboot())
    const { haPort, port } = await broker.start()
    if (haPort > 0) this.deps.faults.cables.replicates(haPort)
    const services = broker.services!
    // A slave has the topics of its master.
    if (this.role === 'master') await createTopics(services, topics)
    await services.outer.told()
    const address = hostAndPort(config.values.brokerIP1, port)
    return { address, services, stop: (graceMs) => broker.stop(graceMs) }
  }
}

async function createTopics(
  { config, files, outer, topics }: BrokerServices,
  wanted: Iterable<readonly [string, ClusterTopicOptions]>,
): Promise<void> {
  const updates = [...wanted].map(([topicName, options]) => {
    const { messageType, order = false, queues = config.values.defaultTopicQueueNums } = options
    return {
      topicName,
      readQueueNums: queues,
      writeQueueNums: queues,
      perm: PermName.READ | PermName.WRITE,
      topicFilterType: 'SINGLE_TAG' as const,
      topicSysFlag: 0,
      order,
      attributes: typeAttribute(messageType, topics.select(topicName)?.attributes),
    }
  })
  if (updates.length === 0) return
  for (const { topicName, writeQueueNums } of updates) {
    const problem = validateTopic(topicName)
    if (problem !== null) throw refused(topicName, problem.detail)
    if (topics.isSystemTopic(topicName)) throw refused(topicName, 'it belongs to RocketMQ')
    if (!Number.isInteger(writeQueueNums) || writeQueueNums < 1) {
      throw refused(topicName, `${writeQueueNums} queues`)
    }
  }
  const problem = topics.update(updates)
  if (isMalformed(problem))
    throw refused(updates.map((one) => one.topicName).join(), problem.detail)
  await Promise.all([files.topics.saved(), outer.told()])
}

/** An attribute that cannot change must not be named again. */
function typeAttribute(
  messageType: string | undefined,
  existing: ReadonlyMap<string, string> | undefined,
): Map<string, string> {
  if (messageType === undefined || existing?.get('message.type') === messageType) return new Map()
  return new Map([['+message.type', messageType]])
}

function refused(topic: string, reason: string): ApogeeError {
  return new ApogeeError('CLUSTER_TOPIC_REFUSED', `topic ${topic}: ${reason}`)
}
