import { ApogeeError, isMalformed } from '@apogee/base'
import { Broker, type BrokerConfig, type BrokerServices } from '@apogee/broker'
import type { Env } from '@apogee/env'
import { PermName, validateTopic } from '@apogee/protocol'
import { hostAndPort } from '@apogee/remoting'
import { EmbeddedNode, type NodeDeps, type Server } from './node.ts'
import type { ClusterTopicOptions } from './options.ts'

const REGISTERED_LOOK_MS = 2

export interface BrokerServer extends Server {
  readonly services: BrokerServices
}

export interface BrokerNodeDeps extends NodeDeps {
  /** Made anew for each start: the configuration as the test gave it. */
  readonly config: () => BrokerConfig
  /** Topics that the broker has to have. */
  readonly topics: ReadonlyMap<string, ClusterTopicOptions>
}

/** A broker of a cluster. */
export class BrokerNode extends EmbeddedNode<BrokerServer> {
  private readonly brokerDeps: BrokerNodeDeps

  constructor(name: string, deps: BrokerNodeDeps) {
    super(name, deps)
    this.brokerDeps = deps
  }

  get services(): BrokerServices | null {
    return this.server?.services ?? null
  }

  /** Makes or alters a topic; resolves when it is on disk and NameServers know it. Rejects with CLUSTER_TOPIC_REFUSED. */
  async createTopics(topics: Iterable<readonly [string, ClusterTopicOptions]>): Promise<void> {
    const { services } = this
    if (services !== null) await createTopics(services, topics)
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
      machine: { processId: process.pid, zoneOffsetMs },
    })
    // As the program does: a broker that cannot keep its promises ends.
    broker.onFailure(() => void this.kill())
    const { port } = await broker.start()
    const services = broker.services!
    await createTopics(services, topics)
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
