import type { Clock, DiskError, Timer } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import type { ConfigFile } from '@apogee/store'
import type { PersistedTable } from './tables.ts'

type Saved = (error: DiskError | null) => void

/** After a save failed. */
const RETRY_MS = 5000

/**
 * Keeps a table's file up to date. A change is written `delayMs` later (0: in the next turn); changes meanwhile and during
 * a save become one further save. Idle tables have no timer. `close` writes what is missing.
 */
export class TableFile {
  private readonly table: PersistedTable
  private readonly file: Pick<ConfigFile, 'load' | 'save'>
  private readonly delayMs: number
  private readonly clock: Clock
  private readonly log: Logger
  private dirty = false
  private saving = false
  private timer: Timer | null = null
  /** Who waits for the save under way, and for the one after it. */
  private current: Saved[] = []
  private waiting: Saved[] = []

  constructor(
    table: PersistedTable,
    file: Pick<ConfigFile, 'load' | 'save'>,
    delayMs: number,
    deps: { clock: Clock; log: Logger },
  ) {
    this.table = table
    this.file = file
    this.delayMs = delayMs
    this.clock = deps.clock
    this.log = deps.log
  }

  get name(): string {
    return this.table.name
  }

  /** Throws what ConfigFile.load throws. A missing file leaves the table as it is. */
  load(): void {
    this.file.load((text) => this.table.decode(text))
  }

  /** The table has changed. */
  readonly changed = (): void => {
    this.dirty = true
    if (this.timer === null && !this.saving) this.schedule(this.delayMs)
  }

  /** Writes what is not written yet; resolves when it is on disk, or with the error of the attempt (which is logged). */
  flush(): Promise<DiskError | null> {
    return new Promise((resolve) => {
      this.wait(resolve)
      if (!this.saving) this.saveNow()
    })
  }

  /**
   * Resolves when what was changed so far is on disk, or with the error of the attempt (it is tried again later). The delay
   * does not count: the save begins in the next turn, for all changes of this one.
   */
  saved(): Promise<DiskError | null> {
    if (!this.dirty && !this.saving) return Promise.resolve(null)
    return new Promise((resolve) => {
      this.wait(resolve)
      if (!this.saving) this.schedule(0)
    })
  }

  private wait(saved: Saved): void {
    const isUnderWay = this.saving && !this.dirty
    if (isUnderWay) this.current.push(saved)
    else this.waiting.push(saved)
  }

  private schedule(delayMs: number): void {
    this.timer?.cancel()
    this.timer = this.clock.after(delayMs, () => {
      this.timer = null
      if (!this.saving) this.saveNow()
    })
  }

  private saveNow(): void {
    this.timer?.cancel()
    this.timer = null
    this.current.push(...this.waiting)
    this.waiting = []
    if (!this.dirty) {
      this.release(null)
      return
    }
    this.saving = true
    this.dirty = false
    this.file.save(this.table.encode(), (error) => this.ended(error))
  }

  private ended(error: DiskError | null): void {
    this.saving = false
    if (error !== null) {
      this.dirty = true
      this.log.error({ event: 'table_not_saved', table: this.table.name, err: error })
      // Those of the next save too: it would come at once and fail as well.
      this.current.push(...this.waiting)
      this.waiting = []
      this.schedule(RETRY_MS)
      this.release(error)
      return
    }
    this.release(null)
    if (this.waiting.length > 0) this.saveNow()
    else if (this.dirty) this.schedule(this.delayMs)
  }

  private release(error: DiskError | null): void {
    const current = this.current
    this.current = []
    for (const saved of current) saved(error)
  }
}
