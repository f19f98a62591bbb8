import type { ConfEntry } from './conf-file.ts'
import type { Origin } from './placed-problem.ts'

/** A key set on the command line. */
export interface Flag {
  key: string
  value: string
  /** `--port`. */
  flag: string
}

export interface Sourced {
  entries: Map<string, string>
  origins: Map<string, Origin>
}

/**
 * One set of entries out of defaults of the command, file, environment and flags; a later source wins: file, then
 * environment (`ROCKETMQ_<UPPER_SNAKE>` for every key, NAMESRV_ADDR), then flags.
 */
export function gather(
  file: { path: string; entries: readonly ConfEntry[] } | null,
  environment: NodeJS.ProcessEnv,
  keys: readonly string[],
  flags: readonly Flag[],
  defaults: readonly Flag[] = [],
): Sourced {
  const sourced: Sourced = { entries: new Map(), origins: new Map() }
  const put = (key: string, value: string, kind: Origin['kind'], name: string): void => {
    sourced.entries.set(key, value)
    sourced.origins.set(key, { kind, name })
  }
  for (const { flag, key, value } of defaults) put(key, value, 'flag', flag)
  for (const entry of file?.entries ?? [])
    put(entry.key, entry.value, 'file', `${file!.path}:${entry.line}`)
  for (const [name, key] of environmentNames(environment, keys)) {
    const value = environment[name]
    if (value !== undefined) put(key, value, 'env', name)
  }
  const namesrvAddr = environment['NAMESRV_ADDR']
  if (namesrvAddr !== undefined && keys.includes('namesrvAddr'))
    put('namesrvAddr', namesrvAddr, 'env', 'NAMESRV_ADDR')
  for (const { key, value, flag } of flags) put(key, value, 'flag', flag)
  return sourced
}

/** The keys that variables may name, by the name of the variable; none when there is no such variable at all. */
function environmentNames(
  environment: NodeJS.ProcessEnv,
  keys: readonly string[],
): Map<string, string> {
  if (!Object.keys(environment).some((name) => name.startsWith('ROCKETMQ_'))) return new Map()
  return new Map(keys.map((key) => [environmentName(key), key]))
}

/** `listenPort` → `ROCKETMQ_LISTEN_PORT`, `brokerIP1` → `ROCKETMQ_BROKER_IP1`. */
export function environmentName(key: string): string {
  const snake = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
  return `ROCKETMQ_${snake.toUpperCase()}`
}
