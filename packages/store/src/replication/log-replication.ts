import type { DiskError } from '@apogee/env'

/**
 * A store's log as replication sees it, on either side. Offsets are physical offsets of the log; each only moves forward
 * while the store is open.
 */
export interface LogReplication {
  /** mappedFileSizeCommitLog, bytes: both sides must have the same. */
  readonly fileSize: number
  /** First offset that is stored, the start of a file; 0 for an empty log. */
  readonly minOffset: number
  /** End of what is in memory, what is in the files, what is synced. */
  readonly appended: number
  readonly written: number
  readonly flushed: number
  /** How far this node vouches for the log: `written`, or `flushed` under SYNC_FLUSH. What a slave acknowledges. */
  readonly stored: number
  /**
   * Called after `written`, `flushed` or `minOffset` moved, and when a writer that was full no longer is: in the same turn,
   * many moves may make one call. Returns what ends it.
   */
  onProgress(listener: () => void): () => void
  /**
   * Reads up to `length` bytes at `offset` into `into` at `at`: never across the end of a file, never beyond `written`.
   * What lies behind a blank record reads as zeros; who has read the blank's 8 bytes may go on at the next file. `done`
   * gets how many bytes came; it is called at once when they are in memory. An offset that is not stored (any more) gives
   * ENOENT.
   */
  read(
    offset: number,
    into: Buffer,
    at: number,
    length: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void
  /** Offset of the first record boundary at or below `offset` that the caller may cut at; walks from the file's start. */
  boundaryAtOrBelow(offset: number): Promise<number>

  // The master's side.
  /**
   * Acknowledgements and visibility wait for replicas from now on (SYNC_MASTER with inSyncReplicas above 1). Who waits
   * longer than `timeoutMs` gets STORED_SLAVE_TIMEOUT; the record is visible then.
   */
  requireReplicas(timeoutMs: number): void
  /**
   * Enough replicas hold the log up to `offset`. `available`: whether enough are in sync at all; if not, everything that
   * waits and whatever comes is acknowledged as STORED_NO_SLAVE once this node has stored it.
   */
  setReplicated(offset: number, available: boolean): void
  /** Retention keeps the log from `offset` on, as long as the disk is not nearly full. Infinity: nobody needs it. */
  keepFrom(offset: number): void

  // The slave's side.
  readonly replica: ReplicaWriter
}

export const REPLICA_OK = 0
/** The bytes do not follow what is there: the connection must be made anew. */
export const REPLICA_GAP = 1
/** They are no records, or the wrong ones (magic, size, own offset, CRC of a body). Nothing of the bad record was taken. */
export const REPLICA_MALFORMED = 2
/** Closed, failed, or the device is full: nothing was taken. */
export const REPLICA_UNAVAILABLE = 3
export type ReplicaStatus = 0 | 1 | 2 | 3

/** Takes a master's log as raw bytes, in any pieces, and appends its records as they are. Only for a slave's store. */
export interface ReplicaWriter {
  /**
   * The offset of the next byte: the end of the log and of a record that has come in part. Once the 8 bytes of a blank
   * record are there, `appended` and, written, `stored` are the end of its file; what lies behind the blank may come whole,
   * in part, or not at all (the next piece then begins at the next file). A master must not take such an
   * acknowledgement, beyond what it has sent, for a forged one.
   */
  readonly received: number
  /** Too much waits for the disk: stop reading from the master until `onProgress` and not `full`. */
  readonly full: boolean
  /**
   * Takes bytes at `offset`; they may be used again when this returns. With `verify` the CRC of each body is checked (a
   * master whose frames carry no checksum).
   */
  append(offset: number, bytes: Buffer, verify: boolean): ReplicaStatus
  /** Forgets the record that has come in part: the connection is gone. `received` is `appended` again. */
  reset(): void
  /**
   * An empty log begins at `offset`, the start of a file. It may not be able to at this moment: bytes at `offset` are a gap
   * then, and who makes the connection anew says it again.
   */
  startAt(offset: number): void
}
