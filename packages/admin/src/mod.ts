export { AdminError, AdminErrorCode, type AdminErrorDetails } from './admin-error.ts'
export {
  type AdminArgument,
  type AdminCommand,
  type AdminOption,
  type Column,
  type CommandContext,
  type CommandFiles,
  type CommandOutput,
  command,
  type DoneOutput,
  isStream,
  type OptionType,
  type OptionValue,
  type OptionValues,
  type Problem,
  type RecordOutput,
  type Row,
  type TableOutput,
} from './command.ts'
export { adminCommands } from './commands/all-commands.ts'
export { type UnsupportedCommand, unsupportedCommands } from './commands/unsupported.ts'
export { type DiagnosisLimits, diagnose, diagnosisDefaults } from './diagnosis/diagnose.ts'
export {
  type Finding,
  FindingCode,
  type GroupSnapshot,
  type GroupSwitch,
  type Severity,
  type TopicRead,
} from './diagnosis/snapshot.ts'
export { Admin } from './operations/admin.ts'
export type { Answers } from './operations/answers.ts'
export type { BrokerOperations, OfBroker, StatsName } from './operations/broker-operations.ts'
export type {
  ClientOperations,
  ConnectedClient,
  ConnectedProducer,
  GroupConnections,
} from './operations/client-operations.ts'
export type { BrokerStatus, ClusterOperations } from './operations/cluster-operations.ts'
export type { FoundMessage } from './operations/found-message.ts'
export type { Diagnosis, GroupAdmin, WhyOptions } from './operations/group-admin.ts'
export type {
  GroupLag,
  GroupSettings,
  GroupSummary,
  QueueLag,
} from './operations/group-operations.ts'
export type { KeyRange, MessageOperations, MessageQuery } from './operations/message-operations.ts'
export type {
  OutgoingMessage,
  SendPlace,
  SendStatus,
  SentMessage,
} from './operations/message-sender.ts'
export type { TraceRecord, TraceType } from './operations/message-trace.ts'
export { type MessageTrack, type TrackType, trackMessage } from './operations/message-track.ts'
export type { NamesrvOperations, OfNamesrv } from './operations/namesrv-operations.ts'
export type {
  OffsetOperations,
  QueueAt,
  ResetQueue,
  ResetRequest,
  ResetTarget,
} from './operations/offset-operations.ts'
export { type AdminClient, adminOver, connectAdmin } from './operations/over-client.ts'
export type { ScanOptions } from './operations/queue-reader.ts'
export { type ReplicaStatus, replicaStatuses, type Served } from './operations/replica-status.ts'
export type {
  OwnedQueue,
  RunningInfo,
  RunningSubscription,
  TopicConsumption,
} from './operations/running-info.ts'
export type { QueueStats, TopicOperations } from './operations/topic-operations.ts'
export type {
  MessageType,
  TopicKind,
  TopicSettings,
  TopicSummary,
} from './operations/topic-settings.ts'
export type { BrokerTarget, Where } from './operations/where.ts'
export { readOptions, readTime } from './options.ts'
export { formatCell, isoTime, outputToJson, type PlainValue } from './output.ts'
export {
  type AdminConnections,
  AdminTransport,
  type AdminTransportOptions,
} from './transport/admin-transport.ts'
