import type { RetentionOptions } from './retention/retention.ts'

/** Everything the store is told. Names in brackets are the keys of Apache's broker.conf. */
export interface MessageStoreOptions {
  /** storePathRootDir. Absolute. */
  root: string
  /** storePathCommitLog; default root/commitlog. */
  commitLogFolder?: string
  /** mappedFileSizeCommitLog, bytes. */
  commitLogFileSize: number
  /** mappedFileSizeConsumeQueue, bytes: units of 20. */
  consumeQueueFileSize: number
  flushDiskType: 'ASYNC_FLUSH' | 'SYNC_FLUSH'
  /** A slave's store (brokerRole=SLAVE): `append` is refused, only the ReplicaWriter writes. */
  replica: boolean
  /** Goes into the abort file, as Apache's. */
  processId: number
  /** This broker's address as records carry it: 4 or 16 bytes, and port. */
  storeHost: Uint8Array
  storePort: number
  /** maxMessageSize, bytes of the body. */
  maxMessageSize: number
  /** messageDelayLevel: delay of level n at n − 1, ms. */
  delayMs: readonly number[]
  /** messageIndexEnable. */
  indexEnabled: boolean
  /** maxHashSlotNum and maxIndexNum. */
  indexSlots: number
  indexEntries: number

  /** Memory kept of the log's newest part, bytes; pulls near the end are answered from it. */
  tailBytes: number
  tailChunkSize: number
  /** Blocks of older log kept in memory: size of one, and how many. */
  readBlockSize: number
  readBlocksMax: number
  /** Share of the loop's time that goes to old records while messages come in, 0 to 1. */
  coldReadShare: number
  /** See CommitLogOptions. */
  pendingBytesMax: number
  pendingAgeMaxMs: number
  batchBytesMax: number
  diskFullResumeBytes: number

  /** flushIntervalCommitLog, ms; flushCommitLogLeastPages × 4 KiB; flushCommitLogThoroughInterval, ms. */
  flushIntervalMs: number
  flushLeastBytes: number
  flushThoroughMs: number
  /** syncFlushTimeout, ms. */
  syncFlushTimeoutMs: number
  /** How often derived data is made durable and the checkpoint moves: what a crash has to redo. */
  checkpointIntervalMs: number
  /** cleanResourceInterval, ms. */
  cleanIntervalMs: number
  retention: RetentionOptions
  /** Hour of the day of a wall time, in the zone `deleteWhen` means. */
  hourOf: (wallMs: number) => number
}

const HOUR_MS = 3_600_000
const MIB = 1 << 20

export const messageStoreDefaults: Omit<MessageStoreOptions, 'root' | 'storeHost' | 'storePort'> = {
  commitLogFileSize: 1024 * MIB,
  consumeQueueFileSize: 300_000 * 20,
  flushDiskType: 'ASYNC_FLUSH',
  replica: false,
  processId: 0,
  maxMessageSize: 4 * MIB,
  delayMs: [],
  indexEnabled: true,
  indexSlots: 5_000_000,
  indexEntries: 20_000_000,
  tailBytes: 32 * MIB,
  tailChunkSize: MIB,
  readBlockSize: MIB / 4,
  readBlocksMax: 64,
  coldReadShare: 0.12,
  pendingBytesMax: 64 * MIB,
  pendingAgeMaxMs: 1000,
  batchBytesMax: 4 * MIB,
  diskFullResumeBytes: 8 * MIB,
  flushIntervalMs: 500,
  flushLeastBytes: 4 * 4096,
  flushThoroughMs: 10_000,
  syncFlushTimeoutMs: 5000,
  checkpointIntervalMs: 1000,
  cleanIntervalMs: 10_000,
  retention: {
    deleteWhen: [4],
    reservedMs: 72 * HOUR_MS,
    usedRatioMax: 0.75,
    forcedRatio: 0.85,
    fullRatio: 0.9,
    forcibly: false,
    filesPerPassMax: 10,
  },
  hourOf: (wallMs) => Math.floor(wallMs / HOUR_MS) % 24,
}
