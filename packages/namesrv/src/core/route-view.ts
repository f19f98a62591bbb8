import type {
  BrokerData,
  ClusterInfo,
  QueueData,
  TopicList,
  TopicRouteData,
} from '@apogee/protocol'
import { type BrokerGroup, brokerDataOf, minBrokerId } from './broker-table.ts'
import type { RouteTable } from './route-table.ts'
import {
  MASTER_ID,
  PERM_WRITE,
  SYNC_BROKER_MEMBER_PREFIX,
  TOPIC_FLAG_UNIT,
  TOPIC_FLAG_UNIT_SUB,
} from './route-types.ts'

// What the query codes see of a route table. Nothing here changes it.

/**
 * GET_ROUTEINFO_BY_TOPIC (105), without the order configuration; `null` when no live broker has the
 * topic.
 */
export function pickTopicRoute(table: RouteTable, topic: string): TopicRouteData | null {
  const queues = table.topics.queuesOf(topic)
  if (queues === null) return null
  const brokerDatas: BrokerData[] = []
  const filterServerTable = new Map<string, string[]>()
  const withActingMaster =
    table.options.supportActingMaster && !topic.startsWith(SYNC_BROKER_MEMBER_PREFIX)
  for (const [brokerName, queueData] of queues) {
    const group = table.brokers.group(brokerName)
    if (group === null) continue
    const brokerData = brokerDataOf(group)
    brokerDatas.push(withActingMaster ? showActingMaster(brokerData, queueData) : brokerData)
    addFilterServers(filterServerTable, group)
  }
  if (brokerDatas.length === 0) return null
  const mappings = table.topics.mappingsOf(topic)
  return {
    orderTopicConf: null,
    queueDatas: [...queues.values()],
    brokerDatas,
    filterServerTable,
    topicQueueMappingByBroker: mappings === null ? null : new Map(mappings),
  }
}

/**
 * Without a master, and once the topic is read-only there, the lowest slave is shown under the
 * master's id.
 */
function showActingMaster(brokerData: BrokerData, queueData: QueueData): BrokerData {
  const { brokerAddrs, enableActingMaster } = brokerData
  if (!enableActingMaster || brokerAddrs.has(MASTER_ID) || brokerAddrs.size === 0) return brokerData
  if ((queueData.perm & PERM_WRITE) !== 0) return brokerData
  const lowest = Math.min(...brokerAddrs.keys())
  const shown = new Map<number, string>()
  for (const [brokerId, brokerAddr] of brokerAddrs) {
    shown.set(brokerId === lowest ? MASTER_ID : brokerId, brokerAddr)
  }
  return { ...brokerData, brokerAddrs: shown }
}

function addFilterServers(into: Map<string, string[]>, group: BrokerGroup): void {
  for (const member of group.members.values()) {
    if (member.filterServers.length > 0) into.set(member.brokerAddr, [...member.filterServers])
  }
}

/**
 * The route as a client of one zone sees it (Java: ZoneRouteRPCHook): brokers of other zones are
 * left out, unless their master is gone, when nearness gives way to being reachable.
 */
export function filterByZone(route: TopicRouteData, zoneName: string): TopicRouteData {
  const zone = zoneName.toLowerCase()
  const kept = new Set<string>()
  const brokerDatas: BrokerData[] = []
  const filterServerTable = new Map(route.filterServerTable)
  for (const brokerData of route.brokerDatas) {
    const isNear = brokerData.zoneName?.toLowerCase() === zone
    if (isNear || !brokerData.brokerAddrs.has(MASTER_ID)) {
      kept.add(brokerData.brokerName)
      brokerDatas.push(brokerData)
    } else {
      for (const brokerAddr of brokerData.brokerAddrs.values()) filterServerTable.delete(brokerAddr)
    }
  }
  const queueDatas = route.queueDatas.filter((queueData) => kept.has(queueData.brokerName))
  return { ...route, brokerDatas, queueDatas, filterServerTable }
}

/** GET_BROKER_CLUSTER_INFO (106). */
export function clusterView(table: RouteTable): ClusterInfo {
  const brokerAddrTable = new Map<string, BrokerData>()
  for (const group of table.brokers.allGroups()) {
    brokerAddrTable.set(group.brokerName, brokerDataOf(group))
  }
  const clusterAddrTable = new Map<string, string[]>()
  for (const [clusterName, names] of table.brokers.allClusters()) {
    clusterAddrTable.set(clusterName, [...names])
  }
  return { brokerAddrTable, clusterAddrTable }
}

/** GET_BROKER_MEMBER_GROUP (901): id → address; empty when the name is unknown. */
export function memberAddrs(table: RouteTable, brokerName: string): Map<number, string> {
  const group = table.brokers.group(brokerName)
  return group === null ? new Map() : brokerDataOf(group).brokerAddrs
}

/** GET_ALL_TOPIC_LIST_FROM_NAMESERVER (206). */
export function allTopics(table: RouteTable): TopicList {
  return { topicList: [...table.topics.names()], brokerAddr: null }
}

/** GET_TOPICS_BY_CLUSTER (224); empty when the cluster is unknown. */
export function topicsOfCluster(table: RouteTable, clusterName: string): TopicList {
  const topics = new Set<string>()
  for (const brokerName of table.brokers.allClusters().get(clusterName) ?? []) {
    for (const topic of table.topics.ofBroker(brokerName)) topics.add(topic)
  }
  return { topicList: [...topics], brokerAddr: null }
}

/**
 * GET_SYSTEM_TOPIC_LIST_FROM_NS (304): the names of clusters and brokers, which are topics too, and
 * some broker to ask for the rest.
 */
export function systemTopics(table: RouteTable): TopicList {
  const topics = new Set<string>()
  for (const [clusterName, brokerNames] of table.brokers.allClusters()) {
    topics.add(clusterName)
    for (const brokerName of brokerNames) topics.add(brokerName)
  }
  let brokerAddr: string | null = null
  for (const group of table.brokers.allGroups()) {
    const member = group.members.get(minBrokerId(group) ?? MASTER_ID)
    brokerAddr ??= member?.brokerAddr ?? null
  }
  return { topicList: [...topics], brokerAddr }
}

export type UnitList = 'unit' | 'unit-sub' | 'unit-sub-not-unit'

/**
 * GET_UNIT_TOPIC_LIST (311), GET_HAS_UNIT_SUB_TOPIC_LIST (312), GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST
 * (313).
 */
export function unitTopics(table: RouteTable, list: UnitList): TopicList {
  const topicList: string[] = []
  for (const topic of table.topics.names()) {
    const first = table.topics.queuesOf(topic)?.values().next().value
    if (first !== undefined && isInUnitList(first.topicSysFlag, list)) topicList.push(topic)
  }
  return { topicList, brokerAddr: null }
}

function isInUnitList(topicSysFlag: number, list: UnitList): boolean {
  const isUnit = (topicSysFlag & TOPIC_FLAG_UNIT) !== 0
  const hasUnitSub = (topicSysFlag & TOPIC_FLAG_UNIT_SUB) !== 0
  if (list === 'unit') return isUnit
  return hasUnitSub && (list === 'unit-sub' || !isUnit)
}
