import { AdminError } from '../admin-error.ts'
import { type Answers, tryEach } from './answers.ts'
import type { ClientOperations, GroupConnections } from './client-operations.ts'
import type { FoundMessage } from './found-message.ts'
import type { GroupOperations } from './group-operations.ts'
import type { TopicOperations } from './topic-operations.ts'

/** What became of a message in one group (Java: TrackType). */
export type TrackType =
  | 'CONSUMED'
  | 'CONSUMED_BUT_FILTERED'
  | 'CONSUME_BROADCASTING'
  | 'NOT_CONSUME_YET'
  | 'NOT_ONLINE'
  | 'PULL'
  | 'UNKNOWN'

export interface MessageTrack {
  readonly group: string
  readonly trackType: TrackType
  /** The group's offset in the message's queue; null when it has none there. */
  readonly consumerOffset: number | null
  /** Whether that offset is beyond the message. */
  readonly isPassed: boolean
}

export interface TrackDeps {
  topics: TopicOperations
  groups: GroupOperations
  clients: ClientOperations
}

/** What each group that reads the topic made of a message: codes 300, 203, 208. */
export async function trackMessage(
  deps: TrackDeps,
  message: FoundMessage,
): Promise<Answers<MessageTrack>> {
  const groups = await deps.topics.groups(message.topic)
  const tracks = await tryEach(
    groups.results,
    (group) => group,
    (group) => trackIn(deps, group, message),
  )
  return { results: tracks.results, problems: [...groups.problems, ...tracks.problems] }
}

async function trackIn(
  deps: TrackDeps,
  group: string,
  message: FoundMessage,
): Promise<MessageTrack> {
  const connections = await deps.clients.consumers(group)
  const consumerOffset = await offsetOf(deps, group, message)
  const isPassed = consumerOffset !== null && consumerOffset > message.queueOffset
  const trackType = typeOf(connections, message, consumerOffset, isPassed)
  return { group, trackType, consumerOffset, isPassed }
}

async function offsetOf(
  deps: TrackDeps,
  group: string,
  message: FoundMessage,
): Promise<number | null> {
  try {
    const { queues } = await deps.groups.lag(group, { topic: message.topic })
    const queue = queues.find(
      ({ brokerName, queueId }) =>
        queueId === message.queueId &&
        (message.brokerName === '' || brokerName === message.brokerName),
    )
    return queue?.consumerOffset ?? null
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    return null
  }
}

function typeOf(
  connections: GroupConnections,
  message: FoundMessage,
  consumerOffset: number | null,
  isPassed: boolean,
): TrackType {
  if (connections.clients.length === 0) return 'NOT_ONLINE'
  if (connections.consumeType === 'CONSUME_ACTIVELY') return 'PULL'
  if (connections.messageModel === 'BROADCASTING') return 'CONSUME_BROADCASTING'
  if (consumerOffset === null) return 'UNKNOWN'
  if (!isPassed) return 'NOT_CONSUME_YET'
  return isWanted(connections, message) ? 'CONSUMED' : 'CONSUMED_BUT_FILTERED'
}

function isWanted({ subscriptions }: GroupConnections, { topic, tags }: FoundMessage): boolean {
  const found = subscriptions.find((one) => one.topic === topic)
  // Of an SQL expression the outcome cannot be told here; most messages match.
  if (found === undefined || found.expressionType !== 'TAG') return true
  return found.subString === '*' || found.subString === '' || found.tagsSet.includes(tags)
}
