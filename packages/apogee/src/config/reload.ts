import type { Logger } from '@apogee/remoting'
import { formatProblem, type PlacedProblem } from './placed-problem.ts'

/** A configuration as it is read again. */
export interface Reread {
  entries: ReadonlyMap<string, string>
  problems: readonly PlacedProblem[]
  /** What the program would run with after a start now. */
  values: ReadonlyMap<string, string>
}

export interface ReloadTarget {
  /** `broker`, `namesrv`: for the log. */
  name: string
  read(): Reread
  isReloadable(key: string): boolean
  /** Takes changes, all or none; what is wrong with them. */
  update(changes: ReadonlyMap<string, string>): string | null
}

/**
 * SIGHUP: what has changed in file and environment since the last look is taken over, where it can change at runtime; of
 * the rest the log says that it waits for a restart. A file with an error changes nothing.
 */
export class ConfigReload {
  private readonly target: ReloadTarget
  private readonly log: Logger
  private last: ReadonlyMap<string, string>

  constructor(target: ReloadTarget, entries: ReadonlyMap<string, string>, log: Logger) {
    this.target = target
    this.last = entries
    this.log = log
  }

  reload(): void {
    const { name } = this.target
    let fresh: Reread
    try {
      fresh = this.target.read()
    } catch (error) {
      this.log.error({ event: 'config_reload_failed', part: name, err: error })
      return
    }
    const problem = fresh.problems.find(({ severity }) => severity === 'error')
    if (problem !== undefined) {
      const fields = { event: 'config_reload_failed', part: name, code: problem.code }
      this.log.error(fields, formatProblem(problem))
      return
    }
    this.take(fresh)
  }

  private take({ entries, values }: Reread): void {
    const part = this.target.name
    const changes = new Map<string, string>()
    for (const key of new Set([...this.last.keys(), ...entries.keys()])) {
      if (this.last.get(key) === entries.get(key)) continue
      const value = values.get(key)
      // Unknown keys have no value.
      if (value === undefined) continue
      if (this.target.isReloadable(key)) changes.set(key, value)
      else this.log.warn({ event: 'config_change_waits_for_restart', part, key })
    }
    const failure = changes.size === 0 ? null : this.target.update(changes)
    if (failure !== null) {
      this.log.error({ event: 'config_reload_failed', part, reason: failure })
      return
    }
    this.last = entries
    this.log.info({ event: 'config_reloaded', part, changes: Object.fromEntries(changes) })
  }
}
