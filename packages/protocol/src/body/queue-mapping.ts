import { type BodyCodec, bool, int, intMapOf, list, long, record, text } from './codec.ts'

// Static topics: logical queues that live on different brokers over time. We keep what others register about them.

/** Java: TopicQueueMappingInfo. */
export interface TopicQueueMappingInfo {
  topic: string
  scope: string
  totalQueues: number
  /** The broker that hosts this part. */
  bname: string
  epoch: number
  dirty: boolean
  /** Logical → physical queue id. */
  currIdMap: Map<number, number>
}

const infoMembers = {
  topic: text(),
  scope: text('__global__'),
  totalQueues: int(),
  bname: text(),
  epoch: long(),
  dirty: bool(),
  currIdMap: intMapOf(int()),
}
export const TopicQueueMappingInfo: BodyCodec<TopicQueueMappingInfo> =
  record<TopicQueueMappingInfo>(infoMembers)

/** Java: LogicQueueMappingItem. */
export interface LogicQueueMappingItem {
  gen: number
  queueId: number
  bname: string
  logicOffset: number
  startOffset: number
  endOffset: number
  timeOfStart: number
  timeOfEnd: number
}
export const LogicQueueMappingItem: BodyCodec<LogicQueueMappingItem> =
  record<LogicQueueMappingItem>({
    gen: int(),
    queueId: int(),
    bname: text(),
    logicOffset: long(),
    startOffset: long(),
    endOffset: long(-1),
    timeOfStart: long(-1),
    timeOfEnd: long(-1),
  })

/** Java: TopicQueueMappingDetail. */
export interface TopicQueueMappingDetail extends TopicQueueMappingInfo {
  hostedQueues: Map<number, LogicQueueMappingItem[]>
}
export const TopicQueueMappingDetail: BodyCodec<TopicQueueMappingDetail> =
  record<TopicQueueMappingDetail>({
    ...infoMembers,
    hostedQueues: intMapOf(list(LogicQueueMappingItem)),
  })
