export {
  type AckSink,
  isStored,
  NOT_STORED_DISK_FULL,
  STORE_FAILED,
  STORED,
  STORED_FLUSH_TIMEOUT,
  STORED_NO_SLAVE,
  STORED_SLAVE_TIMEOUT,
} from './commit-log/ack-queue.ts'
export {
  APPEND_BUSY,
  APPEND_DISK_FULL,
  APPEND_OK,
  APPEND_PROPERTIES_TOO_LARGE,
  APPEND_TOO_LARGE,
  APPEND_UNAVAILABLE,
  type AppendStatus,
} from './commit-log/commit-log-options.ts'
export { RecordDraft } from './commit-log/record-draft.ts'
export { ConfigFile } from './config-file/config-file.ts'
export { ConsumeQueue, type QueueWaiter } from './consume-queue/consume-queue.ts'
export { QueueUnits } from './consume-queue/queue-units.ts'
export { cutClosedLog, type LogCut } from './lifecycle/cut-closed-log.ts'
export type { RecoveryReport, StoreDeps } from './lifecycle/store-parts.ts'
export { MessageStore } from './message-store.ts'
export { type MessageStoreOptions, messageStoreDefaults } from './options.ts'
export { type GetQuery, GetResult, type GetStatus, type MessageFilter } from './read/get-message.ts'
export type { KeyQueryResult } from './read/query-by-key.ts'
export {
  type LogReplication,
  REPLICA_GAP,
  REPLICA_MALFORMED,
  REPLICA_OK,
  REPLICA_UNAVAILABLE,
  type ReplicaStatus,
  type ReplicaWriter,
} from './replication/log-replication.ts'
export type { RetentionOptions } from './retention/retention.ts'
export type { StoreLogger } from './store-logger.ts'
