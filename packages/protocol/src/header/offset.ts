import type { HeaderOf } from './table.ts'

/** QUERY_CONSUMER_OFFSET (14). */
export const QueryConsumerOffsetRequestHeader = {
  consumerGroup: 'string',
  topic: 'string',
  queueId: 'int',
  setZeroIfNotFound: 'boolean?',
} as const
export type QueryConsumerOffsetRequestHeader = HeaderOf<typeof QueryConsumerOffsetRequestHeader>

/** Answer to QUERY_CONSUMER_OFFSET (14). */
export const QueryConsumerOffsetResponseHeader = {
  offset: 'long',
} as const
export type QueryConsumerOffsetResponseHeader = HeaderOf<typeof QueryConsumerOffsetResponseHeader>

/** UPDATE_CONSUMER_OFFSET (15). */
export const UpdateConsumerOffsetRequestHeader = {
  consumerGroup: 'string',
  topic: 'string',
  queueId: 'int',
  commitOffset: 'long',
} as const
export type UpdateConsumerOffsetRequestHeader = HeaderOf<typeof UpdateConsumerOffsetRequestHeader>

/** Answer to UPDATE_CONSUMER_OFFSET (15). */
export const UpdateConsumerOffsetResponseHeader = {} as const
export type UpdateConsumerOffsetResponseHeader = HeaderOf<typeof UpdateConsumerOffsetResponseHeader>

/** SEARCH_OFFSET_BY_TIMESTAMP (29). */
export const SearchOffsetRequestHeader = {
  topic: 'string',
  queueId: 'int',
  timestamp: 'long',
  boundaryType: 'string?',
} as const
export type SearchOffsetRequestHeader = HeaderOf<typeof SearchOffsetRequestHeader>

/** Answer to SEARCH_OFFSET_BY_TIMESTAMP (29). */
export const SearchOffsetResponseHeader = {
  offset: 'long',
} as const
export type SearchOffsetResponseHeader = HeaderOf<typeof SearchOffsetResponseHeader>

/** GET_MAX_OFFSET (30). */
export const GetMaxOffsetRequestHeader = {
  topic: 'string',
  queueId: 'int',
  committed: 'boolean=true',
} as const
export type GetMaxOffsetRequestHeader = HeaderOf<typeof GetMaxOffsetRequestHeader>

/** Answer to GET_MAX_OFFSET (30). */
export const GetMaxOffsetResponseHeader = {
  offset: 'long',
} as const
export type GetMaxOffsetResponseHeader = HeaderOf<typeof GetMaxOffsetResponseHeader>

/** GET_MIN_OFFSET (31). */
export const GetMinOffsetRequestHeader = {
  topic: 'string',
  queueId: 'int',
} as const
export type GetMinOffsetRequestHeader = HeaderOf<typeof GetMinOffsetRequestHeader>

/** Answer to GET_MIN_OFFSET (31). */
export const GetMinOffsetResponseHeader = {
  offset: 'long',
} as const
export type GetMinOffsetResponseHeader = HeaderOf<typeof GetMinOffsetResponseHeader>

/** GET_EARLIEST_MSG_STORETIME (32). */
export const GetEarliestMsgStoretimeRequestHeader = {
  topic: 'string',
  queueId: 'int',
} as const
export type GetEarliestMsgStoretimeRequestHeader = HeaderOf<
  typeof GetEarliestMsgStoretimeRequestHeader
>

/** Answer to GET_EARLIEST_MSG_STORETIME (32). */
export const GetEarliestMsgStoretimeResponseHeader = {
  timestamp: 'long',
} as const
export type GetEarliestMsgStoretimeResponseHeader = HeaderOf<
  typeof GetEarliestMsgStoretimeResponseHeader
>

/** INVOKE_BROKER_TO_RESET_OFFSET (222) and, broker to client, RESET_CONSUMER_CLIENT_OFFSET (220). */
export const ResetOffsetRequestHeader = {
  group: 'string',
  topic: 'string',
  queueId: 'int=-1',
  offset: 'long?',
  timestamp: 'long',
  isForce: 'boolean=false',
} as const
export type ResetOffsetRequestHeader = HeaderOf<typeof ResetOffsetRequestHeader>

/** INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223) and, broker to client, GET_CONSUMER_STATUS_FROM_CLIENT (221). */
export const GetConsumerStatusRequestHeader = {
  topic: 'string',
  group: 'string',
  clientAddr: 'string?',
} as const
export type GetConsumerStatusRequestHeader = HeaderOf<typeof GetConsumerStatusRequestHeader>

/** QUERY_CORRECTION_OFFSET (308). */
export const QueryCorrectionOffsetHeader = {
  filterGroups: 'string?',
  compareGroup: 'string',
  topic: 'string',
} as const
export type QueryCorrectionOffsetHeader = HeaderOf<typeof QueryCorrectionOffsetHeader>

/** CLONE_GROUP_OFFSET (314). */
export const CloneGroupOffsetRequestHeader = {
  srcGroup: 'string',
  destGroup: 'string',
  topic: 'string?',
  offline: 'boolean=false',
} as const
export type CloneGroupOffsetRequestHeader = HeaderOf<typeof CloneGroupOffsetRequestHeader>
