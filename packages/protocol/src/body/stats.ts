import {
  type BodyCodec,
  type BodyEntry,
  bool,
  double,
  entriesOf,
  int,
  list,
  long,
  mapOf,
  nullable,
  record,
  text,
} from './codec.ts'
import { SubscriptionData } from './heartbeat.ts'
import { MessageQueue } from './message-queue.ts'

/** Java: TopicOffset. */
export interface TopicOffset {
  minOffset: number
  maxOffset: number
  /** Wall clock, milliseconds. */
  lastUpdateTimestamp: number
}
export const TopicOffset: BodyCodec<TopicOffset> = record<TopicOffset>({
  minOffset: long(),
  maxOffset: long(),
  lastUpdateTimestamp: long(),
})

/** GET_TOPIC_STATS_INFO (202). */
export interface TopicStatsTable {
  offsetTable: BodyEntry<MessageQueue, TopicOffset>[]
  topicPutTps: number
}
export const TopicStatsTable: BodyCodec<TopicStatsTable> = record<TopicStatsTable>({
  offsetTable: entriesOf(MessageQueue, TopicOffset),
  topicPutTps: double(),
})

/** Java: OffsetWrapper. */
export interface OffsetWrapper {
  brokerOffset: number
  consumerOffset: number
  pullOffset: number
  lastTimestamp: number
}
export const OffsetWrapper: BodyCodec<OffsetWrapper> = record<OffsetWrapper>({
  brokerOffset: long(),
  consumerOffset: long(),
  pullOffset: long(),
  lastTimestamp: long(),
})

/** GET_CONSUME_STATS (208). */
export interface ConsumeStats {
  offsetTable: BodyEntry<MessageQueue, OffsetWrapper>[]
  consumeTps: number
}
export const ConsumeStats: BodyCodec<ConsumeStats> = record<ConsumeStats>({
  offsetTable: entriesOf(MessageQueue, OffsetWrapper),
  consumeTps: double(),
})

/** GET_BROKER_CONSUME_STATS (317). */
export interface ConsumeStatsList {
  /** One map per group: group name → stats of its topics. */
  consumeStatsList: Map<string, ConsumeStats[]>[]
  brokerAddr: string | null
  totalDiff: number
  totalInflightDiff: number
}
export const ConsumeStatsList: BodyCodec<ConsumeStatsList> = record<ConsumeStatsList>({
  consumeStatsList: list(mapOf(list(ConsumeStats))),
  brokerAddr: nullable(text()),
  totalDiff: long(),
  totalInflightDiff: long(),
})

/** Java: QueueTimeSpan. Times are wall clocks, milliseconds. */
export interface QueueTimeSpan {
  messageQueue: MessageQueue
  minTimeStamp: number
  maxTimeStamp: number
  consumeTimeStamp: number
  delayTime: number
}
export const QueueTimeSpan: BodyCodec<QueueTimeSpan> = record<QueueTimeSpan>({
  messageQueue: MessageQueue,
  minTimeStamp: long(),
  maxTimeStamp: long(),
  consumeTimeStamp: long(),
  delayTime: long(),
})

/** QUERY_CONSUME_TIME_SPAN (303). */
export interface QueryConsumeTimeSpanBody {
  consumeTimeSpanSet: QueueTimeSpan[]
}
export const QueryConsumeTimeSpanBody: BodyCodec<QueryConsumeTimeSpanBody> =
  record<QueryConsumeTimeSpanBody>({ consumeTimeSpanSet: list(QueueTimeSpan) })

/** Java: BrokerStatsItem. */
export interface BrokerStatsItem {
  sum: number
  /** Per second. */
  tps: number
  /** Mean value per event. */
  avgpt: number
}
export const BrokerStatsItem: BodyCodec<BrokerStatsItem> = record<BrokerStatsItem>({
  sum: long(),
  tps: double(),
  avgpt: double(),
})

/** VIEW_BROKER_STATS_DATA (315). */
export interface BrokerStatsData {
  statsMinute: BrokerStatsItem
  statsHour: BrokerStatsItem
  statsDay: BrokerStatsItem
}
export const BrokerStatsData: BodyCodec<BrokerStatsData> = record<BrokerStatsData>({
  statsMinute: BrokerStatsItem,
  statsHour: BrokerStatsItem,
  statsDay: BrokerStatsItem,
})

/** Java: ConsumeQueueData. */
export interface ConsumeQueueData {
  physicOffset: number
  physicSize: number
  tagsCode: number
  extendDataJson: string | null
  bitMap: string | null
  eval: boolean
  msg: string | null
}
export const ConsumeQueueData: BodyCodec<ConsumeQueueData> = record<ConsumeQueueData>({
  physicOffset: long(),
  physicSize: int(),
  tagsCode: long(),
  extendDataJson: nullable(text()),
  bitMap: nullable(text()),
  eval: bool(),
  msg: nullable(text()),
})

/** QUERY_CONSUME_QUEUE (321). */
export interface QueryConsumeQueueResponseBody {
  subscriptionData: SubscriptionData | null
  filterData: string | null
  queueData: ConsumeQueueData[]
  maxQueueIndex: number
  minQueueIndex: number
}
export const QueryConsumeQueueResponseBody: BodyCodec<QueryConsumeQueueResponseBody> =
  record<QueryConsumeQueueResponseBody>({
    subscriptionData: nullable(SubscriptionData),
    filterData: nullable(text()),
    queueData: list(ConsumeQueueData),
    maxQueueIndex: long(),
    minQueueIndex: long(),
  })
