import type { BrokerSettings } from './broker-settings.ts'

/** Every key with its value: `key=value` lines, or JSON with the origin of each. */
export function printConfig(settings: BrokerSettings, json: boolean): void {
  const all = [...settings.config.dump()].sort(([a], [b]) => (a < b ? -1 : 1))
  if (!json) {
    process.stdout.write(`${all.map(([key, value]) => `${key}=${value}`).join('\n')}\n`)
    return
  }
  const described = all.map(([key, value]) => [
    key,
    { value, from: settings.origins.get(key)?.name ?? 'default' },
  ])
  process.stdout.write(`${JSON.stringify(Object.fromEntries(described), null, 2)}\n`)
}
