import type { HeaderOf } from './table.ts'

/** GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201). */
export const GetAllSubscriptionGroupRequestHeader = {
  groupSeq: 'int?',
  dataVersion: 'string?',
  maxGroupNum: 'int?',
} as const
export type GetAllSubscriptionGroupRequestHeader = HeaderOf<
  typeof GetAllSubscriptionGroupRequestHeader
>

/** GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201), the answer. */
export const GetAllSubscriptionGroupResponseHeader = {
  totalGroupNum: 'int?',
} as const
export type GetAllSubscriptionGroupResponseHeader = HeaderOf<
  typeof GetAllSubscriptionGroupResponseHeader
>

/** GET_SUBSCRIPTIONGROUP_CONFIG (352). */
export const GetSubscriptionGroupConfigRequestHeader = {
  group: 'string',
} as const
export type GetSubscriptionGroupConfigRequestHeader = HeaderOf<
  typeof GetSubscriptionGroupConfigRequestHeader
>

/** DELETE_SUBSCRIPTIONGROUP (207). */
export const DeleteSubscriptionGroupRequestHeader = {
  groupName: 'string',
  cleanOffset: 'boolean=false',
} as const
export type DeleteSubscriptionGroupRequestHeader = HeaderOf<
  typeof DeleteSubscriptionGroupRequestHeader
>

/** UPDATE_AND_GET_GROUP_FORBIDDEN (353). */
export const UpdateGroupForbiddenRequestHeader = {
  group: 'string',
  topic: 'string',
  readable: 'boolean?',
} as const
export type UpdateGroupForbiddenRequestHeader = HeaderOf<typeof UpdateGroupForbiddenRequestHeader>

/** GET_CONSUME_STATS (208). */
export const GetConsumeStatsRequestHeader = {
  consumerGroup: 'string',
  topic: 'string?',
  topicList: 'string?',
} as const
export type GetConsumeStatsRequestHeader = HeaderOf<typeof GetConsumeStatsRequestHeader>

/** GET_BROKER_CONSUME_STATS (317). */
export const GetConsumeStatsInBrokerHeader = {
  isOrder: 'boolean=false',
} as const
export type GetConsumeStatsInBrokerHeader = HeaderOf<typeof GetConsumeStatsInBrokerHeader>

/** QUERY_CONSUME_TIME_SPAN (303). */
export const QueryConsumeTimeSpanRequestHeader = {
  topic: 'string',
  group: 'string',
} as const
export type QueryConsumeTimeSpanRequestHeader = HeaderOf<typeof QueryConsumeTimeSpanRequestHeader>

/** QUERY_TOPICS_BY_CONSUMER (343). */
export const QueryTopicsByConsumerRequestHeader = {
  group: 'string',
} as const
export type QueryTopicsByConsumerRequestHeader = HeaderOf<typeof QueryTopicsByConsumerRequestHeader>

/** QUERY_SUBSCRIPTION_BY_CONSUMER (345). */
export const QuerySubscriptionByConsumerRequestHeader = {
  group: 'string',
  topic: 'string?',
} as const
export type QuerySubscriptionByConsumerRequestHeader = HeaderOf<
  typeof QuerySubscriptionByConsumerRequestHeader
>

/** Sets where a group starts on a topic (Java: InitConsumerOffsetRequestHeader); no code of its own yet. */
export const InitConsumerOffsetRequestHeader = {
  topic: 'string?',
  initMode: 'int=0',
} as const
export type InitConsumerOffsetRequestHeader = HeaderOf<typeof InitConsumerOffsetRequestHeader>
