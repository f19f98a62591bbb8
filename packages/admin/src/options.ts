import { AdminError, AdminErrorCode } from './admin-error.ts'
import type { AdminCommand, AdminOption, OptionValue, OptionValues } from './command.ts'

/** The longest list that an option takes. */
const LIST_MAX = 10_000

/**
 * Makes typed values of what a command line parser found, and checks them: required ones, exactly one of a `oneOf`,
 * choices, numbers. `raw` holds texts, `true` for switches, or values of the right kind already, by the options' keys.
 * Throws ADMIN_USAGE.
 */
export function readOptions(
  command: Pick<AdminCommand, 'options' | 'arguments'>,
  raw: Readonly<Record<string, unknown>>,
  nowMs: number,
): OptionValues {
  const values: Record<string, OptionValue | undefined> = {}
  for (const option of command.options) {
    const given = raw[option.key]
    if (given !== undefined && given !== null) values[option.key] = readOption(option, given, nowMs)
    else if (option.default !== undefined) values[option.key] = option.default
    else if (option.required === true) throw usage(`${longName(option)} is needed`)
  }
  for (const argument of command.arguments ?? []) {
    const given = raw[argument.key]
    if (values[argument.key] === undefined && given !== undefined && given !== null) {
      values[argument.key] = Array.isArray(given) ? given.map(String) : textOf(given)
    }
    const isMissing = argument.required === true && values[argument.key] === undefined
    if (isMissing) throw usage(`${argument.name} is needed`)
  }
  checkGroups(command.options, values)
  return values
}

function checkGroups(options: readonly AdminOption[], values: OptionValues): void {
  const groups = Map.groupBy(
    options.filter((option) => option.oneOf !== undefined),
    (option) => option.oneOf,
  )
  for (const members of groups.values()) {
    const given = members.filter((option) => values[option.key] !== undefined)
    const names = members.map(longName).join(' or ')
    if (given.length === 0) throw usage(`${names} is needed`)
    if (given.length > 1) throw usage(`${names}: give only one of them`)
  }
}

function longName(option: AdminOption): string {
  return /--[^\s,]+/.exec(option.flags)?.[0] ?? option.flags
}

function usage(message: string): AdminError {
  return new AdminError(AdminErrorCode.USAGE, message)
}

function readOption(option: AdminOption, given: unknown, nowMs: number): OptionValue {
  const isSwitch = !/[<[]/.test(option.flags)
  if (isSwitch) return given === true || given === 'true'
  if (Array.isArray(given)) return readList(option, given.map(String))
  const whole = textOf(given)
  const text = whole.trim()
  if (option.choices !== undefined && !option.choices.includes(text)) {
    throw usage(`${longName(option)}: ${text} is none of ${option.choices.join(', ')}`)
  }
  switch (option.type ?? 'text') {
    case 'int':
    case 'long':
      return readNumber(option, text)
    case 'boolean':
      return readBoolean(option, text)
    case 'time':
      return readTime(longName(option), text, nowMs)
    case 'list':
      return readList(option, text.split(','))
    default:
      return whole
  }
}

function readList(option: AdminOption, parts: readonly string[]): readonly string[] {
  const items = parts.map((part) => part.trim()).filter((part) => part !== '')
  if (items.length > LIST_MAX) throw usage(`${longName(option)}: at most ${LIST_MAX} items`)
  return items
}

function readNumber(option: AdminOption, text: string): number {
  const value = Number(text)
  const fits = option.type === 'int' ? value === (value | 0) : Number.isSafeInteger(value)
  if (!/^-?[0-9]+$/.test(text) || !fits) {
    throw usage(`${longName(option)}: ${text.slice(0, 40)} is not a whole number`)
  }
  return value
}

function readBoolean(option: AdminOption, text: string): boolean {
  if (/^(?:true|yes|on|1)$/i.test(text)) return true
  if (/^(?:false|no|off|0)$/i.test(text)) return false
  throw usage(`${longName(option)}: ${text.slice(0, 40)} is neither true nor false`)
}

/**
 * `now` or `currentTimeMillis`, milliseconds, `2026-01-31#23:59:59:999` as mqadmin spells local time, ISO 8601, or
 * `-90m`.
 */
export function readTime(name: string, text: string, nowMs: number): number {
  if (text === 'now' || text === 'currentTimeMillis') return nowMs
  if (/^-?[0-9]+$/.test(text)) return Number(text)
  const ago = /^-([0-9]+)(ms|s|m|h|d)$/.exec(text)
  if (ago !== null) return nowMs - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS]
  const java = /^(\d{4}-\d{2}-\d{2})#(\d{2}:\d{2}:\d{2}):(\d{3})$/.exec(text)
  const ms = Date.parse(java === null ? text : `${java[1]}T${java[2]}.${java[3]}`)
  if (Number.isNaN(ms)) {
    throw usage(
      `${name}: ${text.slice(0, 40)} is no time: now, milliseconds, yyyy-MM-dd#HH:mm:ss:SSS or ISO 8601`,
    )
  }
  return ms
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Parsers give texts, and defaults of theirs as numbers or booleans. */
function textOf(given: unknown): string {
  if (typeof given === 'string') return given
  if (typeof given === 'number' || typeof given === 'boolean') return String(given)
  throw usage('an option has a value that is no text')
}
