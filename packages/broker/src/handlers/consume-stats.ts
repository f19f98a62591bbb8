import type { Clock } from '@apogee/env'
import {
  type BodyEntry,
  ConsumeStats,
  ConsumeStatsList,
  encodeBody,
  GetConsumeStatsInBrokerHeader,
  GetConsumeStatsRequestHeader,
  GetTopicStatsInfoRequestHeader,
  GroupList,
  type MessageQueue,
  type OffsetWrapper,
  QueryConsumeTimeSpanBody,
  QueryConsumeTimeSpanRequestHeader,
  QuerySubscriptionByConsumerRequestHeader,
  QuerySubscriptionResponseBody,
  QueryTopicConsumeByWhoRequestHeader,
  QueryTopicsByConsumerRequestHeader,
  type QueueTimeSpan,
  RequestCode,
  ResponseCode,
  type SubscriptionData,
  TopicList,
  type TopicOffset,
  TopicStatsTable,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, refuse, success } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { ConsumerManager } from '../client/consumer-manager.ts'
import type { PullSubscriptions } from '../client/pull-subscriptions.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import type { TopicConfig } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { ADMIN, messageQueue } from './admin-common.ts'

export interface ConsumeStatsDeps {
  config: BrokerConfig
  clock: Clock
  topics: TopicConfigManager
  groups: SubscriptionGroupManager
  consumers: ConsumerManager
  subscriptions: PullSubscriptions
  offsets: ConsumerOffsetManager
  store: MessageStore
  stats: BrokerStats
  /** host:port told to clients; known once the broker listens. */
  brokerAddr: () => string
}

/**
 * GET_TOPIC_STATS_INFO (202), GET_CONSUME_STATS (208), QUERY_TOPIC_CONSUME_BY_WHO (300), QUERY_CONSUME_TIME_SPAN (303),
 * GET_BROKER_CONSUME_STATS (317), QUERY_TOPICS_BY_CONSUMER (343), QUERY_SUBSCRIPTION_BY_CONSUMER (345): who reads what, and
 * how far. Java: AdminBrokerProcessor.
 */
export function consumeStatsHandlers(deps: ConsumeStatsDeps): Handler[] {
  return [
    handler({
      ...ADMIN,
      code: RequestCode.GET_TOPIC_STATS_INFO,
      header: GetTopicStatsInfoRequestHeader,
      handle: ({ header }) => topicStats(deps, header.topic),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_CONSUME_STATS,
      header: GetConsumeStatsRequestHeader,
      handle: ({ header }) => groupStats(deps, header),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.QUERY_TOPIC_CONSUME_BY_WHO,
      header: QueryTopicConsumeByWhoRequestHeader,
      handle: ({ header }) => groupsOf(deps, header.topic),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.QUERY_CONSUME_TIME_SPAN,
      header: QueryConsumeTimeSpanRequestHeader,
      handle: ({ header: { topic, group } }) => timeSpan(deps, topic, group),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_BROKER_CONSUME_STATS,
      header: GetConsumeStatsInBrokerHeader,
      handle: ({ header }) => allGroupStats(deps, header.isOrder),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.QUERY_TOPICS_BY_CONSUMER,
      header: QueryTopicsByConsumerRequestHeader,
      handle: ({ header: { group } }) => {
        const topicList = deps.offsets.whichTopicByConsumer(group)
        return success(encodeBody(TopicList, { topicList, brokerAddr: deps.brokerAddr() }))
      },
    }),
    handler({
      ...ADMIN,
      code: RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER,
      header: QuerySubscriptionByConsumerRequestHeader,
      handle: ({ header }) => subscriptionOf(deps, header.group, header.topic ?? ''),
    }),
  ]
}

/** A subscription as bodies carry it. */
export function subscriptionBody(
  data:
    | { readonly [K in keyof SubscriptionData]: SubscriptionData[K] | readonly never[] }
    | undefined,
): SubscriptionData | null {
  return data === undefined ? null : ({ ...data } as SubscriptionData)
}

function groupsOf(deps: ConsumeStatsDeps, topic: string): Answer {
  const online = deps.consumers.queryTopicConsumeByWho(topic)
  const groups = new Set([...online, ...deps.offsets.whichGroupByTopic(topic)])
  return success(encodeBody(GroupList, { groupList: [...groups] }))
}

function subscriptionOf(deps: ConsumeStatsDeps, group: string, topic: string): Answer {
  const subscriptionData = subscriptionBody(deps.subscriptions.find(group, topic)?.data)
  return success(encodeBody(QuerySubscriptionResponseBody, { group, topic, subscriptionData }))
}

async function topicStats(deps: ConsumeStatsDeps, topic: string): Promise<Answer> {
  const config = deps.topics.select(topic)
  if (config === undefined) return noTopic(topic)
  const { brokerName } = deps.config.values
  const offsetTable: BodyEntry<MessageQueue, TopicOffset>[] = []
  const queues = Math.max(config.writeQueueNums, config.readQueueNums)
  for (let queueId = 0; queueId < queues; queueId++) {
    const minOffset = deps.store.minOffset(topic, queueId)
    const maxOffset = deps.store.maxOffset(topic, queueId)
    const stored = maxOffset > 0 ? await deps.store.storeTime(topic, queueId, maxOffset - 1) : 0
    const lastUpdateTimestamp = Math.max(0, stored)
    offsetTable.push({
      key: messageQueue(topic, brokerName, queueId),
      value: { minOffset, maxOffset, lastUpdateTimestamp },
    })
  }
  const topicPutTps = config.counters.putNums.tps(deps.stats.tick)
  return success(encodeBody(TopicStatsTable, { offsetTable, topicPutTps }))
}

