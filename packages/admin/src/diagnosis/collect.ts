import { dlqTopicOf, isReadable, isRetryTopic, retryTopicOf } from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import type { Problem } from '../command.ts'
import { type Answers, inParallel, tryEach } from '../operations/answers.ts'
import type { ClientOperations } from '../operations/client-operations.ts'
import type { GroupOperations } from '../operations/group-operations.ts'
import type { TopicOperations } from '../operations/topic-operations.ts'
import type { Where } from '../operations/where.ts'
import type { AdminTransport } from '../transport/admin-transport.ts'
import type { GroupSnapshot, TopicRead } from './snapshot.ts'

export interface CollectDeps {
  transport: AdminTransport
  topics: TopicOperations
  groups: GroupOperations
  clients: ClientOperations
}

/**
 * Asks brokers and consumers for everything `diagnose` needs. Whoever does not answer is in `problems`. Rejects with
 * ADMIN_GROUP_NOT_FOUND when no broker knows the group and nobody of it is online.
 */
export async function collectSnapshot(
  deps: CollectDeps,
  group: string,
  where: Where = {},
): Promise<GroupSnapshot> {
  const connections = await deps.clients.consumers(group, where)
  const switches = await configOf(deps, group, where, connections.clients.length > 0)
  const lag = await lagOf(deps, group, where)
  const running = await tryEach(
    connections.clients,
    ({ clientId }) => clientId,
    (client) => deps.clients.runningInfo(group, client),
  )
  const subscribed = connections.subscriptions.map(({ topic }) => topic)
  const wanted = new Set([...subscribed, ...lag.queues.map(({ topic }) => topic)])
  const names = [...wanted].filter((topic) => !isRetryTopic(topic)).sort()
  const topics = await inParallel(names, (topic) => readTopic(deps, topic, where))
  const [retry, dlq] = await Promise.all([
    messagesIn(deps, retryTopicOf(group)),
    messagesIn(deps, dlqTopicOf(group)),
  ])
  return {
    group,
    takenMs: deps.transport.clock.wallMs(),
    clients: connections.clients,
    isBroadcasting: connections.messageModel === 'BROADCASTING',
    switches: switches.results,
    topics: topics.map(({ read }) => read),
    lags: lag.queues.filter(({ topic }) => !isRetryTopic(topic)),
    running: running.results,
    retryMessages: retry,
    dlqMessages: dlq,
    problems: unique([
      ...connections.problems,
      ...switches.problems,
      ...lag.problems,
      ...running.problems,
      ...topics.flatMap(({ problems }) => problems),
    ]),
  }
}

async function configOf(
  deps: CollectDeps,
  group: string,
  where: Where,
  isOnline: boolean,
): Promise<Answers<{ brokerName: string; consumeEnable: boolean }>> {
  try {
    const { results, problems } = await deps.groups.describe(group, where)
    const switches = results.map(({ broker, value }) => ({
      brokerName: broker.brokerName,
      consumeEnable: value.consumeEnable,
    }))
    return { results: switches, problems }
  } catch (error) {
    // A group without a configuration consumes where brokers make it by themselves, which online members show.
    if (!isOnline || !isCode(error, AdminErrorCode.GROUP_NOT_FOUND)) throw error
    return { results: [], problems: [] }
  }
}

async function lagOf(
  deps: CollectDeps,
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
  deps: CollectDeps,
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

async function messagesIn(deps: CollectDeps, topic: string): Promise<number | null> {
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
