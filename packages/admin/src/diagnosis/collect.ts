import type { Clock } from '@apogee/env'
import { dlqTopicOf, isReadable, isRetryTopic, retryTopicOf } from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import type { Problem } from '../command.ts'
import { type Answers, inParallel, tryEach } from '../operations/answers.ts'
import { BrokerOperations } from '../operations/broker-operations.ts'
import { ClientOperations, type ConnectedClient } from '../operations/client-operations.ts'
import { ClusterOperations } from '../operations/cluster-operations.ts'
import { GroupOperations } from '../operations/group-operations.ts'
import type { RunningInfo } from '../operations/running-info.ts'
import { TopicOperations } from '../operations/topic-operations.ts'
import type { Where } from '../operations/where.ts'
import type { AdminTransport } from '../transport/admin-transport.ts'
import type { GroupSnapshot, GroupSwitch, TopicRead } from './snapshot.ts'

/** What snapshots of one diagnosis are taken with. Who does not answer once is not waited for again. */
export class Collector {
  readonly clock: Clock
  readonly topics: TopicOperations
  readonly groups: GroupOperations
  readonly clients: ClientOperations
  /** Asks consumers: that one does not answer says nothing about the broker between. */
  private readonly asker: ClientOperations
  private readonly silentClients = new Map<string, Problem>()

  constructor(transport: AdminTransport) {
    const sparing = transport.sparing(Math.min(transport.timeoutMs, ANSWER_MS))
    this.clock = transport.clock
    const cluster = new ClusterOperations(sparing)
    const brokers = new BrokerOperations(sparing, cluster)
    const topics = new TopicOperations(sparing, cluster)
    const clients = new ClientOperations(sparing, cluster, brokers, topics)
    this.topics = topics
    this.clients = clients
    this.asker = new ClientOperations(transport, cluster, brokers, topics)
    this.groups = new GroupOperations(sparing, { cluster, brokers, topics, clients })
  }

  /**
   * Asks brokers and consumers for everything `diagnose` needs. Whoever does not answer is in `problems`. Rejects with
   * ADMIN_GROUP_NOT_FOUND when no broker knows the group and nobody of it is online.
   */
  async snapshot(group: string, where: Where = {}): Promise<GroupSnapshot> {
    const [connections, switches, lag] = await Promise.all([
      this.clients.consumers(group, where),
      configOf(this, group, where),
      lagOf(this, group, where),
    ])
    // A group without a configuration consumes where brokers make it by themselves: its online members show that.
    const isKnown = connections.clients.length > 0 || switches.problems.length > 0
    if (switches.error !== null && !isKnown) throw switches.error
    const subscribed = connections.subscriptions.map(({ topic }) => topic)
    const wanted = new Set([...subscribed, ...lag.queues.map(({ topic }) => topic)])
    const names = [...wanted].filter((topic) => !isRetryTopic(topic)).sort()
    const [running, topics, retryMessages, dlqMessages] = await Promise.all([
      this.running(group, connections.clients),
      inParallel(names, (topic) => readTopic(this, topic, where)),
      messagesIn(this, retryTopicOf(group)),
      messagesIn(this, dlqTopicOf(group)),
    ])
    return {
      group,
      takenMs: this.clock.wallMs(),
      clients: connections.clients,
      isBroadcasting: connections.messageModel === 'BROADCASTING',
      switches: switches.results,
      topics: topics.map(({ read }) => read),
      lags: lag.queues.filter(({ topic }) => !isRetryTopic(topic)),
      running: running.results,
      retryMessages,
      dlqMessages,
      problems: unique([
        ...connections.problems,
        ...switches.problems,
        ...lag.problems,
        ...running.problems,
        ...topics.flatMap(({ problems }) => problems),
      ]),
    }
  }

  private async running(
    group: string,
    clients: readonly ConnectedClient[],
  ): Promise<Answers<RunningInfo>> {
    const asked = clients.filter(({ clientId }) => !this.silentClients.has(clientId))
    const { results, problems } = await tryEach(
      asked,
      ({ clientId }) => clientId,
      (client) => this.asker.runningInfo(group, client, false, ANSWER_MS),
    )
    for (const problem of problems) this.silentClients.set(problem.target, problem)
    const silent = clients.flatMap(({ clientId }) => this.silentClients.get(clientId) ?? [])
    return { results, problems: silent }
  }
}

/** A server or consumer has this long: two looks and the time between stay below ten seconds. Milliseconds. */
const ANSWER_MS = 2_500

type Switches = Answers<GroupSwitch> & { readonly error: unknown }

async function configOf(deps: Collector, group: string, where: Where): Promise<Switches> {
  try {
    const { results, problems } = await deps.groups.describe(group, where)
    const switches = results.map(({ broker, value }) => ({
      brokerName: broker.brokerName,
      consumeEnable: value.consumeEnable,
    }))
    return { results: switches, problems, error: null }
  } catch (error) {
    if (!isCode(error, AdminErrorCode.GROUP_NOT_FOUND)) throw error
    return { results: [], problems: [], error }
  }
}

async function lagOf(
  deps: Collector,
  group: string,
  where: Where,
): Promise<Pick<Awaited<ReturnType<GroupOperations['lag']>>, 'queues' | 'problems'>> {
  try {
    return await deps.groups.lag(group, where)
  } catch (error) {
    if (!isCode(error, AdminErrorCode.GROUP_NOT_FOUND)) throw error
    return { queues: [], problems: [] }
  }
}

async function readTopic(
  deps: Collector,
  topic: string,
  where: Where,
): Promise<{ read: TopicRead; problems: readonly Problem[] }> {
  const nothing = { routedBrokers: [], readableQueues: [], queues: [] }
  const configured = await orEmpty(deps.topics.describe(topic, where))
  const configuredBrokers = configured.results.map(({ broker }) => broker.brokerName)
  try {
    const { queueDatas } = await deps.topics.route(topic)
    const { results, problems } = await deps.topics.stats(topic)
    const readableQueues = queueDatas.flatMap(({ brokerName, perm, readQueueNums }) =>
      isReadable(perm)
        ? Array.from({ length: readQueueNums }, (_, queueId) => ({ brokerName, queueId }))
        : [],
    )
    const routedBrokers = queueDatas.map(({ brokerName }) => brokerName)
    const read = { topic, routedBrokers, configuredBrokers, readableQueues, queues: results }
    return { read, problems: [...configured.problems, ...problems] }
  } catch (error) {
    if (!isCode(error, AdminErrorCode.TOPIC_NOT_FOUND)) throw error
    return { read: { topic, configuredBrokers, ...nothing }, problems: configured.problems }
  }
}

async function orEmpty<T>(answers: Promise<Answers<T>>): Promise<Answers<T>> {
  try {
    return await answers
  } catch (error) {
    if (!isCode(error, AdminErrorCode.TOPIC_NOT_FOUND)) throw error
    return { results: [], problems: [] }
  }
}

async function messagesIn(deps: Collector, topic: string): Promise<number | null> {
  try {
    const { results } = await deps.topics.stats(topic)
    return results.reduce((sum, { maxOffset }) => sum + maxOffset, 0)
  } catch (error) {
    if (!isCode(error, AdminErrorCode.TOPIC_NOT_FOUND)) throw error
    return null
  }
}

function isCode(error: unknown, code: AdminErrorCode): boolean {
  return error instanceof AdminError && error.code === code
}

function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((one) => [`${one.target} ${one.code}`, one])).values()]
}
