import type { Clock, Timer } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import type { ConfigFile } from '@apogee/store'
import type { PersistedTable } from './tables.ts'

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
  private waiting: (() => void)[] = []

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

  /** Throws what ConfigFile.load throws. A missing file leaves the table as it is. */
  load(): void {
    this.file.load((text) => this.table.decode(text))
  }

  /** The table has changed. */
  readonly changed = (): void => {
    this.dirty = true
    if (this.timer === null && !this.saving) this.schedule(this.delayMs)
  }

  /** Writes what is not written yet; resolves when it is on disk, or when the attempt has failed (which is logged). */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve)
      if (!this.saving) this.saveNow()
    })
  }

  private schedule(delayMs: number): void {
    this.timer = this.clock.after(delayMs, () => {
      this.timer = null
      if (!this.saving) this.saveNow()
    })
  }

  private saveNow(): void {
    this.timer?.cancel()
    this.timer = null
    if (!this.dirty) {
      this.release()
      return
    }
    this.saving = true
    this.dirty = false
    this.file.save(this.table.encode(), (error) => {
      this.saving = false
      if (error !== null) {
        this.dirty = true
        this.log.error({ event: 'table_not_saved', table: this.table.name, err: error })
        this.release()
        this.schedule(RETRY_MS)
      } else if (this.dirty && this.waiting.length > 0) this.saveNow()
      else {
        this.release()
        if (this.dirty) this.schedule(this.delayMs)
      }
    })
  }

  private release(): void {
    const waiting = this.waiting
    this.waiting = []
    for (const resolve of waiting) resolve()
  }
}
