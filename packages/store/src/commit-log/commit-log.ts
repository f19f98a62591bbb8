import { PROPERTIES_MAX_SIZE } from '@apogee/protocol'
import type { ConsumeQueue } from '../consume-queue/consume-queue.ts'
import type { AckSink } from './ack-queue.ts'
import {
  APPEND_BUSY,
  APPEND_DISK_FULL,
  APPEND_OK,
  APPEND_PROPERTIES_TOO_LARGE,
  APPEND_TOO_LARGE,
  APPEND_UNAVAILABLE,
  type AppendStatus,
  RECORD_OVERHEAD_MAX,
} from './commit-log-options.ts'
import { BLANK_SIZE, draftSize, encodeDraft } from './encode-record.ts'
import { LogPipeline } from './log-pipeline.ts'
import { RecordDraft } from './record-draft.ts'

/** The log as its broker writes it: one record after the other from `draft`. A slave's takes none (see ReplicaWriter). */
export class CommitLog extends LogPipeline {
  readonly draft: RecordDraft = new RecordDraft()

  /** Appends `draft`. Hot: no allocation but one view of the body. See RecordDraft and AckSink. */
  append(sink: AckSink | null, token: number): AppendStatus {
    const draft = this.draft
    const size = draftSize(draft, this.options.storeHost.length)
    this.beginEvent()
    const refused = this.admit(size)
    if (refused !== APPEND_OK) return refused
    const queue = this.queueOf(draft)
    if (queue === null) return APPEND_UNAVAILABLE
    if (size + BLANK_SIZE > this.left) this.roll()
    const at = this.appended
    const chunk = this.room(size)
    // Prepared (4) and rolled-back (12) records are not consumed: they take no queue offset.
    const takesOffset = (draft.sysFlag & 4) === 0
    draft.size = size
    draft.queue = queue
    draft.queueOffset = takesOffset ? queue.nextOffset : 0
    draft.physicalOffset = at
    draft.storeTimestamp = this.lastAppendMs
    encodeDraft(draft, this.options.storeHost, size, chunk.buffer, chunk.used)
    chunk.used += size
    this.grew(size, 1)
    if (takesOffset) queue.nextOffset++
    if (sink !== null) this.gate.push(sink, token, at + size, this.eventMs, draft.waitStore)
    this.startIfMuch()
    return APPEND_OK
  }

  /** Whether `size` bytes more would be too much, or the disk does not keep up. */
  isBusy(size: number): boolean {
    if (this.appended - this.confirmed + size > this.options.pendingBytesMax) return true
    if (this.deps.queues.full) return true
    const oldest = this.gate.oldestUnstored()
    if (oldest < 0) return false
    const now = this.inEvent ? this.eventMs : this.deps.clock.monotonicMs()
    return now - oldest > this.options.pendingAgeMaxMs
  }

  private admit(size: number): AppendStatus {
    const draft = this.draft
    if (this.ended || this.options.replica) return APPEND_UNAVAILABLE
    if (this.full) return APPEND_DISK_FULL
    if (draft.bodyEnd - draft.bodyStart > this.options.bodySizeMax) return APPEND_TOO_LARGE
    if (size > this.options.bodySizeMax + RECORD_OVERHEAD_MAX) return APPEND_TOO_LARGE
    if (size + BLANK_SIZE > this.deps.files.fileSize) return APPEND_TOO_LARGE
    if (draft.propertiesEnd - draft.propertiesStart > PROPERTIES_MAX_SIZE)
      return APPEND_PROPERTIES_TOO_LARGE
    return this.isBusy(size) ? APPEND_BUSY : APPEND_OK
  }

  /** Null when a queue that is not in memory yet cannot be read: nothing was changed, the sender may try again. */
  private queueOf(draft: RecordDraft): ConsumeQueue | null {
    try {
      return this.deps.queues.queue(draft.topic, draft.queueId)
    } catch (error) {
      this.deps.queueFailed(error as Error)
      return null
    }
  }
}
