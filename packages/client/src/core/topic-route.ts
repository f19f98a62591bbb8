import { isReadable, isWriteable, type QueueData, type TopicRouteData } from '@apogee/protocol'
import type { MessageQueue } from '../api/message.ts'
import type { TopicRoute } from '../remote/contract.ts'

/** Queues of one broker that a route may name; beyond it the route is wrong, and the memory is ours. */
const QUEUES_PER_BROKER_MAX = 65_536

/** Makes the two lists of queues of a route (Java: topicRouteData2TopicPublishInfo, …SubscribeInfo). */
export function topicRouteOf(topic: string, data: TopicRouteData): TopicRoute {
  const sorted = [...data.queueDatas].sort((a, b) => compareBrokerNames(a.brokerName, b.brokerName))
  const masters = new Set<string>()
  for (const { brokerName, brokerAddrs } of data.brokerDatas) {
    if (brokerAddrs.has(0)) masters.add(brokerName)
  }
  return {
    topic,
    data,
    publishQueues:
      orderedQueues(topic, data.orderTopicConf) ?? publishQueues(topic, sorted, masters),
    subscribeQueues: sorted.flatMap((queues) =>
      isReadable(queues.perm) ? queuesOf(topic, queues.brokerName, queues.readQueueNums) : [],
    ),
  }
}

/**
 * The route of a topic that no NameServer knows, made of that of TBW102: brokers that hold it make topics by
 * themselves at the first message. `queueNums` is what the message asks for; a broker gives at most what its TBW102
 * has.
 */
export function routeFromDefault(
  topic: string,
  defaults: TopicRouteData,
  queueNums: number,
): TopicRoute {
  const queueDatas = defaults.queueDatas.map((queues) => {
    const nums = Math.min(queueNums, queues.readQueueNums)
    return { ...queues, readQueueNums: nums, writeQueueNums: nums }
  })
  return topicRouteOf(topic, { ...defaults, orderTopicConf: null, queueDatas })
}

/** Brokers that a topic can be written to, whether their master is there or not. */
export function writersOf({ queueDatas }: TopicRouteData): { brokerName: string; count: number }[] {
  return queueDatas
    .filter(({ perm, writeQueueNums }) => isWriteable(perm) && writeQueueNums > 0)
    .map(({ brokerName, writeQueueNums }) => ({ brokerName, count: writeQueueNums }))
}

/** Brokers that are in both routes, and cannot be written to any more in the second. */
export function writersLost(before: TopicRouteData, after: TopicRouteData): string[] {
  const writers = new Set(writersOf(after).map(({ brokerName }) => brokerName))
  const named = new Set(after.queueDatas.map(({ brokerName }) => brokerName))
  return writersOf(before)
    .map(({ brokerName }) => brokerName)
    .filter((name) => named.has(name) && !writers.has(name))
}

/** Whether two routes name the same brokers, addresses and queues, in whatever order. */
export function sameRoute(a: TopicRouteData, b: TopicRouteData): boolean {
  return fingerprint(a) === fingerprint(b)
}

function fingerprint(data: TopicRouteData): string {
  const queues = data.queueDatas.map(
    (it) =>
      `${it.brokerName} ${it.readQueueNums} ${it.writeQueueNums} ${it.perm} ${it.topicSysFlag}`,
  )
  const brokers = data.brokerDatas.map((it) => {
    const addresses = [...it.brokerAddrs].map(([id, address]) => `${id}=${address}`).sort()
    return `${it.cluster} ${it.brokerName} ${addresses.join(' ')}`
  })
  return JSON.stringify([data.orderTopicConf ?? '', queues.sort(), brokers.sort()])
}

/** Queues of a topic come in this order of their brokers, as Java's do. */
export function compareBrokerNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function publishQueues(
  topic: string,
  sorted: readonly QueueData[],
  masters: ReadonlySet<string>,
): MessageQueue[] {
  return sorted.flatMap(({ brokerName, perm, writeQueueNums }) =>
    isWriteable(perm) && masters.has(brokerName) ? queuesOf(topic, brokerName, writeQueueNums) : [],
  )
}

/** `brokerA:4;brokerB:2` of a topic whose order must hold while brokers come and go: these queues and no others. */
function orderedQueues(topic: string, conf: string | null): MessageQueue[] | null {
  if (conf === null || conf === '') return null
  const queues: MessageQueue[] = []
  for (const part of conf.split(';')) {
    const colon = part.lastIndexOf(':')
    const count = Number(part.slice(colon + 1))
    if (colon > 0 && Number.isInteger(count)) {
      queues.push(...queuesOf(topic, part.slice(0, colon), count))
    }
  }
  return queues
}

export function queuesOf(topic: string, brokerName: string, count: number): MessageQueue[] {
  const queues: MessageQueue[] = []
  const end = Math.min(count, QUEUES_PER_BROKER_MAX)
  for (let queueId = 0; queueId < end; queueId++) queues.push({ topic, brokerName, queueId })
  return queues
}