async function groupStats(
  deps: ConsumeStatsDeps,
  header: GetConsumeStatsRequestHeader,
): Promise<Answer> {
  const group = header.consumerGroup
  const stats: ConsumeStats = { offsetTable: [], consumeTps: 0 }
  for (const topic of topicsOf(deps, header)) {
    const config = deps.topics.select(topic)
    if (config === undefined) continue
    const one = await statsOf(deps, group, config, config.readQueueNums)
    stats.offsetTable.push(...one.offsetTable)
    stats.consumeTps += one.consumeTps
  }
  return success(encodeBody(ConsumeStats, stats))
}

function topicsOf(deps: ConsumeStatsDeps, header: GetConsumeStatsRequestHeader): string[] {
  const { consumerGroup: group, topic, topicList } = header
  const listed = (topicList ?? '').split(';').filter((name) => name !== '')
  if (listed.length > 0) return listed
  const wanted = topic?.trim() ? [topic] : deps.offsets.whichTopicByConsumer(group)
  return wanted.filter((name) => isRead(deps, group, name))
}

/** Whether a group reads a topic, as far as is known: a group that is not online may read what it has offsets of. */
function isRead(deps: ConsumeStatsDeps, group: string, topic: string): boolean {
  return (
    deps.consumers.subscriptionCount(group) === 0 ||
    deps.subscriptions.find(group, topic) !== undefined
  )
}

async function statsOf(
  deps: ConsumeStatsDeps,
  group: string,
  topic: TopicConfig,
  queues: number,
): Promise<ConsumeStats> {
  const { topicName } = topic
  const { brokerName } = deps.config.values
  const offsetTable: BodyEntry<MessageQueue, OffsetWrapper>[] = []
  for (let queueId = 0; queueId < queues; queueId++) {
    const brokerOffset = deps.store.maxOffset(topicName, queueId)
    const consumerOffset = Math.max(0, deps.offsets.queryOffset(group, topicName, queueId))
    const pullOffset = deps.offsets.queryPullOffset(group, topicName, queueId)
    const consumed =
      consumerOffset > 0 ? await deps.store.storeTime(topicName, queueId, consumerOffset - 1) : 0
    offsetTable.push({
      key: messageQueue(topicName, brokerName, queueId),
      value: {
        brokerOffset,
        consumerOffset,
        pullOffset: Math.max(consumerOffset, pullOffset),
        lastTimestamp: Math.max(0, consumed),
      },
    })
  }
  const counters = deps.stats.findGroup(topicName, group)
  return { offsetTable, consumeTps: counters?.getNums.tps(deps.stats.tick) ?? 0 }
}

async function allGroupStats(deps: ConsumeStatsDeps, isOrder: boolean): Promise<Answer> {
  const consumeStatsList: Map<string, ConsumeStats[]>[] = []
  let totalDiff = 0
  let totalInflightDiff = 0
  for (const { groupName } of deps.groups.all()) {
    const ofGroup: ConsumeStats[] = []
    for (const topic of deps.offsets.whichTopicByConsumer(groupName)) {
      const config = deps.topics.select(topic)
      if (config === undefined || (isOrder && !config.order)) continue
      if (!isRead(deps, groupName, topic)) continue
      const stats = await statsOf(deps, groupName, config, config.writeQueueNums)
      for (const { value } of stats.offsetTable) {
        totalDiff += value.brokerOffset - value.consumerOffset
        totalInflightDiff += value.pullOffset - value.consumerOffset
      }
      ofGroup.push(stats)
    }
    consumeStatsList.push(new Map([[groupName, ofGroup]]))
  }
  const brokerAddr = deps.brokerAddr()
  const body = { consumeStatsList, brokerAddr, totalDiff, totalInflightDiff }
  return success(encodeBody(ConsumeStatsList, body))
}

async function timeSpan(deps: ConsumeStatsDeps, topic: string, group: string): Promise<Answer> {
  const config = deps.topics.select(topic)
  if (config === undefined) return noTopic(topic)
  const spans: QueueTimeSpan[] = []
  for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
    spans.push(await queueTimeSpan(deps, topic, group, queueId))
  }
  return success(encodeBody(QueryConsumeTimeSpanBody, { consumeTimeSpanSet: spans }))
}

async function queueTimeSpan(
  deps: ConsumeStatsDeps,
  topic: string,
  group: string,
  queueId: number,
): Promise<QueueTimeSpan> {
  const { store } = deps
  const maxOffset = store.maxOffset(topic, queueId)
  const consumerOffset = deps.offsets.queryOffset(group, topic, queueId)
  const minTimeStamp = await store.storeTime(topic, queueId, store.minOffset(topic, queueId))
  const maxTimeStamp = await store.storeTime(topic, queueId, maxOffset - 1)
  const consumeTimeStamp =
    consumerOffset > 0 ? await store.storeTime(topic, queueId, consumerOffset - 1) : minTimeStamp
  const nextTime =
    consumerOffset < maxOffset ? await store.storeTime(topic, queueId, consumerOffset) : -1
  return {
    messageQueue: messageQueue(topic, deps.config.values.brokerName, queueId),
    minTimeStamp,
    maxTimeStamp,
    consumeTimeStamp,
    delayTime: nextTime > 0 ? deps.clock.wallMs() - nextTime : 0,
  }
}

function noTopic(topic: string): Answer {
  return refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`)
}
