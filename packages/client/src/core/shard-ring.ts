import type { MessageQueue } from '../api/message.ts'
import type { TopicRoute } from '../remote/contract.ts'
import { compareBrokerNames, queuesOf, writersOf } from './topic-route.ts'

interface Member {
  readonly queues: readonly MessageQueue[]
  /** The route does not name its broker any more, and it had not given up its write permission before. */
  readonly isMissing: boolean
}

/**
 * The queues among which a sharding key chooses. Equal keys must keep their queue, so a broker that dies keeps its place:
 *
 *     in the route, with write permission           its queues, as many as the route says
 *       … and without a master (a slave is left)    the same: its master is dead, not gone
 *     in the route, without write permission        none: it leaves in a planned way, and keys move
 *     not in the route any more                     those it had, for as long as this producer uses the topic
 *
 * A topic with an order configuration (ORDER_TOPIC_CONFIG) has exactly the queues that this names, as Java's clients
 * have. Nothing is remembered beyond this ring: a producer that starts while a broker is missing from the route does
 * not know of it.
 */
export class ShardRing {
  private members = new Map<string, Member>()
  private isConfigured = false
  private list: readonly MessageQueue[] = []

  /** In order of broker name and queue id, or as the order configuration says. */
  get queues(): readonly MessageQueue[] {
    return this.list
  }

  /** Whether a broker of the ring has left the route without notice: its queues cannot be written to now. */
  isMissing(brokerName: string): boolean {
    return this.members.get(brokerName)?.isMissing === true
  }

  /** The queue of the ring with this broker and id, null when there is none. */
  find({ brokerName, queueId }: MessageQueue): MessageQueue | null {
    const isSame = (it: MessageQueue): boolean =>
      it.queueId === queueId && it.brokerName === brokerName
    return this.list.find(isSame) ?? null
  }

  /** A new answer of a NameServer. Returns the brokers that are missing from now on. */
  update(route: TopicRoute): string[] {
    const { orderTopicConf } = route.data
    if (orderTopicConf !== null && orderTopicConf !== '') {
      this.members = new Map()
      this.isConfigured = true
      this.list = route.publishQueues
      return []
    }
    const before = this.isConfigured ? new Map<string, Member>() : this.members
    this.isConfigured = false
    const members = membersOf(route, before)
    const left: string[] = []
    const named = new Set(route.data.queueDatas.map(({ brokerName }) => brokerName))
    for (const [brokerName, { queues, isMissing }] of before) {
      if (named.has(brokerName)) continue
      members.set(brokerName, { queues, isMissing: true })
      if (!isMissing) left.push(brokerName)
    }
    this.members = members
    const names = [...members.keys()].sort(compareBrokerNames)
    this.list = names.flatMap((name) => members.get(name)!.queues)
    return left
  }

  /** What was known was a guess: what comes next is all that counts. */
  clear(): void {
    this.members = new Map()
    this.isConfigured = false
    this.list = []
  }
}

/** Brokers that the route names with permission to write. Queues that can be written to are those of the route. */
function membersOf(
  { topic, data, publishQueues }: TopicRoute,
  before: ReadonlyMap<string, Member>,
): Map<string, Member> {
  const publishable = Map.groupBy(publishQueues, ({ brokerName }) => brokerName)
  const members = new Map<string, Member>()
  for (const { brokerName, count } of writersOf(data)) {
    const known = before.get(brokerName)?.queues
    const kept = known?.length === count ? known : queuesOf(topic, brokerName, count)
    members.set(brokerName, { queues: publishable.get(brokerName) ?? kept, isMissing: false })
  }
  return members
}
