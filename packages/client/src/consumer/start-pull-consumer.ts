import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { PullConsumerOptions, Subscription } from '../api/options.ts'
import type { Client } from '../remote/contract.ts'
import { BrokerOffsetStore } from './broker-offset-store.ts'
import { resolvePullSettings } from './consumer-settings.ts'
import { ManualOffsetStore } from './manual-offset-store.ts'
import { withNamespace } from './names.ts'
import { PullConsumer } from './pull-consumer.ts'
import { checkSubscriptions, contextOf } from './start-consumer.ts'
import { SubscriptionTable } from './subscription-table.ts'

/**
 * A pull consumer that reads: `assign`ed queues from now on, subscribed ones once they are shared out. Rejects with
 * RMQ_INVALID_ARGUMENT, RMQ_BAD_EXPRESSION, RMQ_TOPIC_NOT_FOUND (an assigned topic), RMQ_NAMESERVER_UNREACHABLE,
 * RMQ_BROKER_UNREACHABLE, RMQ_CLOSED.
 */
export async function startPullConsumer<T = Buffer>(
  client: Client,
  options: PullConsumerOptions<T>,
): Promise<PullConsumer<T>> {
  const settings = resolvePullSettings(options)
  const { assign, autoCommitIntervalMs = false } = options
  if ((assign === undefined) === (options.subscriptions === undefined)) {
    throw invalid('a pull consumer has either `assign` or `subscriptions`')
  }
  const group = withNamespace(client.namespace, options.group)
  const subscriptions = new SubscriptionTable(client.namespace)
  for (const [topic, wanted] of wantedTopics(options)) {
    subscriptions.set(topic, wanted, client.env.clock.wallMs())
  }
  const stored = new BrokerOffsetStore(client, group, {
    isExact: typeof settings.from === 'object',
    trustsSlaves: assign !== undefined || settings.from === 'first',
  })
  const store = autoCommitIntervalMs === false ? new ManualOffsetStore(stored) : stored
  await checkSubscriptions(client, group, subscriptions)
  const context = contextOf(client, options, { group, settings, subscriptions, store })
  // `committed` tells what is stored, and nothing that a broker makes up for a young queue.
  const exact = new BrokerOffsetStore(client, group, { isExact: true, trustsSlaves: true })
  const consumer = new PullConsumer<T>(context, exact, assign === undefined)
  await consumer.start(assign)
  return consumer
}

function wantedTopics<T>(
  options: PullConsumerOptions<T>,
): (readonly [string, string | Subscription])[] {
  const { assign, subscriptions } = options
  if (assign === undefined) return Object.entries(subscriptions ?? {})
  return assign.map((one) => [typeof one === 'string' ? one : one.topic, '*'] as const)
}

function invalid(message: string): RocketMQError {
  return new RocketMQError(ErrorCode.INVALID_ARGUMENT, message)
}
