import type { HeaderOf } from './table.ts'

/** PUT_KV_CONFIG (100). */
export const PutKVConfigRequestHeader = {
  namespace: 'string',
  key: 'string',
  value: 'string',
} as const
export type PutKVConfigRequestHeader = HeaderOf<typeof PutKVConfigRequestHeader>

/** GET_KV_CONFIG (101). */
export const GetKVConfigRequestHeader = {
  namespace: 'string',
  key: 'string',
} as const
export type GetKVConfigRequestHeader = HeaderOf<typeof GetKVConfigRequestHeader>

/** Answer to GET_KV_CONFIG (101). */
export const GetKVConfigResponseHeader = {
  value: 'string?',
} as const
export type GetKVConfigResponseHeader = HeaderOf<typeof GetKVConfigResponseHeader>

/** DELETE_KV_CONFIG (102). */
export const DeleteKVConfigRequestHeader = {
  namespace: 'string',
  key: 'string',
} as const
export type DeleteKVConfigRequestHeader = HeaderOf<typeof DeleteKVConfigRequestHeader>

/** GET_KVLIST_BY_NAMESPACE (219). */
export const GetKVListByNamespaceRequestHeader = {
  namespace: 'string',
} as const
export type GetKVListByNamespaceRequestHeader = HeaderOf<typeof GetKVListByNamespaceRequestHeader>

/** REGISTER_BROKER (103). */
export const RegisterBrokerRequestHeader = {
  brokerName: 'string',
  brokerAddr: 'string',
  clusterName: 'string',
  haServerAddr: 'string',
  brokerId: 'long',
  heartbeatTimeoutMillis: 'long?',
  enableActingMaster: 'boolean?',
  compressed: 'boolean=false',
  bodyCrc32: 'int=0',
} as const
export type RegisterBrokerRequestHeader = HeaderOf<typeof RegisterBrokerRequestHeader>

/** Answer to REGISTER_BROKER (103). */
export const RegisterBrokerResponseHeader = {
  haServerAddr: 'string?',
  masterAddr: 'string?',
} as const
export type RegisterBrokerResponseHeader = HeaderOf<typeof RegisterBrokerResponseHeader>

/** UNREGISTER_BROKER (104). */
export const UnRegisterBrokerRequestHeader = {
  brokerName: 'string',
  brokerAddr: 'string',
  clusterName: 'string',
  brokerId: 'long',
} as const
export type UnRegisterBrokerRequestHeader = HeaderOf<typeof UnRegisterBrokerRequestHeader>

/** BROKER_HEARTBEAT (904). */
export const BrokerHeartbeatRequestHeader = {
  clusterName: 'string',
  brokerAddr: 'string',
  brokerName: 'string',
  brokerId: 'long?',
  epoch: 'int?',
  maxOffset: 'long?',
  confirmOffset: 'long?',
  heartbeatTimeoutMills: 'long?',
  electionPriority: 'int?',
} as const
export type BrokerHeartbeatRequestHeader = HeaderOf<typeof BrokerHeartbeatRequestHeader>

/** QUERY_DATA_VERSION (322). */
export const QueryDataVersionRequestHeader = {
  brokerName: 'string',
  brokerAddr: 'string',
  clusterName: 'string',
  brokerId: 'long',
} as const
export type QueryDataVersionRequestHeader = HeaderOf<typeof QueryDataVersionRequestHeader>

/** Answer to QUERY_DATA_VERSION (322). */
export const QueryDataVersionResponseHeader = {
  changed: 'boolean',
} as const
export type QueryDataVersionResponseHeader = HeaderOf<typeof QueryDataVersionResponseHeader>

/** GET_ROUTEINFO_BY_TOPIC (105). */
export const GetRouteInfoRequestHeader = {
  topic: 'string',
  acceptStandardJsonOnly: 'boolean?',
} as const
export type GetRouteInfoRequestHeader = HeaderOf<typeof GetRouteInfoRequestHeader>

/** GET_TOPICS_BY_CLUSTER (224). */
export const GetTopicsByClusterRequestHeader = {
  cluster: 'string',
} as const
export type GetTopicsByClusterRequestHeader = HeaderOf<typeof GetTopicsByClusterRequestHeader>

/** WIPE_WRITE_PERM_OF_BROKER (205). */
export const WipeWritePermOfBrokerRequestHeader = {
  brokerName: 'string',
} as const
export type WipeWritePermOfBrokerRequestHeader = HeaderOf<typeof WipeWritePermOfBrokerRequestHeader>

/** Answer to WIPE_WRITE_PERM_OF_BROKER (205). */
export const WipeWritePermOfBrokerResponseHeader = {
  wipeTopicCount: 'int',
} as const
export type WipeWritePermOfBrokerResponseHeader = HeaderOf<
  typeof WipeWritePermOfBrokerResponseHeader
>

/** ADD_WRITE_PERM_OF_BROKER (327). */
export const AddWritePermOfBrokerRequestHeader = {
  brokerName: 'string',
} as const
export type AddWritePermOfBrokerRequestHeader = HeaderOf<typeof AddWritePermOfBrokerRequestHeader>

/** Answer to ADD_WRITE_PERM_OF_BROKER (327). */
export const AddWritePermOfBrokerResponseHeader = {
  addTopicCount: 'int',
} as const
export type AddWritePermOfBrokerResponseHeader = HeaderOf<typeof AddWritePermOfBrokerResponseHeader>

/** REGISTER_TOPIC_IN_NAMESRV (217). */
export const RegisterTopicRequestHeader = {
  topic: 'string',
} as const
export type RegisterTopicRequestHeader = HeaderOf<typeof RegisterTopicRequestHeader>

/** DELETE_TOPIC_IN_NAMESRV (216). */
export const DeleteTopicFromNamesrvRequestHeader = {
  topic: 'string',
  clusterName: 'string?',
} as const
export type DeleteTopicFromNamesrvRequestHeader = HeaderOf<
  typeof DeleteTopicFromNamesrvRequestHeader
>

/** GET_BROKER_MEMBER_GROUP (901). */
export const GetBrokerMemberGroupRequestHeader = {
  clusterName: 'string',
  brokerName: 'string',
} as const
export type GetBrokerMemberGroupRequestHeader = HeaderOf<typeof GetBrokerMemberGroupRequestHeader>
