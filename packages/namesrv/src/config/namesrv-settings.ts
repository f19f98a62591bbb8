import { ApogeeError, type Decoded, isMalformed, Malformed } from '@apogee/base'
import {
  type NamesrvConfig,
  type NamesrvConfigKey,
  type NamesrvConfigValue,
  namesrvConfigDefaults,
  namesrvConfigTable,
} from './config-table.ts'

/**
 * The configuration of a running NameServer. `values` is one object for life, read at each use, so
 * that a change works at once.
 */
export class NamesrvSettings {
  readonly values: NamesrvConfig

  /**
   * Throws CONFIG_UNKNOWN_KEY or CONFIG_BAD_VALUE: what comes in here has been checked by whoever
   * read the file.
   */
  constructor(given: Partial<NamesrvConfig>) {
    this.values = namesrvConfigDefaults()
    for (const [key, value] of Object.entries(given)) {
      const row = rowOf(key)
      if (row === null || row.effect !== 'used') {
        throw new ApogeeError('CONFIG_UNKNOWN_KEY', `namesrv: no such key: ${key}`)
      }
      const checked = parseNamesrvValue(row, String(value))
      if (isMalformed(checked)) throw new ApogeeError(checked.code, checked.detail)
      Object.assign(this.values, { [key]: checked })
    }
    const { kvConfigPath, configStorePath } = this.values
    for (const path of [kvConfigPath, configStorePath]) {
      if (path === '' || path.startsWith('/')) continue
      throw new ApogeeError('CONFIG_BAD_VALUE', `namesrv: not an absolute path: ${path}`)
    }
  }

  /**
   * Checks changes by the allow-list, and their types; nothing is changed. Codes:
   * CONFIG_NOT_RELOADABLE, CONFIG_BAD_VALUE.
   */
  check(entries: ReadonlyMap<string, string>): Decoded<ReadonlyMap<string, NamesrvConfigValue>> {
    const changes = new Map<string, NamesrvConfigValue>()
    for (const [key, value] of entries) {
      const row = rowOf(key)
      if (row === null || !row.reloadable) {
        const why = row === null ? 'is no key of the NameServer' : 'cannot change at runtime'
        return new Malformed('CONFIG_NOT_RELOADABLE', `${key.slice(0, 100)} ${why}`)
      }
      const checked = parseNamesrvValue(row, value)
      if (isMalformed(checked)) return checked
      changes.set(key, checked)
    }
    return changes
  }

  /** Takes what `check` gave. */
  apply(changes: ReadonlyMap<string, NamesrvConfigValue>): void {
    Object.assign(this.values, Object.fromEntries(changes))
  }

  /** Every key in use with its value now, by name. */
  entries(): Map<string, string> {
    const pairs = Object.entries(this.values).map(([key, value]) => [key, String(value)] as const)
    return new Map(pairs.sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

function rowOf(key: string): NamesrvConfigKey | null {
  return namesrvConfigTable.find((row) => row.key === key) ?? null
}

/** The value that a text of namesrv.conf stands for. Code: CONFIG_BAD_VALUE. */
export function parseNamesrvValue(
  row: NamesrvConfigKey,
  text: string,
): Decoded<NamesrvConfigValue> {
  const trimmed = text.trim()
  if (row.type === 'string') return trimmed
  if (row.type === 'bool') {
    const lower = trimmed.toLowerCase()
    if (lower === 'true' || lower === 'false') return lower === 'true'
    return bad(row, trimmed, 'must be true or false')
  }
  if (!/^-?\d{1,16}$/.test(trimmed)) return bad(row, trimmed, 'must be a whole number')
  const value = Number(trimmed)
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = row
  if (value < min || value > max) return bad(row, trimmed, `must be from ${min} to ${max}`)
  return value
}

function bad(row: NamesrvConfigKey, text: string, what: string): Malformed {
  return new Malformed('CONFIG_BAD_VALUE', `${row.key}=${text.slice(0, 40)}: ${what}`)
}
