import { homedir, networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import { BrokerConfig, brokerConfigTable, type ConfigProblem } from '@apogee/broker'
import { type ConfEntry, readConfFile } from './conf-file.ts'
import { gather, type Origin } from './sources.ts'

/** A problem with the place it came from. */
export interface PlacedProblem extends ConfigProblem {
  origin: Origin | null
}

export interface BrokerSettings {
  config: BrokerConfig
  problems: PlacedProblem[]
  origins: Map<string, Origin>
}

export interface Flag {
  key: string
  value: string
  flag: string
}

/** A broker's configuration from its file, the environment and the command line. Throws CONFIG_UNREADABLE. */
export function brokerSettings(
  path: string | undefined,
  flags: readonly Flag[],
  environment: NodeJS.ProcessEnv,
): BrokerSettings {
  const file = path === undefined ? null : { path, entries: rebased(readConfFile(path)) }
  const keys = brokerConfigTable.map((row) => row.key)
  const { entries, origins } = gather(file, environment, keys, flags)
  const facts = { home: homedir(), hostAddress: firstAddress() }
  const { config, problems } = BrokerConfig.from(entries, facts)
  const placed = problems.map((problem) => ({
    ...problem,
    origin: origins.get(problem.key) ?? null,
  }))
  return { config, problems: placed, origins }
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
