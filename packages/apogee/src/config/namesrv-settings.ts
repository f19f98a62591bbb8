import { resolve } from 'node:path'
import { isMalformed } from '@apogee/base'
import { nearest } from '@apogee/broker'
import { type NamesrvConfig, namesrvConfigTable, parseNamesrvValue } from '@apogee/namesrv'
import type { Flag, PlacedProblem } from './broker-settings.ts'
import { readConfFile } from './conf-file.ts'
import { gather } from './sources.ts'

/**
 * A NameServer's configuration from its file, the environment and the command line. Throws CONFIG_UNREADABLE. In one process
 * with a broker the environment is the broker's: pass an empty one.
 */
export function namesrvSettings(
  path: string | undefined,
  flags: readonly Flag[],
  environment: NodeJS.ProcessEnv,
): { config: Partial<NamesrvConfig>; problems: PlacedProblem[] } {
  const file = path === undefined ? null : { path, entries: readConfFile(path) }
  const keys = namesrvConfigTable.map((row) => row.key)
  const { entries, origins } = gather(file, environment, keys, flags)
  const config: Record<string, string | number | boolean> = {}
  const problems: PlacedProblem[] = []
  for (const [key, value] of entries) {
    const origin = origins.get(key) ?? null
    const row = namesrvConfigTable.find((one) => one.key === key)
    if (row === undefined) {
      const suggestion = nearest(key, keys)
      const hint = suggestion === undefined ? {} : { suggestion }
      problems.push({
        code: 'CONFIG_UNKNOWN_KEY',
        severity: 'warning',
        key,
        value,
        message: 'no such key',
        origin,
        ...hint,
      })
      continue
    }
    if (row.effect === 'ignored') {
      problems.push({
        code: 'CONFIG_KEY_IGNORED',
        severity: 'info',
        key,
        value,
        message: row.help,
        origin,
      })
      continue
    }
    const parsed = parseNamesrvValue(row, value)
    if (isMalformed(parsed)) {
      problems.push({
        code: 'CONFIG_BAD_VALUE',
        severity: 'error',
        key,
        value,
        message: parsed.detail,
        origin,
      })
    } else config[key] = key.endsWith('Path') && parsed !== '' ? resolve(String(parsed)) : parsed
  }
  return { config: config as Partial<NamesrvConfig>, problems }
}
