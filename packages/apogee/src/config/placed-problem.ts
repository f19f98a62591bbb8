import { type ConfigProblem, nearest } from '@apogee/broker'

/** Where a value came from, for messages and for `--print-config`. */
export interface Origin {
  kind: 'file' | 'env' | 'flag'
  /** `broker.conf:12`, `ROCKETMQ_LISTEN_PORT`, `--port`. */
  name: string
}

/** A problem with the place it came from. */
export interface PlacedProblem extends ConfigProblem {
  origin: Origin | null
}

/** The value cannot be used; the program must not start with it. */
export function badValue(
  key: string,
  value: string,
  origin: Origin | null,
  message: string,
): PlacedProblem {
  return { code: 'CONFIG_BAD_VALUE', severity: 'error', key, value, message, origin }
}

/** There is no such key; `known` are those that there are. */
export function unknownKey(
  key: string,
  value: string,
  origin: Origin | null,
  known: readonly string[],
): PlacedProblem {
  const suggestion = nearest(key, known)
  const hint = suggestion === undefined ? {} : { suggestion }
  const code = 'CONFIG_UNKNOWN_KEY'
  return { code, severity: 'warning', key, value, message: 'no such key', origin, ...hint }
}

/** One line a problem, as a compiler would write it: place, key, what is wrong, what was probably meant. */
export function formatProblem(problem: PlacedProblem): string {
  const { code, key, message, origin, severity, suggestion, value } = problem
  const place = origin === null ? '' : `${origin.name}: `
  const hint = suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`
  return `${place}${severity}: ${key}=${value}: ${message}${hint} [${code}]`
}

/** Whether the program must not start: a bad value always stops it, a warning only with `--strict`. */
export function isFatal(problems: readonly PlacedProblem[], strict: boolean): boolean {
  return problems.some((one) => one.severity === 'error' || (strict && one.severity === 'warning'))
}
