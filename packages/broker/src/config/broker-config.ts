import { type ConfigKey, type ConfigValue, SECRET_SHOWN } from './config-key.ts'
import { type ConfigProblem, nearest } from './config-problem.ts'
import { brokerConfigTable } from './config-table.ts'
import type { BrokerConfigValues } from './config-values.ts'
import { parseValue } from './parse-value.ts'

/** What only the machine knows; the caller reads it, since this package must not. */
export interface MachineFacts {
  /** The user's home folder: where the store is when nothing says otherwise. */
  home?: string
  /** The address told to clients when the broker listens on all interfaces. */
  hostAddress?: string
}

/**
 * The broker's configuration: Apache's keys and ours. `values` is read by services on every use, so that a change at
 * runtime (request code 25) takes effect at once; it is changed only by `update`.
 * Java: BrokerConfig, MessageStoreConfig, NettyServerConfig, NettyClientConfig, Configuration.
 */
export class BrokerConfig {
  readonly values: BrokerConfigValues
  /** Changes at runtime so far: the counter of the data version that code 26 answers. */
  changes = 0
  private readonly entries: Map<string, string>
  private readonly facts: MachineFacts
  private readonly listeners: ((keys: readonly string[]) => void)[] = []

  private constructor(
    values: BrokerConfigValues,
    entries: Map<string, string>,
    facts: MachineFacts,
  ) {
    this.values = values
    this.entries = entries
    this.facts = facts
  }

  /** The configuration that these entries make. A problem is data: an entry with one is left out, the rest applies. */
  static from(
    entries: ReadonlyMap<string, string>,
    facts: MachineFacts = {},
  ): { config: BrokerConfig; problems: ConfigProblem[] } {
    const problems: ConfigProblem[] = []
    const values: Record<string, ConfigValue> = {}
    for (const row of brokerConfigTable) if (row.effect === 'used') values[row.key] = row.default
    const kept = new Map<string, string>()
    for (const [name, text] of entries) {
      const found = check(name, text)
      if (found.problem !== null) problems.push(found.problem)
      if (found.row === null) continue
      kept.set(name, text.trim())
      if (found.row.effect === 'used') values[name] = found.value
    }
    // The loop above gave every key of the table its default or a value of the row's own type.
    const typed = values as unknown as BrokerConfigValues
    derive(typed, kept, facts)
    return { config: new BrokerConfig(typed, kept, facts), problems }
  }

  /** The configuration of these values in code: for tests and for embedding. Throws on a problem. */
  static of(values: Partial<BrokerConfigValues>, facts: MachineFacts = {}): BrokerConfig {
    const entries = new Map(Object.entries(values).map(([key, value]) => [key, String(value)]))
    const { config, problems } = BrokerConfig.from(entries, facts)
    const first = problems.find((problem) => problem.severity === 'error')
    if (first !== undefined) throw new RangeError(`${first.key}=${first.value}: ${first.message}`)
    return config
  }

  /** Changes values at runtime: all of them, or, when one has a problem, none. */
  update(entries: ReadonlyMap<string, string>): ConfigProblem[] {
    const problems: ConfigProblem[] = []
    const changed: [keyof BrokerConfigValues, ConfigValue, string][] = []
    for (const [name, text] of entries) {
      const found = check(name, text)
      if (found.row === null) problems.push(found.problem!)
      else if (!found.row.reloadable) problems.push(notReloadable(found.row, text))
      else changed.push([name as keyof BrokerConfigValues, found.value, text.trim()])
    }
    if (problems.length > 0) return problems
    for (const [key, value, text] of changed) {
      Object.assign(this.values, { [key]: value })
      this.entries.set(key, text)
    }
    derive(this.values, this.entries, this.facts)
    this.changes++
    const keys = changed.map(([key]) => key)
    for (const listener of this.listeners) listener(keys)
    return []
  }

  /** Called after a change at runtime with the keys that it named. */
  onChange(listener: (keys: readonly string[]) => void): void {
    this.listeners.push(listener)
  }

