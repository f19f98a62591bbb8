import { resolve } from 'node:path'
import { ExpressionType } from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ConsumerOptions } from '../api/options.ts'
import { OffsetTable } from '../core/offset-table.ts'
import { PullSource } from '../core/pull-source.ts'
import { channels } from '../observe/channels.ts'
import type { Client } from '../remote/contract.ts'
import { ConsumeTrace } from '../trace/consume-trace.ts'
import { startTrace } from '../trace/start-trace.ts'
import { BrokerOffsetStore } from './broker-offset-store.ts'
import { BrokerRequests } from './broker-requests.ts'
import { ConsumeStats } from './consume-stats.ts'
import { Consumer } from './consumer.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { resolveSettings } from './consumer-settings.ts'
import { FileOffsetStore } from './file-offset-store.ts'
import { withNamespace, withoutNamespace } from './names.ts'
import type { OffsetStore } from './offset-store.ts'
import { replicasOf } from './replicas.ts'
import { SubscriptionTable } from './subscription-table.ts'

/** Java's folder of local offsets, below the user's. */
const LOCAL_OFFSETS_FOLDER = '.rocketmq_offsets'

/**
 * A consumer that is ready to run: options checked, topics looked up, SQL92 expressions compiled by a broker. It
 * joins its group with `run` and its kind. Rejects with RMQ_INVALID_ARGUMENT, RMQ_BAD_EXPRESSION,
 * RMQ_NAMESERVER_UNREACHABLE, RMQ_OFFSET_STORE, RMQ_CLOSED. A topic that does not exist yet is no error: it is read
 * from the moment that it does.
 */
export async function startConsumer<T = Buffer>(
  client: Client,
  options: ConsumerOptions<T>,
): Promise<Consumer<T>> {
  const settings = resolveSettings(options)
  const group = withNamespace(client.namespace, options.group)
  const nowMs = client.env.clock.wallMs()
  const subscriptions = new SubscriptionTable(client.namespace)
  for (const [topic, wanted] of Object.entries(options.subscriptions ?? {})) {
    subscriptions.set(topic, wanted, nowMs)
  }
  const isClustering = settings.model === 'clustering'
  const store = isClustering
    ? new BrokerOffsetStore(client, group, {
        isExact: typeof settings.from === 'object',
        trustsSlaves: settings.from === 'first',
      })
    : fileStore(client, options, group)
  await checkSubscriptions(client, group, subscriptions)
  if (isClustering) subscriptions.addRetryTopic(group, nowMs)
  return new Consumer<T>(contextOf(client, options, { group, settings, subscriptions, store }))
}

type Parts = Pick<ConsumerContext<unknown>, 'group' | 'settings' | 'subscriptions' | 'store'>

/** What a consumer of these options shares among its parts. */
export function contextOf<T>(
  client: Client,
  options: Pick<ConsumerOptions<T>, 'codec' | 'trace'>,
  parts: Parts,
): ConsumerContext<T> {
  return {
    ...parts,
    client,
    offsets: new OffsetTable(),
    pullSource: new PullSource(),
    stats: new ConsumeStats(),
    channels: channels(),
    trace: traceOf(client, options, parts.group),
    source: {
      codec: options.codec ?? null,
      topicName: (topic) => withoutNamespace(client.namespace, topic),
    },
  }
}

function traceOf(
  client: Client,
  options: Pick<ConsumerOptions, 'trace'>,
  group: string,
): ConsumeTrace | null {
  const dispatcher = startTrace(client, options.trace)
  return dispatcher === null ? null : new ConsumeTrace(client, group, dispatcher)
}

function fileStore<T>(client: Client, options: ConsumerOptions<T>, group: string): OffsetStore {
  const folder = resolve(options.offsetStore ?? `${client.homeFolder}/${LOCAL_OFFSETS_FOLDER}`)
  const store = new FileOffsetStore(
    client.env.disk,
    client.log,
    `${folder}/${client.clientId}/${group}`,
  )
  store.load()
  return store
}

/** Looks the topics up, and has expressions other than tags checked where they will be evaluated. */
export async function checkSubscriptions(
  client: Client,
  group: string,
  subscriptions: SubscriptionTable,
): Promise<void> {
  const requests = new BrokerRequests(client)
  for (const data of subscriptions.all()) {
    const addresses = await brokersOf(client, data.topic)
    const [address] = addresses
    if (data.expressionType === ExpressionType.TAG || address === undefined) continue
    await requests.checkSubscription(address, group, data)
  }
}

async function brokersOf(client: Client, topic: string): Promise<string[]> {
  try {
    const route = await client.routes.get(topic)
    const addresses: string[] = []
    for (const { brokerName } of route.data.brokerDatas) {
      for (const { address } of replicasOf(client, brokerName)) addresses.push(address)
    }
    const { remote } = client
    return addresses.sort((a, b) => Number(remote.isDown(a)) - Number(remote.isDown(b)))
  } catch (error) {
    if (!(error instanceof RocketMQError) || error.code !== ErrorCode.TOPIC_NOT_FOUND) throw error
    client.log.warn({ event: 'topic_not_found', group: null, topic })
    return []
  }
}
