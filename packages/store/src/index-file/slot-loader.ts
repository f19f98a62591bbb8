import type { Clock, Disk, DiskFile } from '@apogee/env'
import type { StoreLogger } from '../store-logger.ts'
import type { IndexFile } from './index-file.ts'
import { PAGE_SIZE } from './slot-table.ts'

const STEP_PAGES = 256

/**
 * Reads the slots of a reopened file in the background, one megabyte after the other, so that puts need not wait for the
 * disk page by page. A page that a put needed first is left as it is.
 */
export class SlotLoader {
  private readonly file: IndexFile
  private readonly disk: Disk
  private readonly clock: Clock
  private readonly log: StoreLogger
  private readonly bytes = Buffer.allocUnsafeSlow(STEP_PAGES * PAGE_SIZE)
  private handle: DiskFile | null = null
  private page = 0

  constructor(file: IndexFile, disk: Disk, clock: Clock, log: StoreLogger) {
    this.file = file
    this.disk = disk
    this.clock = clock
    this.log = log
  }

  start(): void {
    this.clock.soon(() => {
      try {
        this.handle = this.disk.open(this.file.path)
        this.step()
      } catch (error) {
        this.end(error)
      }
    })
  }

  private step(): void {
    const slots = this.file.slots
    if (slots === null || slots.allLoaded || this.page >= slots.pageCount) {
      this.end(null)
      return
    }
    const first = this.page
    const stop = Math.min(first + STEP_PAGES, slots.pageCount)
    const length = (stop - first) * PAGE_SIZE
    this.page = stop
    this.handle!.read(this.bytes, 0, length, first * PAGE_SIZE, (error, bytesRead) => {
      if (error !== null) {
        this.end(error)
        return
      }
      this.bytes.fill(0, bytesRead, length)
      for (let page = first; page < stop; page++) {
        slots.load(page, this.bytes, (page - first) * PAGE_SIZE)
      }
      this.step()
    })
  }

  /** On an error puts read what they need themselves, and report it. */
  private end(error: unknown): void {
    this.handle?.close()
    this.handle = null
    if (error === null) this.file.closeReader()
    else this.log.warn({ event: 'index-slots-unread', path: this.file.path, err: error })
  }
}
