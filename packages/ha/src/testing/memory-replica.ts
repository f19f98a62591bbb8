import {
  REPLICA_GAP,
  REPLICA_MALFORMED,
  REPLICA_OK,
  REPLICA_UNAVAILABLE,
  type ReplicaStatus,
  type ReplicaWriter,
} from '@apogee/store'
import type { MemoryLog } from './memory-log.ts'
import { BLANK_MIN, isBlank, recordSize } from './memory-records.ts'

/** Takes a master's bytes into a log in memory, record by record. */
export class MemoryReplica implements ReplicaWriter {
  private readonly log: MemoryLog
  /** End of what has come: of a record that is there in part, or somewhere in the rest of a blank one. */
  private at: number

  constructor(log: MemoryLog) {
    this.log = log
    this.at = log.appended
  }

  get received(): number {
    return this.at
  }

  get full(): boolean {
    return this.log.appended - this.log.written > this.log.options.pendingMax
  }

  append(offset: number, bytes: Buffer, verify: boolean): ReplicaStatus {
    const { log } = this
    if (log.isClosed || log.refusing) return REPLICA_UNAVAILABLE
    // Behind a blank record the rest of the file may come or not.
    const isNextFile = this.at < log.appended && offset === log.appended
    if (offset !== this.at && !isNextFile) return REPLICA_GAP
    const { platter } = log
    platter.reserve(offset + bytes.length + platter.fileSize)
    bytes.copy(platter.bytes, offset)
    this.at = offset + bytes.length
    const rest = Math.min(this.at, log.appended)
    if (rest > offset) platter.bytes.fill(0, offset, rest)
    const status = this.take(verify)
    log.startWrite()
    return status
  }

  reset(): void {
    this.at = this.log.appended
  }

  startAt(offset: number): void {
    const { platter } = this.log
    platter.reserve(offset + platter.fileSize)
    platter.start = platter.written = platter.flushed = offset
    this.log.appended = this.at = offset
    this.log.progress()
  }

  private take(verify: boolean): ReplicaStatus {
    const { log } = this
    const { platter } = log
    while (log.appended < this.at) {
      const from = log.appended
      const fileEnd = platter.fileEnd(from)
      const size = recordSize(platter.bytes, from, this.at - from, fileEnd, verify)
      if (size === 0) return REPLICA_OK
      if (size < 0) {
        this.at = from
        return REPLICA_MALFORMED
      }
      log.appended = from + size
      if (isBlank(platter.bytes, from)) {
        platter.bytes.fill(0, from + BLANK_MIN, fileEnd)
      }
    }
    return REPLICA_OK
  }
}
