import type { ConfEntry } from './conf-file.ts'

/** Where a value came from, for messages and for `--print-config`. */
export interface Origin {
  kind: 'file' | 'env' | 'flag'
  /** `broker.conf:12`, `ROCKETMQ_LISTEN_PORT`, `--port`. */
  name: string
}

export interface Sourced {
  entries: Map<string, string>
  origins: Map<string, Origin>
}

/**
 * One set of entries out of file, environment and flags; a later source wins: file, then environment
 * (`ROCKETMQ_<UPPER_SNAKE>` for every key, NAMESRV_ADDR), then flags.
 */
export function gather(
  file: { path: string; entries: readonly ConfEntry[] } | null,
  environment: NodeJS.ProcessEnv,
  keys: readonly string[],
  flags: readonly { key: string; value: string; flag: string }[],
): Sourced {
  const sourced: Sourced = { entries: new Map(), origins: new Map() }
  const put = (key: string, value: string, kind: Origin['kind'], name: string): void => {
    sourced.entries.set(key, value)
    sourced.origins.set(key, { kind, name })
  }
  for (const entry of file?.entries ?? [])
    put(entry.key, entry.value, 'file', `${file!.path}:${entry.line}`)
  for (const key of keys) {
    const name = environmentName(key)
    const value = environment[name]
    if (value !== undefined) put(key, value, 'env', name)
  }
  const namesrvAddr = environment['NAMESRV_ADDR']
  if (namesrvAddr !== undefined && keys.includes('namesrvAddr'))
    put('namesrvAddr', namesrvAddr, 'env', 'NAMESRV_ADDR')
  for (const { key, value, flag } of flags) put(key, value, 'flag', flag)
  return sourced
}

/** `listenPort` → `ROCKETMQ_LISTEN_PORT`, `brokerIP1` → `ROCKETMQ_BROKER_IP1`. */
export function environmentName(key: string): string {
  const snake = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
  return `ROCKETMQ_${snake.toUpperCase()}`
}
