// What a broker says about itself are texts (GET_BROKER_RUNTIME_INFO, 28): here they become numbers.

export type RuntimeInfo = ReadonlyMap<string, string> | null

/** A number; null when the broker does not say it. */
export function runtimeNumber(runtime: RuntimeInfo, key: string): number | null {
  const text = runtime?.get(key)
  if (text === undefined || text.trim() === '') return null
  const value = Number(text)
  return Number.isFinite(value) ? value : null
}

/** Rates are three numbers, of the last ten seconds, minute and ten minutes: the first one. */
export function runtimeRate(runtime: RuntimeInfo, key: string): number | null {
  const value = Number(runtime?.get(key)?.trim().split(/\s+/)[0])
  return Number.isFinite(value) ? value : null
}

/** The difference of two counters; null when one is missing. */
export function runtimeDifference(runtime: RuntimeInfo, more: string, less: string): number | null {
  const [a, b] = [runtimeNumber(runtime, more), runtimeNumber(runtime, less)]
  return a === null || b === null ? null : a - b
}
