import type { HeaderOf } from './table.ts'

/** SEND_MESSAGE (10), SEND_REPLY_MESSAGE (324); SEND_BATCH_MESSAGE (320) as its V2 form. */
export const SendMessageRequestHeader = {
  producerGroup: 'string',
  topic: 'string',
  defaultTopic: 'string',
  defaultTopicQueueNums: 'int',
  queueId: 'int',
  sysFlag: 'int',
  bornTimestamp: 'long',
  flag: 'int',
  properties: 'string?',
  reconsumeTimes: 'int?',
  unitMode: 'boolean?',
  batch: 'boolean?',
  maxReconsumeTimes: 'int?',
} as const
export type SendMessageRequestHeader = HeaderOf<typeof SendMessageRequestHeader>

/** SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320), SEND_REPLY_MESSAGE_V2 (325): the same under one-letter names. */
export const SendMessageRequestHeaderV2 = {
  producerGroup: ['string', 'a'],
  topic: ['string', 'b'],
  defaultTopic: ['string', 'c'],
  defaultTopicQueueNums: ['int', 'd'],
  queueId: ['int', 'e'],
  sysFlag: ['int', 'f'],
  bornTimestamp: ['long', 'g'],
  flag: ['int', 'h'],
  properties: ['string?', 'i'],
  reconsumeTimes: ['int?', 'j'],
  unitMode: ['boolean?', 'k'],
  maxReconsumeTimes: ['int?', 'l'],
  batch: ['boolean?', 'm'],
  brokerName: ['string?', 'n'],
} as const
export type SendMessageRequestHeaderV2 = HeaderOf<typeof SendMessageRequestHeaderV2>

/** Answer to every send; `MSG_REGION` and `TRACE_ON` come beside it as plain fields. */
export const SendMessageResponseHeader = {
  msgId: 'string',
  queueId: 'int',
  queueOffset: 'long',
  transactionId: 'string?',
  batchUniqId: 'string?',
  recallHandle: 'string?',
} as const
export type SendMessageResponseHeader = HeaderOf<typeof SendMessageResponseHeader>

/** PUSH_REPLY_MESSAGE_TO_CLIENT (326). */
export const ReplyMessageRequestHeader = {
  producerGroup: 'string',
  topic: 'string',
  defaultTopic: 'string',
  defaultTopicQueueNums: 'int',
  queueId: 'int',
  sysFlag: 'int',
  bornTimestamp: 'long',
  flag: 'int',
  properties: 'string?',
  reconsumeTimes: 'int?',
  unitMode: 'boolean=false',
  bornHost: 'string',
  storeHost: 'string',
  storeTimestamp: 'long',
} as const
export type ReplyMessageRequestHeader = HeaderOf<typeof ReplyMessageRequestHeader>

/** CONSUMER_SEND_MSG_BACK (36). */
export const ConsumerSendMsgBackRequestHeader = {
  offset: 'long',
  group: 'string',
  delayLevel: 'int',
  originMsgId: 'string?',
  originTopic: 'string?',
  unitMode: 'boolean=false',
  maxReconsumeTimes: 'int?',
} as const
export type ConsumerSendMsgBackRequestHeader = HeaderOf<typeof ConsumerSendMsgBackRequestHeader>

/** RECALL_MESSAGE (370). */
export const RecallMessageRequestHeader = {
  producerGroup: 'string?',
  topic: 'string',
  recallHandle: 'string',
} as const
export type RecallMessageRequestHeader = HeaderOf<typeof RecallMessageRequestHeader>

/** Answer to RECALL_MESSAGE (370). */
export const RecallMessageResponseHeader = {
  msgId: 'string',
} as const
export type RecallMessageResponseHeader = HeaderOf<typeof RecallMessageResponseHeader>
