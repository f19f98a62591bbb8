import { SystemTopic } from '@apogee/protocol'
import { RocketMQError } from '../api/errors.ts'
import type { ProducerOptions, TransactionProducerOptions } from '../api/options.ts'
import { withNamespace } from '../consumer/names.ts'
import { channels } from '../observe/channels.ts'
import type { Client, ProducerMember } from '../remote/contract.ts'
import { invalidArgument } from '../remote/errors.ts'
import { SendTrace } from '../trace/send-trace.ts'
import { startTrace } from '../trace/start-trace.ts'
import { OnewaySender } from './oneway-sender.ts'
import { Producer, type ProducerParts } from './producer.ts'
import { atLeast, producerSettings } from './producer-settings.ts'
import { Sender } from './sender.ts'
import { TransactionChecks } from './transaction-checks.ts'
import { TransactionProducer } from './transaction-producer.ts'

/** Of producers that name no group: as many as there are. Nobody asks them anything, so they need no group of their own. */
const DEFAULT_GROUP = 'apogee_producer'

/** Joins a producer to a client. Rejects with RMQ_INVALID_ARGUMENT; when `topics` are named, as `producer.send`. */
export async function startProducer(client: Client, options: ProducerOptions): Promise<Producer> {
  const group = options.group ?? DEFAULT_GROUP
  const wireGroup = withNamespace(client.namespace, group)
  const parts = joinProducer(client, options, {
    group: wireGroup,
    isShared: options.group === undefined,
  })
  await prepareTopics(parts, options.topics ?? [])
  return new Producer(group, parts)
}

/** Joins a producer of transactions. Rejects as `startProducer`. */
export async function startTransactionProducer(
  client: Client,
  options: TransactionProducerOptions,
): Promise<TransactionProducer> {
  const { group, checkConcurrency = 16, checkQueueMax = 2_000 } = options
  if (typeof group !== 'string') throw invalidArgument('a producer of transactions needs a group')
  if (typeof options.check !== 'function')
    throw invalidArgument('check: brokers ask it for outcomes')
  const checks = new TransactionChecks(client, {
    group: withNamespace(client.namespace, group),
    check: (message) => options.check(message),
    concurrency: atLeast(checkConcurrency, 1, 'checkConcurrency'),
    queueMax: atLeast(checkQueueMax, 1, 'checkQueueMax'),
  })
  const joined = joinProducer(client, options, checks)
  const forget = await meetBrokers(client)
  const parts = {
    ...joined,
    leave: () => {
      forget()
      return joined.leave()
    },
  }
  checks.trace = parts.trace
  await prepareTopics(parts, options.topics ?? [])
  return new TransactionProducer(group, parts, checks)
}

/**
 * Who has sent nothing knows no broker, and no broker would ask it about transactions of its group: it is made known to
 * those that the route of TBW102 names, as Java's producers are. Returns what ends it.
 */
async function meetBrokers(client: Client): Promise<() => void> {
  const { routes, members } = client
  const forget = routes.watch(SystemTopic.AUTO_CREATE_TOPIC_KEY, () => void members.heartbeatNow())
  if ((await routes.refresh(SystemTopic.AUTO_CREATE_TOPIC_KEY)) !== null)
    await members.heartbeatNow()
  return forget
}

/** What every kind of producer is made of; `member` is in heartbeats from now on. */
export function joinProducer(
  client: Client,
  options: ProducerOptions,
  member: ProducerMember,
): ProducerParts {
  const settings = producerSettings(options, member.group)
  const sender = new Sender(client, settings)
  const dispatcher = startTrace(client, options.trace)
  client.members.addProducer(member)
  return {
    client,
    settings,
    sender,
    oneway: new OnewaySender(sender),
    trace: dispatcher === null ? null : new SendTrace(client, settings.group, dispatcher),
    channels: channels(),
    leave: () => client.members.removeProducer(member),
  }
}

/** Routes and connections of these topics, so that the first send need not wait for them. */
export async function prepareTopics(
  parts: ProducerParts,
  topics: readonly string[],
): Promise<void> {
  const { sender } = parts
  try {
    for (const name of topics) {
      const topic = sender.topic(name)
      await topic.load()
      const byBroker = Map.groupBy(topic.publishQueues, ({ brokerName }) => brokerName)
      const failures: RocketMQError[] = []
      for (const [queue] of byBroker.values()) {
        const connection = sender.connectionTo(topic, queue!)
        if (connection instanceof RocketMQError) failures.push(connection)
      }
      // One of several masters that is away keeps nobody from sending to the others.
      if (failures.length > 0 && failures.length === byBroker.size) throw failures[0]
    }
  } catch (error) {
    await parts.leave()
    throw error
  }
}