  /**
   * Every key with its value now, for request code 26; a key that does nothing shows what the file said or its default, a
   * secret that there is one.
   */
  dump(): Map<string, string> {
    const all = new Map<string, string>()
    for (const row of brokerConfigTable) {
      const value =
        row.effect === 'used'
          ? this.values[row.key as keyof BrokerConfigValues]
          : (this.entries.get(row.key) ?? row.default)
      all.set(row.key, shown(row, String(value)))
    }
    return all
  }
}

/** A value as people and peers may see it. */
function shown(row: ConfigKey, value: string): string {
  return row.secret === true && value !== '' ? SECRET_SHOWN : value
}

let rows: Map<string, ConfigKey> | null = null

/** The row of a key. */
export function configKey(name: string): ConfigKey | undefined {
  rows ??= new Map(brokerConfigTable.map((row) => [row.key, row]))
  return rows.get(name)
}

interface Checked {
  /** Null when the entry must not be used. */
  row: ConfigKey | null
  value: ConfigValue
  problem: ConfigProblem | null
}

function check(key: string, value: string): Checked {
  const row = configKey(key)
  if (row === undefined) return { row: null, value: '', problem: unknownKey(key, value) }
  const parsed = parseValue(row, value)
  if ('problem' in parsed) {
    const bad = { key, value, message: `${parsed.problem} (${row.type})` }
    const severity = row.effect === 'used' ? 'error' : 'warning'
    return { row: null, value: '', problem: { code: 'CONFIG_BAD_VALUE', severity, ...bad } }
  }
  return { row, value: parsed.value, problem: noEffect(row, value, parsed.value) }
}

function unknownKey(key: string, value: string): ConfigProblem {
  const suggestion = nearest(
    key,
    brokerConfigTable.map((row) => row.key),
  )
  const problem = {
    code: 'CONFIG_UNKNOWN_KEY',
    severity: 'warning',
    key,
    value,
    message: 'no such key',
  } as const
  const meant = suggestion === undefined ? undefined : configKey(suggestion)
  return meant === undefined
    ? problem
    : { ...problem, value: shown(meant, value), suggestion: meant.key }
}

function noEffect(row: ConfigKey, value: string, parsed: ConfigValue): ConfigProblem | null {
  if (row.effect === 'used') return null
  const same = { key: row.key, value, message: row.help }
  if (row.effect === 'ignored') return { code: 'CONFIG_KEY_IGNORED', severity: 'info', ...same }
  // A feature that is off by default and stays off is nothing to warn of.
  const severity = parsed === row.default ? 'info' : 'warning'
  return { code: 'CONFIG_KEY_LATER', severity, ...same }
}

function notReloadable(row: ConfigKey, value: string): ConfigProblem {
  const message = 'cannot change while the broker runs'
  const { key } = row
  return {
    code: 'CONFIG_NOT_RELOADABLE',
    severity: 'error',
    key,
    value: shown(row, value),
    message,
  }
}

const WILDCARDS = new Set(['', '0.0.0.0', '::'])

/** Fills what follows from other keys or from the machine. */
function derive(
  values: BrokerConfigValues,
  given: ReadonlyMap<string, string>,
  facts: MachineFacts,
): void {
  if (!given.get('brokerIP1')) {
    const anywhere = WILDCARDS.has(values.bindAddress)
    values.brokerIP1 = anywhere ? (facts.hostAddress ?? '127.0.0.1') : values.bindAddress
  }
  if (!given.get('brokerIP2')) values.brokerIP2 = values.brokerIP1
  if (!given.get('storePathRootDir')) values.storePathRootDir = `${facts.home ?? ''}/store`
  if (!given.get('storePathCommitLog')) {
    values.storePathCommitLog = `${values.storePathRootDir}/commitlog`
  }
  if (!given.get('haListenPort')) {
    values.haListenPort = values.listenPort === 0 ? 0 : values.listenPort + 1
  }
}
