import type { Clock, Disk } from '@apogee/env'
import type { ApogeeCheckpoint, ApogeeCheckpointValues } from '../checkpoint/apogee-checkpoint.ts'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import type { CommitLog } from '../commit-log/commit-log.ts'
import type { LogFiles } from '../commit-log/log-files.ts'
import type { Tail } from '../commit-log/tail.ts'
import type { ConfigFile } from '../config-file/config-file.ts'
import type { ConsumeQueues } from '../consume-queue/consume-queues.ts'
import type { IndexCatchUp } from '../dispatch/index-catch-up.ts'
import type { TailDispatcher } from '../dispatch/tail-dispatcher.ts'
import type { IndexService } from '../index-file/index-service.ts'
import type { MessageStoreOptions } from '../options.ts'
import type { ReadDeps } from '../read/get-message.ts'
import type { LogReader } from '../read/log-reader.ts'
import type { StoreReplication } from '../replication/store-replication.ts'
import type { StoreLogger } from '../store-logger.ts'
import type { AbortFile } from './abort-file.ts'
import type { Maintenance } from './maintenance.ts'

export interface StoreDeps {
  disk: Disk
  clock: Clock
  log: StoreLogger
}

/** What opening found and did. */
export interface RecoveryReport {
  /** The last run did not stop cleanly. */
  crashed: boolean
  /** Where the walk over the log began, and where the log ends. */
  from: number
  end: number
  records: number
  damaged: readonly { from: number; to: number }[]
  tookMs: number
}

/** The parts of an open store, wired. */
export interface OpenStore {
  options: MessageStoreOptions
  deps: StoreDeps
  files: LogFiles
  tail: Tail
  log: CommitLog
  queues: ConsumeQueues
  index: IndexService
  reader: LogReader
  readDeps: ReadDeps
  tailDispatcher: TailDispatcher
  catchUp: IndexCatchUp
  maintenance: Maintenance
  replication: StoreReplication
  checkpoint: Checkpoint
  sidecar: ApogeeCheckpoint
  abort: AbortFile
  report: RecoveryReport
  configFile(name: string, onError: (error: Error) => void): ConfigFile
  lock: { release(): void }
  /** Closing: the index stops catching up. */
  stopping: boolean
  /** Dispatches everything confirmed. */
  dispatch: () => void
  dispatchScheduled: boolean
  /** What the last checkpoint recorded. */
  saved: ApogeeCheckpointValues | null
  /** A checkpoint that is being written. */
  checkpointing: Promise<void> | null
}
