import { inspectRecord, RECORD_BLANK, RECORD_OK, RecordView } from '@apogee/protocol'
import type { LogFiles } from '../commit-log/log-files.ts'
import type { IndexService } from '../index-file/index-service.ts'
import type { LogReader } from '../read/log-reader.ts'
import type { RecordDispatcher } from './record-dispatcher.ts'

const STEP_BYTES = 1 << 20
/** Where nothing readable stands (damage), the search for the next record goes on this much further. */
const SKIP_BYTES = 4096

/**
 * Brings the key index up to the dispatcher after a crash or a stall, in the background: nobody waits for it but a query
 * for a very recent key. Once it has caught up the dispatcher feeds the index directly.
 */
export class IndexCatchUp {
  /** Whether the index follows the dispatcher directly. */
  live = false
  private running = false
  private readonly deps: {
    files: LogFiles
    reader: LogReader
    dispatcher: RecordDispatcher
    index: IndexService
    dispatched: () => number
    stopped: () => boolean
  }

  constructor(deps: IndexCatchUp['deps']) {
    this.deps = deps
  }

  /** The dispatcher has fed everything below `offset`; a stalled index took none of the last. */
  followed(offset: number): void {
    const { index } = this.deps
    index.indexed(offset)
    if (index.stalled) this.live = false
  }

  /**
   * Runs until it has caught up, the index stalls, or the store stops. Rejects with what the disk says when slots or log
   * cannot be read; it may be run again.
   */
  async run(): Promise<void> {
    if (this.running) return
    this.running = true
    try {
      // A store with nothing to catch up is live before this returns.
      await this.catchUp()
    } finally {
      this.running = false
    }
  }

  private async catchUp(): Promise<void> {
    const { files, index, dispatched, stopped } = this.deps
    let at = Math.max(index.endPhysicalOffset, files.minOffset)
    while (!stopped() && !index.stalled && at < dispatched()) {
      at = Math.max(at, files.minOffset)
      const fileEnd = files.startOf(at) + files.fileSize
      const size = Math.min(STEP_BYTES, fileEnd - at, dispatched() - at)
      const next = await this.step(at, size)
      at = next > at ? next : await this.skip(at, size, fileEnd)
      index.indexed(at)
    }
    this.live = !stopped() && !index.stalled
  }

  /** Indexes the whole records in the `size` bytes at `from`. Returns where they end. */
  private async step(from: number, size: number): Promise<number> {
    const bytes = await this.deps.reader.read(from, size)
    if (bytes === null) return from
    const view = new RecordView()
    let at = 0
    while (at < bytes.length) {
      const status = inspectRecord(bytes, at, bytes.length, view)
      if (status === RECORD_OK) this.deps.dispatcher.dispatchKeys(bytes, view)
      else if (status !== RECORD_BLANK) break
      at += view.totalSize
    }
    return from + at
  }

  /** A record larger than a step, or a place that cannot be read: where to go on. */
  private async skip(from: number, size: number, fileEnd: number): Promise<number> {
    const head = await this.deps.reader.read(from, 4)
    const claimed = head === null ? 0 : head.readInt32BE(0)
    if (claimed > size && from + claimed <= fileEnd) {
      const next = await this.step(from, claimed)
      if (next > from) return next
    }
    return Math.min(from + Math.max(1, Math.min(size, SKIP_BYTES)), fileEnd)
  }
}
