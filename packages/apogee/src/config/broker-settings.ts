import { homedir, networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import { BrokerConfig, brokerConfigTable, unsupportedRole } from '@apogee/broker'
import { type ConfEntry, readConfFile } from './conf-file.ts'
import type { Origin, PlacedProblem } from './placed-problem.ts'
import { type Flag, gather } from './sources.ts'

export interface BrokerSettings {
  config: BrokerConfig
  problems: PlacedProblem[]
  /** What file, environment and flags say, and which of them. */
  entries: Map<string, string>
  origins: Map<string, Origin>
}

/** Where a broker's configuration comes from. */
export interface BrokerSources {
  /** broker.conf. */
  path: string | undefined
  flags: readonly Flag[]
  environment: NodeJS.ProcessEnv
  /** What holds when nobody says otherwise, where the command differs from the table. */
  defaults?: readonly Flag[]
}

/** A broker's configuration from its file, the environment and the command line. Throws CONFIG_UNREADABLE. */
export function brokerSettings(sources: BrokerSources): BrokerSettings {
  const { defaults, environment, flags, path } = sources
  const file = path === undefined ? null : { path, entries: rebased(readConfFile(path)) }
  const keys = brokerConfigTable.map((row) => row.key)
  const { entries, origins } = gather(file, environment, keys, flags, defaults)
  const facts = { home: homedir(), hostAddress: firstAddress() }
  const { config, problems } = BrokerConfig.from(entries, facts)
  const role = unsupportedRole(config)
  const all = role === null ? problems : [...problems, role]
  const placed = all.map((problem) => ({
    ...problem,
    origin: origins.get(problem.key) ?? null,
  }))
  return { config, problems: placed, entries, origins }
}

/** Paths are absolute from here on; relative ones mean the working folder, as in Java. */
function rebased(entries: ConfEntry[]): ConfEntry[] {
  return entries.map((entry) =>
    entry.key.startsWith('storePath') && entry.value !== ''
      ? { ...entry, value: resolve(entry.value) }
      : entry,
  )
}

/** The first address of this machine that others can reach: what Apache tells clients by default. */
function firstAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) {
      if (!address.internal && address.family === 'IPv4') return address.address
    }
  }
  return '127.0.0.1'
}
