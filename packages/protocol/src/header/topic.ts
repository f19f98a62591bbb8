import type { HeaderOf } from './table.ts'

/** UPDATE_AND_CREATE_TOPIC (17). */
export const CreateTopicRequestHeader = {
  topic: 'string',
  defaultTopic: 'string',
  readQueueNums: 'int',
  writeQueueNums: 'int',
  perm: 'int',
  topicFilterType: 'string',
  topicSysFlag: 'int?',
  order: 'boolean=false',
  attributes: 'string?',
  force: 'boolean=false',
} as const
export type CreateTopicRequestHeader = HeaderOf<typeof CreateTopicRequestHeader>

/** UPDATE_AND_CREATE_TOPIC_LIST (18). */
export const CreateTopicListRequestHeader = {} as const
export type CreateTopicListRequestHeader = HeaderOf<typeof CreateTopicListRequestHeader>

/** DELETE_TOPIC_IN_BROKER (215). */
export const DeleteTopicRequestHeader = {
  topic: 'string',
} as const
export type DeleteTopicRequestHeader = HeaderOf<typeof DeleteTopicRequestHeader>

/** GET_ALL_TOPIC_CONFIG (21). */
export const GetAllTopicConfigRequestHeader = {
  topicSeq: 'int?',
  dataVersion: 'string?',
  maxTopicNum: 'int?',
} as const
export type GetAllTopicConfigRequestHeader = HeaderOf<typeof GetAllTopicConfigRequestHeader>

/** GET_ALL_TOPIC_CONFIG (21), the answer. */
export const GetAllTopicConfigResponseHeader = {
  totalTopicNum: 'int?',
} as const
export type GetAllTopicConfigResponseHeader = HeaderOf<typeof GetAllTopicConfigResponseHeader>

/** GET_TOPIC_CONFIG (351). */
export const GetTopicConfigRequestHeader = {
  topic: 'string',
} as const
export type GetTopicConfigRequestHeader = HeaderOf<typeof GetTopicConfigRequestHeader>

/** GET_TOPIC_STATS_INFO (202). */
export const GetTopicStatsInfoRequestHeader = {
  topic: 'string',
} as const
export type GetTopicStatsInfoRequestHeader = HeaderOf<typeof GetTopicStatsInfoRequestHeader>

/** QUERY_TOPIC_CONSUME_BY_WHO (300). */
export const QueryTopicConsumeByWhoRequestHeader = {
  topic: 'string',
} as const
export type QueryTopicConsumeByWhoRequestHeader = HeaderOf<
  typeof QueryTopicConsumeByWhoRequestHeader
>
