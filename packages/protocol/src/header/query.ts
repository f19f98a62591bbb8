import type { HeaderOf } from './table.ts'

/** QUERY_MESSAGE (12). */
export const QueryMessageRequestHeader = {
  topic: 'string',
  key: 'string',
  maxNum: 'int',
  beginTimestamp: 'long',
  endTimestamp: 'long',
  /** From 5.5 on: U looks the unique key up, K a key of the message, T a tag. */
  indexType: 'string?',
  /** From 4.3.1 on, without a place in the Java class: `key` is a unique key. */
  uniqueKeyQuery: ['boolean=false', '_UNIQUE_KEY_QUERY'],
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
