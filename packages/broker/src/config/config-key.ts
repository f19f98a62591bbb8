/** Types of a value in broker.conf, by their Java names. */
export type ConfigType = 'string' | 'int' | 'long' | 'bool' | 'double' | 'enum'
export type ConfigValue = string | number | boolean

/**
 * What a key does here. `used`: it drives Apogee. `ignored`: Apache needs it for something that Apogee does not have (a
 * thread pool, a memory map), so any value is fine. `later`: it belongs to a feature that Apogee does not have yet.
 */
export type ConfigEffect = 'used' | 'ignored' | 'later'

/** One key of broker.conf. */
export interface ConfigKey<V extends ConfigValue = ConfigValue> {
  readonly key: string
  readonly type: ConfigType
  readonly default: V
  readonly effect: ConfigEffect
  /** May change while the broker runs (request code 25). An allow-list: no path, program, address or port is on it. */
  readonly reloadable: boolean
  /** Its value is told to nobody: dumps, problems and logs have SECRET_SHOWN. */
  readonly secret?: true
  /** For `used`: what it does, with unit. For the others: why it does nothing. */
  readonly help: string
  readonly choices?: readonly string[]
  readonly min?: number
  readonly max?: number
}

/** Bounds and reload of a key in use. */
export interface KeyOptions {
  live?: boolean
  min?: number
  max?: number
}

/** A row of the table without its key: the key is the name of the property that holds it. */
export type UsedRow<V extends ConfigValue> = Omit<ConfigKey<V>, 'key' | 'effect'>

/** What stands where a secret would. */
export const SECRET_SHOWN = '******'

const INT_MAX = 2_147_483_647

/** A whole number of 32 bits, not negative unless `min` says so. */
export function int(standard: number, help: string, options: KeyOptions = {}): UsedRow<number> {
  return number('int', standard, help, INT_MAX, options)
}

/** A whole number up to 2^53−1. */
export function long(standard: number, help: string, options: KeyOptions = {}): UsedRow<number> {
  return number('long', standard, help, Number.MAX_SAFE_INTEGER, options)
}

export function bool(standard: boolean, help: string, options: KeyOptions = {}): UsedRow<boolean> {
  return { type: 'bool', default: standard, reloadable: options.live === true, help }
}

export function text(standard: string, help: string, options: KeyOptions = {}): UsedRow<string> {
  return { type: 'string', default: standard, reloadable: options.live === true, help }
}

/** A text that is shown to nobody. */
export function secret(help: string): UsedRow<string> {
  return { ...text('', help), secret: true }
}

export function choice<T extends string>(
  standard: T,
  choices: readonly T[],
  help: string,
): UsedRow<T> {
  return { type: 'enum', default: standard, reloadable: false, help, choices }
}

/** Keys that change nothing, grouped under the reason: `[key, type, Apache's default]`. */
export function inert(
  effect: 'ignored' | 'later',
  help: string,
  rows: readonly (readonly [string, ConfigType, ConfigValue])[],
): ConfigKey[] {
  return rows.map(([key, type, standard]) => ({
    key,
    type,
    default: standard,
    effect,
    reloadable: false,
    help,
  }))
}

function number(
  type: 'int' | 'long',
  standard: number,
  help: string,
  max: number,
  options: KeyOptions,
): UsedRow<number> {
  return {
    type,
    default: standard,
    reloadable: options.live === true,
    help,
    min: options.min ?? 0,
    max: options.max ?? max,
  }
}
