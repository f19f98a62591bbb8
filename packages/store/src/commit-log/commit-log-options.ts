import type { ApogeeError } from '@apogee/base'
import type { Clock, Disk } from '@apogee/env'
import type { ConsumeQueues } from '../consume-queue/consume-queues.ts'
import type { LogFiles } from './log-files.ts'
import type { Tail } from './tail.ts'

// What `append` answers.
export const APPEND_OK = 0
/** Body, or whole record, above maxMessageSize. */
export const APPEND_TOO_LARGE = 1
export const APPEND_PROPERTIES_TOO_LARGE = 2
/** Too many bytes wait for the disk, or the oldest wait too long: SYSTEM_BUSY. */
export const APPEND_BUSY = 3
export const APPEND_DISK_FULL = 4
/** Closed, or failed for good. */
export const APPEND_UNAVAILABLE = 5
export type AppendStatus = 0 | 1 | 2 | 3 | 4 | 5

/** Room for properties, topic and fixed fields above the body, as Apache allows. */
export const RECORD_OVERHEAD_MAX: number = 64 * 1024

export interface CommitLogOptions {
  /** A slave's log: it takes its master's records and no others. */
  replica: boolean
  flushDiskType: 'ASYNC_FLUSH' | 'SYNC_FLUSH'
  /** Address and port of this broker as records carry it: 8 or 20 bytes. */
  storeHost: Uint8Array
  /** Largest body, bytes (maxMessageSize). */
  bodySizeMax: number
  /** Bytes appended and not yet confirmed beyond which appends are refused. */
  pendingBytesMax: number
  /** Age of the oldest unconfirmed append beyond which appends are refused, ms (osPageCacheBusyTimeOutMills). */
  pendingAgeMaxMs: number
  /** Bytes of one pwrite, from which on no further chunk of the tail is added. */
  batchBytesMax: number
  /** A full device: free bytes that must be back before appends are taken again. */
  diskFullResumeBytes: number
}

export interface CommitLogDeps {
  disk: Disk
  clock: Clock
  files: LogFiles
  tail: Tail
  queues: ConsumeQueues
  /** Called when `confirmed` has moved. */
  confirmed: () => void
  /** Called when `written` or `flushed` has moved, or the device takes writes again. */
  progress: () => void
  failed: (error: ApogeeError) => void
  /** The log fails now: told at once, before anybody hears of it. Must not throw. */
  failing: () => void
  /** A consume queue could not be loaded from disk. */
  queueFailed: (error: Error) => void
  /** The device is full (true), or takes writes again (false). */
  diskFull: (full: boolean) => void
}
