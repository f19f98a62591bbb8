import type { HeaderOf } from './table.ts'

/** QUERY_MESSAGE (12). */
export const QueryMessageRequestHeader = {
  topic: 'string',
  key: 'string',
  maxNum: 'int',
  beginTimestamp: 'long',
  endTimestamp: 'long',
} as const
export type QueryMessageRequestHeader = HeaderOf<typeof QueryMessageRequestHeader>

/** Answer to QUERY_MESSAGE (12). */
export const QueryMessageResponseHeader = {
  indexLastUpdateTimestamp: 'long',
  indexLastUpdatePhyoffset: 'long',
} as const
export type QueryMessageResponseHeader = HeaderOf<typeof QueryMessageResponseHeader>

/** VIEW_MESSAGE_BY_ID (33). */
export const ViewMessageRequestHeader = {
  topic: 'string?',
  offset: 'long',
} as const
export type ViewMessageRequestHeader = HeaderOf<typeof ViewMessageRequestHeader>

/** Answer to VIEW_MESSAGE_BY_ID (33). */
export const ViewMessageResponseHeader = {} as const
export type ViewMessageResponseHeader = HeaderOf<typeof ViewMessageResponseHeader>

/** QUERY_CONSUME_QUEUE (321). */
export const QueryConsumeQueueRequestHeader = {
  topic: 'string?',
  queueId: 'int=0',
  index: 'long=0',
  count: 'int=0',
  consumerGroup: 'string?',
} as const
export type QueryConsumeQueueRequestHeader = HeaderOf<typeof QueryConsumeQueueRequestHeader>
