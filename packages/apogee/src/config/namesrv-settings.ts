import { resolve } from 'node:path'
import { isMalformed } from '@apogee/base'
import {
  type NamesrvConfig,
  type NamesrvConfigKey,
  namesrvConfigTable,
  parseNamesrvValue,
} from '@apogee/namesrv'
import { readConfFile } from './conf-file.ts'
import { badValue, type Origin, type PlacedProblem, unknownKey } from './placed-problem.ts'
import { type Flag, gather } from './sources.ts'

export interface NamesrvSettings {
  config: Partial<NamesrvConfig>
  problems: PlacedProblem[]
  entries: Map<string, string>
  origins: Map<string, Origin>
}

/** Where a NameServer's configuration comes from. */
export interface NamesrvSources {
  path: string | undefined
  flags: readonly Flag[]
  environment: NodeJS.ProcessEnv
}

/**
 * A NameServer's configuration from its file, the environment and the command line. Throws CONFIG_UNREADABLE. In one
 * process with a broker the environment is the broker's: pass an empty one.
 */
export function namesrvSettings({ environment, flags, path }: NamesrvSources): NamesrvSettings {
  const file = path === undefined ? null : { path, entries: readConfFile(path) }
  const keys = namesrvConfigTable.map((row) => row.key)
  const { entries, origins } = gather(file, environment, keys, flags)
  // Changes at runtime go into the file that this one was started with, as in Apache's.
  const config: Record<string, string | number | boolean> = {}
  if (path !== undefined) config['configStorePath'] = resolve(path)
  const problems: PlacedProblem[] = []
  for (const [key, value] of entries) {
    const origin = origins.get(key) ?? null
    const row = namesrvConfigTable.find((one) => one.key === key)
    if (row === undefined) {
      problems.push(unknownKey(key, value, origin, keys))
      continue
    }
    if (row.effect === 'ignored') {
      problems.push(ignoredKey(row, value, origin))
      continue
    }
    const parsed = parseNamesrvValue(row, value)
    if (isMalformed(parsed)) problems.push(badValue(key, value, origin, parsed.detail))
    else config[key] = key.endsWith('Path') && parsed !== '' ? resolve(String(parsed)) : parsed
  }
  return { config: config as Partial<NamesrvConfig>, problems, entries, origins }
}

function ignoredKey(row: NamesrvConfigKey, value: string, origin: Origin | null): PlacedProblem {
  const { help: message, key } = row
  return { code: 'CONFIG_KEY_IGNORED', severity: 'info', key, value, message, origin }
}

/** Every key in use with its value: what the NameServer would run with. */
export function namesrvDump(config: Partial<NamesrvConfig>): Map<string, string> {
  const given = new Map(Object.entries(config))
  const used = namesrvConfigTable.filter((row) => row.effect === 'used')
  return new Map(used.map((row) => [row.key, String(given.get(row.key) ?? row.default)]))
}
