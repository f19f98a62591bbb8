import { queueKey } from '../operations/group-operations.ts'
import { type Finding, FindingCode, type GroupSnapshot } from './snapshot.ts'

/** Causes that lie with who owns which queue, and which brokers are in the route. */
export function findOwnership(snapshot: GroupSnapshot): Finding[] {
  return [...missingBrokers(snapshot), ...unreachableBrokers(snapshot), ...owners(snapshot)]
}

function missingBrokers({ topics, lags }: GroupSnapshot): Finding[] {
  return topics.flatMap(({ topic, routedBrokers, configuredBrokers }) => {
    const read = lags.filter((one) => one.topic === topic).map(({ brokerName }) => brokerName)
    const known = new Set([...configuredBrokers, ...read])
    return [...known]
      .filter((brokerName) => brokerName !== '' && !routedBrokers.includes(brokerName))
      .sort()
      .map((brokerName) => ({
        code: FindingCode.BROKER_NOT_IN_ROUTE,
        severity: 'error' as const,
        message: `Broker ${brokerName} has messages of ${topic} but is not in its route: no consumer finds them.`,
        hint: 'Check that the broker runs and registers at these NameServers; `topic route` shows what they know.',
        topic,
        brokerName,
      }))
  })
}

function unreachableBrokers({ problems, clients }: GroupSnapshot): Finding[] {
  const clientIds = new Set(clients.map(({ clientId }) => clientId))
  const targets = new Map(
    problems
      .filter(({ target, code }) => !clientIds.has(target) && code === 'ADMIN_BROKER_UNREACHABLE')
      .map(({ target, message }) => [target, message]),
  )
  return [...targets].map(([target, message]) => ({
    code: FindingCode.BROKER_UNREACHABLE,
    severity: 'error',
    message: `Broker ${target} is registered but cannot be asked: ${message}.`,
    hint: 'Its queues are not consumed meanwhile. Check the process and the advertised address.',
  }))
}

/** Only when every member has said what it owns: a silent one may have the queue. */
function owners(snapshot: GroupSnapshot): Finding[] {
  const { clients, running, topics, isBroadcasting, lags } = snapshot
  if (running.length === 0 || isBroadcasting) return []
  const byQueue = new Map<string, string[]>()
  for (const { clientId, queues } of running) {
    for (const queue of queues) {
      if (queue.isDropped) continue
      const key = queueKey(queue)
      byQueue.set(key, [...(byQueue.get(key) ?? []), clientId])
    }
  }
  const lagOf = new Map(lags.map((one) => [queueKey(one), one.lag]))
  const isComplete = running.length === clients.length
  return topics.flatMap(({ topic, readableQueues }) =>
    readableQueues.flatMap(({ brokerName, queueId }): Finding[] => {
      const place = { topic, brokerName, queueId }
      const owned = byQueue.get(queueKey(place)) ?? []
      if (owned.length > 1) return [ownedTwice(place, owned)]
      if (owned.length === 1 || !isComplete) return []
      return [withoutOwner(place, lagOf.get(queueKey(place)) ?? 0)]
    }),
  )
}

interface Place {
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
}

function withoutOwner(place: Place, lag: number): Finding {
  return {
    code: FindingCode.QUEUE_WITHOUT_OWNER,
    severity: 'error',
    message: `Queue ${place.queueId} of ${place.topic} on ${place.brokerName} has no owner; ${lag} messages wait.`,
    hint: 'Members see different member lists or subscribe differently. Wait one rebalance (20 s), then restart the odd member.',
    ...place,
  }
}

function ownedTwice(place: Place, owned: readonly string[]): Finding {
  return {
    code: FindingCode.QUEUE_OWNED_TWICE,
    severity: 'warning',
    message: `Queue ${place.queueId} of ${place.topic} on ${place.brokerName} is read by ${owned.join(' and ')}: messages come twice.`,
    hint: 'Passes with the next rebalance (20 s); if not, the members use different strategies or lists.',
    ...place,
  }
}
