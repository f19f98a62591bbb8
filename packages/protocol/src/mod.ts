export {
  type BodyCodec,
  type BodyEntry,
  decodeBody,
  encodeBody,
} from './body/codec.ts'
export {
  Connection,
  ConsumeMessageDirectlyResult,
  type ConsumeResult,
  ConsumerConnection,
  ConsumerRunningInfo,
  ProducerConnection,
  ProducerInfo,
  ProducerTableInfo,
} from './body/connection.ts'
export {
  HAClientRuntimeInfo,
  HAConnectionRuntimeInfo,
  HARuntimeInfo,
} from './body/ha-runtime-info.ts'
export {
  CheckClientRequestBody,
  ConsumeFromWhere,
  ConsumerData,
  ConsumeType,
  HeartbeatData,
  MessageModel,
  ProducerData,
  QuerySubscriptionResponseBody,
  SubscriptionData,
} from './body/heartbeat.ts'
export {
  type JsonLimits,
  parseFastjson,
} from './body/json-reader.ts'
export {
  JsonMap,
  type JsonPair,
  type JsonValue,
} from './body/json-value.ts'
export {
  type JsonOutput,
  JsonPairs,
  type JsonSpelling,
  writeFastjson,
} from './body/json-writer.ts'
export {
  GetConsumerListByGroupResponseBody,
  GroupList,
  KVTable,
  TopicList,
} from './body/lists.ts'
export {
  LockBatchRequestBody,
  LockBatchResponseBody,
  MessageQueue,
  UnlockBatchRequestBody,
} from './body/message-queue.ts'
export {
  MessageQueueAssignment,
  MessageRequestMode,
  MessageRequestModeSerializeWrapper,
  QueryAssignmentRequestBody,
  QueryAssignmentResponseBody,
  SetMessageRequestModeRequestBody,
} from './body/message-request-mode.ts'
export {
  ConsumerOffsetSerializeWrapper,
  DelayOffsetSerializeWrapper,
  GetConsumerStatusBody,
  MessageQueueForC,
  QueryCorrectionOffsetBody,
  ResetOffsetBody,
  ResetOffsetBodyForC,
} from './body/offset.ts'
export {
  formatPropertiesText,
  type PropertiesLimits,
  parsePropertiesText,
} from './body/properties-text.ts'
export {
  LogicQueueMappingItem,
  TopicQueueMappingDetail,
  TopicQueueMappingInfo,
} from './body/queue-mapping.ts'
export {
  decodeRegisterBrokerBody,
  encodeRegisterBrokerBody,
  RegisterBrokerBody,
  type RegisterBrokerLimits,
  registerBodyCrc32,
  TopicConfigAndMappingSerializeWrapper,
} from './body/register-broker.ts'
export {
  BrokerData,
  BrokerMemberGroup,
  ClusterInfo,
  GetBrokerMemberGroupResponseBody,
  QueueData,
  TopicRouteData,
} from './body/route.ts'
export {
  BrokerStatsData,
  BrokerStatsItem,
  ConsumeQueueData,
  ConsumeStats,
  ConsumeStatsList,
  OffsetWrapper,
  QueryConsumeQueueResponseBody,
  QueryConsumeTimeSpanBody,
  QueueTimeSpan,
  TopicOffset,
  TopicStatsTable,
} from './body/stats.ts'
export {
  CustomizedRetryPolicy,
  ExponentialRetryPolicy,
  GroupForbidden,
  GroupRetryPolicy,
  type GroupRetryPolicyType,
  SimpleSubscriptionData,
  SubscriptionGroupConfig,
  SubscriptionGroupList,
  SubscriptionGroupWrapper,
} from './body/subscription-group.ts'
export {
  CreateTopicListRequestBody,
  DataVersion,
  decodeTopicConfigText,
  encodeTopicConfigText,
  TopicConfig,
  TopicConfigAndQueueMapping,
  TopicConfigSerializeWrapper,
  type TopicFilterType,
} from './body/topic-config.ts'
export {
  LanguageCode,
  type LanguageName,
  languageCode,
  languageName,
} from './code/language-code.ts'
export { RequestCode, type RequestCodeName, requestCodeName } from './code/request-code.ts'
export { ResponseCode, type ResponseCodeName, responseCodeName } from './code/response-code.ts'
export { CURRENT_VERSION, Version, VersionGate } from './code/version.ts'
export * from './filter/exports.ts'
export { encodeFrame, type FrameContent, frameSize, writeFrameInto } from './frame/encode.ts'
export { FIELDS_MAX, Frame, FrameFlag, SerializeType } from './frame/frame.ts'
export { escapeJson, unescapeJson } from './frame/json-text.ts'
export { PullReply, pullReplySizeMax, writePullReplyHead } from './frame/pull-reply.ts'
export { decodePull, PullFields } from './frame/pull-request.ts'
export { emptyReplySizeMax, writeEmptyReply } from './frame/reply-writer.ts'
export { FrameScanner, type FrameScannerOptions } from './frame/scanner.ts'
export { SendReply, sendReplySizeMax, writeSendReply } from './frame/send-reply.ts'
export { decodeSend, SendFields } from './frame/send-request.ts'
export { decodeUpdateOffset, UpdateOffsetFields } from './frame/update-offset-request.ts'
export * from './ha/exports.ts'
export {
  ExchangeHAInfoRequestHeader,
  ExchangeHAInfoResponseHeader,
  GetBrokerConfigResponseHeader,
  NotifyMinBrokerIdChangeRequestHeader,
  ResetMasterFlushOffsetHeader,
  ViewBrokerStatsDataRequestHeader,
} from './header/broker.ts'
export {
  ConsumeMessageDirectlyResultRequestHeader,
  GetAllProducerInfoRequestHeader,
  GetConsumerConnectionListRequestHeader,
  GetConsumerListByGroupRequestHeader,
  GetConsumerListByGroupResponseHeader,
  GetConsumerRunningInfoRequestHeader,
  GetProducerConnectionListRequestHeader,
  HeartbeatRequestHeader,
  HeartbeatResponseHeader,
  LockBatchMqRequestHeader,
  NotifyConsumerIdsChangedRequestHeader,
  UnlockBatchMqRequestHeader,
  UnregisterClientRequestHeader,
  UnregisterClientResponseHeader,
} from './header/client.ts'
export {
  DeleteSubscriptionGroupRequestHeader,
  GetAllSubscriptionGroupRequestHeader,
  GetAllSubscriptionGroupResponseHeader,
  GetConsumeStatsInBrokerHeader,
  GetConsumeStatsRequestHeader,
  GetSubscriptionGroupConfigRequestHeader,
  InitConsumerOffsetRequestHeader,
  QueryConsumeTimeSpanRequestHeader,
  QuerySubscriptionByConsumerRequestHeader,
  QueryTopicsByConsumerRequestHeader,
  UpdateGroupForbiddenRequestHeader,
} from './header/group.ts'
export {
  AddWritePermOfBrokerRequestHeader,
  AddWritePermOfBrokerResponseHeader,
  BrokerHeartbeatRequestHeader,
  DeleteKVConfigRequestHeader,
  DeleteTopicFromNamesrvRequestHeader,
  GetBrokerMemberGroupRequestHeader,
  GetKVConfigRequestHeader,
  GetKVConfigResponseHeader,
  GetKVListByNamespaceRequestHeader,
  GetRouteInfoRequestHeader,
  GetTopicsByClusterRequestHeader,
  PutKVConfigRequestHeader,
  QueryDataVersionRequestHeader,
  QueryDataVersionResponseHeader,
  RegisterBrokerRequestHeader,
  RegisterBrokerResponseHeader,
  RegisterTopicRequestHeader,
  UnRegisterBrokerRequestHeader,
  WipeWritePermOfBrokerRequestHeader,
  WipeWritePermOfBrokerResponseHeader,
} from './header/namesrv.ts'
export {
  CloneGroupOffsetRequestHeader,
  GetConsumerStatusRequestHeader,
  GetEarliestMsgStoretimeRequestHeader,
  GetEarliestMsgStoretimeResponseHeader,
  GetMaxOffsetRequestHeader,
  GetMaxOffsetResponseHeader,
  GetMinOffsetRequestHeader,
  GetMinOffsetResponseHeader,
  QueryConsumerOffsetRequestHeader,
  QueryConsumerOffsetResponseHeader,
  QueryCorrectionOffsetHeader,
  ResetOffsetRequestHeader,
  SearchOffsetRequestHeader,
  SearchOffsetResponseHeader,
  UpdateConsumerOffsetRequestHeader,
  UpdateConsumerOffsetResponseHeader,
} from './header/offset.ts'
export {
  PullMessageRequestHeader,
  PullMessageResponseHeader,
} from './header/pull.ts'
export {
  QueryConsumeQueueRequestHeader,
  QueryMessageRequestHeader,
  QueryMessageResponseHeader,
  ViewMessageRequestHeader,
  ViewMessageResponseHeader,
} from './header/query.ts'
export {
  ConsumerSendMsgBackRequestHeader,
  RecallMessageRequestHeader,
  RecallMessageResponseHeader,
  ReplyMessageRequestHeader,
  SendMessageRequestHeader,
  SendMessageRequestHeaderV2,
  SendMessageResponseHeader,
} from './header/send.ts'
export {
  decodeHeader,
  type ExtFields,
  encodeHeader,
  type FieldKind,
  type FieldSpec,
  type HeaderInput,
  type HeaderOf,
  type HeaderTable,
  RpcRequestHeader,
} from './header/table.ts'
export {
  CreateTopicListRequestHeader,
  CreateTopicRequestHeader,
  DeleteTopicRequestHeader,
  GetAllTopicConfigRequestHeader,
  GetAllTopicConfigResponseHeader,
  GetTopicConfigRequestHeader,
  GetTopicStatsInfoRequestHeader,
  QueryTopicConsumeByWhoRequestHeader,
} from './header/topic.ts'
export {
  CheckTransactionStateRequestHeader,
  CheckTransactionStateResponseHeader,
  EndTransactionRequestHeader,
  EndTransactionResponseHeader,
  ResumeCheckHalfMessageRequestHeader,
} from './header/transaction.ts'
export * from './message/exports.ts'
