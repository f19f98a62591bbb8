import { type BrokerGroup, type BrokerMember, memberAt, minBrokerId } from './broker-table.ts'
import type { RouteTable } from './route-table.ts'
import {
  type BrokerRegistration,
  DEFAULT_HEARTBEAT_TIMEOUT_MS,
  MASTER_ID,
  PERM_WRITE,
  type RegisterOutcome,
  sameDataVersion,
} from './route-types.ts'

/**
 * REGISTER_BROKER. Checks first, changes after: a registration that is not taken leaves no trace,
 * but for the stale claim of an id, which costs the claimant its other id.
 */
export function registerBroker(
  table: RouteTable,
  registration: BrokerRegistration,
  nowMs: number,
): RegisterOutcome {
  const { brokerName, brokerId, brokerAddr } = registration
  const known = table.brokers.group(brokerName)
  const owner = known?.members.get(brokerId) ?? null
  const previous = known === null ? null : memberAt(known, brokerAddr)

  if (owner !== null && isStaleClaim(owner, registration)) {
    if (previous !== null) table.leave([previous], 'broker_unregistered')
    table.report('broker_register_conflict', registration)
    return { kind: 'ignored' }
  }
  const bringsTopics = isTopicSource(registration, known)
  const refusal = reasonToRefuse(table, registration, owner, previous, bringsTopics)
  if (refusal !== null) return { kind: 'refused', reason: refusal }

  const lowestBefore = known === null ? null : minBrokerId(known)
  const group = table.brokers.join(registration.clusterName, brokerName)
  group.enableActingMaster = registration.enableActingMaster === true
  group.zoneName = registration.zoneName
  // Slave to master and back: one address has one id.
  if (previous !== null && previous.brokerId !== brokerId) table.brokers.take(previous)
  if (owner !== null && owner !== previous) table.report('broker_address_replaced', owner)
  const member = memberOf(registration, previous, nowMs)
  table.brokers.put(member)
  if (previous === null) table.report('broker_registered', member)

  if (bringsTopics) mergeTopics(table, group, registration, owner === null, previous)
  if (lowestBefore !== null && brokerId < lowestBefore) {
    table.notifyMinBrokerId(brokerName, null, member.haServerAddr)
  }
  return outcomeFor(group, brokerId)
}

/** The id belongs to another address that has been told of a newer term. */
function isStaleClaim(owner: BrokerMember, registration: BrokerRegistration): boolean {
  return (
    owner.brokerAddr !== registration.brokerAddr &&
    owner.dataVersion.stateVersion > registration.dataVersion.stateVersion
  )
}

/**
 * Topics come from the master, or, from brokers that know acting masters, from the lowest slave
 * while there is no master.
 */
function isTopicSource(registration: BrokerRegistration, known: BrokerGroup | null): boolean {
  if (registration.brokerId === MASTER_ID) return true
  if (registration.enableActingMaster === null) return false
  for (const member of known?.members.values() ?? []) {
    const isOther = member.brokerAddr !== registration.brokerAddr
    if (isOther && member.brokerId < registration.brokerId) return false
  }
  return true
}

function reasonToRefuse(
  table: RouteTable,
  registration: BrokerRegistration,
  owner: BrokerMember | null,
  previous: BrokerMember | null,
  bringsTopics: boolean,
): string | null {
  // A broker announces a single new topic only after its whole table; taken first, it would pass
  // for the whole.
  if (owner === null && registration.topics.length === 1) return 'register broker failed'
  const { brokersMax, topicsMax } = table.options
  if (owner === null && previous === null && table.brokers.size >= brokersMax) {
    return `too many brokers: brokersMax=${brokersMax}`
  }
  const newTopics = bringsTopics ? table.topics.countNew(registration.topics) : 0
  if (table.topics.size + newTopics > topicsMax) {
    return `too many topics: topicsMax=${topicsMax}`
  }
  return null
}

function memberOf(
  registration: BrokerRegistration,
  previous: BrokerMember | null,
  nowMs: number,
): BrokerMember {
  return {
    brokerName: registration.brokerName,
    brokerId: registration.brokerId,
    brokerAddr: registration.brokerAddr,
    haServerAddr: registration.haServerAddr,
    heartbeatTimeoutMs: registration.heartbeatTimeoutMs ?? DEFAULT_HEARTBEAT_TIMEOUT_MS,
    dataVersion: registration.dataVersion,
    filterServers: registration.filterServers ?? previous?.filterServers ?? [],
    connectionId: registration.connectionId,
    lastSeenMs: nowMs,
  }
}

/**
 * Topics are written when the broker's table has changed, or when the topic is not known for this
 * broker.
 */
function mergeTopics(
  table: RouteTable,
  group: BrokerGroup,
  registration: BrokerRegistration,
  isFirst: boolean,
  previous: BrokerMember | null,
): void {
  const { brokerName, dataVersion } = registration
  const hasMappings = registration.topicQueueMappings.length > 0
  if (table.options.deleteTopicWithBrokerRegistration && !hasMappings) {
    deleteMissingTopics(table, registration)
  }
  const isChanged =
    isFirst || previous === null || !sameDataVersion(previous.dataVersion, dataVersion)
  const isReadOnly = registration.brokerId !== MASTER_ID && group.enableActingMaster
  for (const topic of registration.topics) {
    if (!isChanged && table.topics.has(topic.topicName, brokerName)) continue
    table.topics.put(brokerName, topic, isReadOnly ? topic.perm & ~PERM_WRITE : topic.perm)
  }
  for (const mapping of registration.topicQueueMappings) {
    if (isChanged || !table.topics.hasMapping(mapping)) table.topics.putMapping(mapping)
  }
}

function deleteMissingTopics(table: RouteTable, registration: BrokerRegistration): void {
  const named = new Set<string>()
  for (const topic of registration.topics) named.add(topic.topicName)
  for (const topic of table.topics.ofBroker(registration.brokerName)) {
    if (!named.has(topic)) table.topics.remove(topic, registration.brokerName)
  }
}

/** A slave is told where its master is, and where the master serves replication. */
function outcomeFor(group: BrokerGroup, brokerId: number): RegisterOutcome {
  const master = brokerId === MASTER_ID ? undefined : group.members.get(MASTER_ID)
  return {
    kind: 'registered',
    masterAddr: master?.brokerAddr ?? null,
    haServerAddr: master?.haServerAddr ?? null,
  }
}
