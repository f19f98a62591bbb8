import { bool, choice, int, text, type UsedRow } from './config-key.ts'
import type { BrokerConfigValues } from './config-values.ts'
import type { IdentityKey, SendKey, TopicKey } from './used-broker-keys.ts'
import type { ReplicationKey } from './used-replication-keys.ts'
import type { ClientKey, LaneKey, PullKey } from './used-service-keys.ts'
import type { TransactionKey } from './used-transaction-keys.ts'

export type StoreKey = Exclude<
  keyof BrokerConfigValues,
  IdentityKey | TopicKey | SendKey | PullKey | ClientKey | LaneKey | TransactionKey | ReplicationKey
>

const percent = { live: true, min: 10, max: 100 } as const

/** The store. File sizes are part of the format: Apache refuses files of another size than its configuration says. */
export const storeRows: { [P in StoreKey]: UsedRow<BrokerConfigValues[P]> } = {
  storePathRootDir: text('', 'folder of the store; empty = store in the home folder'),
  storePathCommitLog: text('', 'folder of the log; empty = commitlog in the store'),
  mappedFileSizeCommitLog: int(1_073_741_824, 'bytes of a log file', { min: 65_536 }),
  mappedFileSizeConsumeQueue: int(6_000_000, 'bytes of a queue file, a multiple of 20', {
    min: 20,
  }),
  flushDiskType: choice(
    'ASYNC_FLUSH',
    ['ASYNC_FLUSH', 'SYNC_FLUSH'],
    'a send is acknowledged from the page cache, or after fdatasync',
  ),
  syncFlushTimeout: int(5000, 'SYNC_FLUSH: FLUSH_DISK_TIMEOUT after, ms', { min: 1 }),
  flushIntervalCommitLog: int(500, 'ASYNC_FLUSH: the log is synced every, ms', { min: 1 }),
  flushCommitLogThoroughInterval: int(10_000, 'and however little is new every, ms', { min: 1 }),
  flushIntervalConsumeQueue: int(1000, 'queues are written and synced every, ms', { min: 1 }),
  messageIndexEnable: bool(true, 'messages can be looked up by key'),
  maxHashSlotNum: int(5_000_000, 'hash slots of an index file', { min: 1 }),
  maxIndexNum: int(20_000_000, 'keys of an index file', { min: 2 }),
  deleteWhen: text('04', 'hours at which old files are deleted, 00 to 23, by semicolons', {
    live: true,
  }),
  fileReservedTime: int(72, 'a log file is kept for, hours', { live: true, min: 1 }),
  diskMaxUsedSpaceRatio: int(75, 'old files are deleted early above, percent', percent),
  diskSpaceCleanForciblyRatio: int(85, 'the oldest files are deleted above, percent', percent),
  diskSpaceWarningLevelRatio: int(90, 'sends are refused above, percent', percent),
  cleanFileForciblyEnable: bool(false, 'messages may be deleted before their time on a full disk', {
    live: true,
  }),
  cleanResourceInterval: int(10_000, 'retention is checked every, ms', { min: 100 }),
}
