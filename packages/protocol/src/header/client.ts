import type { HeaderOf } from './table.ts'

/** HEART_BEAT (34): the body carries everything. */
export const HeartbeatRequestHeader = {} as const
export type HeartbeatRequestHeader = HeaderOf<typeof HeartbeatRequestHeader>

/** Answer to HEART_BEAT (34): plain fields, without a Java class. */
export const HeartbeatResponseHeader = {
  supportHeartbeatV2: ['boolean?', 'IS_SUPPORT_HEART_BEAT_V2'],
  subscriptionChanged: ['boolean?', 'IS_SUB_CHANGE'],
} as const
export type HeartbeatResponseHeader = HeaderOf<typeof HeartbeatResponseHeader>

/** UNREGISTER_CLIENT (35). */
export const UnregisterClientRequestHeader = {
  clientID: 'string',
  producerGroup: 'string?',
  consumerGroup: 'string?',
} as const
export type UnregisterClientRequestHeader = HeaderOf<typeof UnregisterClientRequestHeader>

/** Answer to UNREGISTER_CLIENT (35). */
export const UnregisterClientResponseHeader = {} as const
export type UnregisterClientResponseHeader = HeaderOf<typeof UnregisterClientResponseHeader>

/** GET_CONSUMER_LIST_BY_GROUP (38). */
export const GetConsumerListByGroupRequestHeader = {
  consumerGroup: 'string',
} as const
export type GetConsumerListByGroupRequestHeader = HeaderOf<
  typeof GetConsumerListByGroupRequestHeader
>

/** Answer to GET_CONSUMER_LIST_BY_GROUP (38). */
export const GetConsumerListByGroupResponseHeader = {} as const
export type GetConsumerListByGroupResponseHeader = HeaderOf<
  typeof GetConsumerListByGroupResponseHeader
>

/** NOTIFY_CONSUMER_IDS_CHANGED (40). */
export const NotifyConsumerIdsChangedRequestHeader = {
  consumerGroup: 'string',
} as const
export type NotifyConsumerIdsChangedRequestHeader = HeaderOf<
  typeof NotifyConsumerIdsChangedRequestHeader
>

/** LOCK_BATCH_MQ (41). */
export const LockBatchMqRequestHeader = {} as const
export type LockBatchMqRequestHeader = HeaderOf<typeof LockBatchMqRequestHeader>

/** UNLOCK_BATCH_MQ (42). */
export const UnlockBatchMqRequestHeader = {} as const
export type UnlockBatchMqRequestHeader = HeaderOf<typeof UnlockBatchMqRequestHeader>

/** GET_CONSUMER_CONNECTION_LIST (203). */
export const GetConsumerConnectionListRequestHeader = {
  consumerGroup: 'string',
} as const
export type GetConsumerConnectionListRequestHeader = HeaderOf<
  typeof GetConsumerConnectionListRequestHeader
>

/** GET_PRODUCER_CONNECTION_LIST (204). */
export const GetProducerConnectionListRequestHeader = {
  producerGroup: 'string',
} as const
export type GetProducerConnectionListRequestHeader = HeaderOf<
  typeof GetProducerConnectionListRequestHeader
>

/** GET_ALL_PRODUCER_INFO (328). */
export const GetAllProducerInfoRequestHeader = {} as const
export type GetAllProducerInfoRequestHeader = HeaderOf<typeof GetAllProducerInfoRequestHeader>

/** GET_CONSUMER_RUNNING_INFO (307). */
export const GetConsumerRunningInfoRequestHeader = {
  consumerGroup: 'string',
  clientId: 'string',
  jstackEnable: 'boolean=false',
} as const
export type GetConsumerRunningInfoRequestHeader = HeaderOf<
  typeof GetConsumerRunningInfoRequestHeader
>

/** CONSUME_MESSAGE_DIRECTLY (309). */
export const ConsumeMessageDirectlyResultRequestHeader = {
  consumerGroup: 'string',
  clientId: 'string?',
  msgId: 'string?',
  brokerName: 'string?',
  topic: 'string?',
  topicSysFlag: 'int?',
  groupSysFlag: 'int?',
} as const
export type ConsumeMessageDirectlyResultRequestHeader = HeaderOf<
  typeof ConsumeMessageDirectlyResultRequestHeader
>
