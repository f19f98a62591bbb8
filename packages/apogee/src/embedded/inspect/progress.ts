import type { BrokerServices } from '@apogee/broker'
import { languageName } from '@apogee/protocol'

/** How far a group has consumed one queue. */
export interface QueueProgress {
  readonly broker: string
  readonly topic: string
  readonly queueId: number
  /** The offset it has committed: the next message it wants. −1: none yet. */
  readonly committed: number
  /** The offset that the next message of the queue will get. */
  readonly max: number
  /** Messages that are there and not consumed. */
  readonly lag: number
}

/** How far a group is behind. */
export interface GroupLag {
  readonly total: number
  readonly queues: readonly QueueProgress[]
}

/** A client that is connected to a broker, as its heartbeats say. */
export interface GroupClient {
  readonly broker: string
  readonly role: 'consumer' | 'producer'
  readonly clientId: string
  readonly address: string
  /** JAVA, GO, NODE_JS, … */
  readonly language: string
}

/** Every queue of a topic. */
export function topicProgress(
  broker: string,
  { offsets, store, topics }: BrokerServices,
  group: string,
  topic: string,
): QueueProgress[] {
  const queues: QueueProgress[] = []
  for (let queueId = 0; queueId < (topics.select(topic)?.readQueueNums ?? 0); queueId++) {
    const committed = offsets.queryOffset(group, topic, queueId)
    const max = store.maxOffset(topic, queueId)
    const from = committed < 0 ? store.minOffset(topic, queueId) : committed
    queues.push({ broker, topic, queueId, committed, max, lag: Math.max(0, max - from) })
  }
  return queues
}

/** The queues of which a group has committed an offset. */
export function groupProgress(
  broker: string,
  services: BrokerServices,
  group: string,
): QueueProgress[] {
  return services.offsets
    .whichTopicByConsumer(group)
    .flatMap((topic) => topicProgress(broker, services, group, topic))
    .filter(({ committed }) => committed >= 0)
}

export function groupClients(
  broker: string,
  { consumers, producers }: BrokerServices,
  group: string,
): GroupClient[] {
  const of = (
    role: GroupClient['role'],
    channels: Iterable<{
      clientId: string
      language: number
      connection: { remoteAddress: string }
    }>,
  ): GroupClient[] =>
    [...channels].map(({ clientId, connection, language }) => ({
      broker,
      role,
      clientId,
      address: connection.remoteAddress,
      language: languageName(language),
    }))
  return [
    ...of('consumer', consumers.get(group)?.channels.values() ?? []),
    ...of('producer', producers.channels(group)?.values() ?? []),
  ]
}
