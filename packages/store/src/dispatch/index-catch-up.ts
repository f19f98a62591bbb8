import { inspectRecord, RECORD_BLANK, RECORD_OK, RecordView } from '@apogee/protocol'
import type { LogFiles } from '../commit-log/log-files.ts'
import type { IndexService } from '../index-file/index-service.ts'
import type { LogReader } from '../read/log-reader.ts'
import type { RecordDispatcher } from './record-dispatcher.ts'

const STEP_BYTES = 1 << 20

/**
 * Brings the key index up to the dispatcher after a crash, in the background: nobody waits for it but a query for a very
 * recent key. Once it has caught up the dispatcher feeds the index directly.
 */
export class IndexCatchUp {
  /** Whether the index follows the dispatcher directly. */
  live = false
  private at = 0
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

  /** Where the index ends. Before `run`. */
  startAt(offset: number): void {
    this.at = offset
  }

  /** Runs until it has caught up, or the store stops. */
  async run(): Promise<void> {
    const { deps } = this
    while (!deps.stopped()) {
      if (this.at >= deps.dispatched()) {
        this.live = true
        return
      }
      this.at = Math.max(this.at, deps.files.minOffset)
      const fileEnd = deps.files.startOf(this.at) + deps.files.fileSize
      const size = Math.min(STEP_BYTES, fileEnd - this.at, deps.dispatched() - this.at)
      const moved = await this.step(size)
      if (moved === 0) this.at = await this.skipDamage(size, fileEnd)
      else this.at += moved
    }
  }

  /** Indexes the whole records of the next `size` bytes. Returns how far it came. */
  private async step(size: number): Promise<number> {
    const bytes = await this.deps.reader.read(this.at, size)
    if (bytes === null) return 0
    const view = new RecordView()
    let at = 0
    while (at < bytes.length) {
      const status = inspectRecord(bytes, at, bytes.length, view)
      if (status === RECORD_OK) this.deps.dispatcher.dispatchKeys(bytes, view)
      else if (status !== RECORD_BLANK) break
      at += view.totalSize
    }
    return at
  }

  /** A record larger than a step, a block that cannot be read, or damage: go on behind it. */
  private async skipDamage(size: number, fileEnd: number): Promise<number> {
    const head = await this.deps.reader.read(this.at, 4)
    const claimed = head === null ? 0 : head.readInt32BE(0)
    if (claimed > size && this.at + claimed <= fileEnd) {
      const moved = await this.step(claimed)
      if (moved > 0) return this.at + moved
    }
    return Math.min(this.at + Math.max(1, Math.min(size, 4096)), fileEnd)
  }
}
