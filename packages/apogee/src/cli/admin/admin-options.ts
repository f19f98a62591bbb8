// An AdminCommand's options as options of the command line, and back.
import type { AdminCommand, AdminOption } from '@apogee/admin'
import { type Command, Option } from 'commander'

/** Flags that a command has taken: `-o`, `--output`. */
export function takenFlags(command: AdminCommand): ReadonlySet<string> {
  return new Set(
    command.options.flatMap((option) => option.flags.match(/(?<![\w-])--?[A-Za-z][\w-]*/g) ?? []),
  )
}

/** Adds what the command declares; those without effect come last. */
export function addDeclaredOptions(
  target: Command,
  command: AdminCommand,
  hasArguments: boolean,
): void {
  const isIgnored = (option: AdminOption): boolean => option.ignored === true
  target.optionsGroup('Options:')
  // A word without a dash can stand in for these.
  const words = hasArguments ? (command.arguments ?? []).map(({ key }) => key) : []
  for (const option of command.options.filter((one) => !isIgnored(one))) {
    target.addOption(asOption(option, words.includes(option.key)))
  }
  target.optionsGroup('Accepted, because mqadmin does, without effect:')
  for (const option of command.options.filter(isIgnored)) target.addOption(asOption(option, false))
}

function asOption(option: AdminOption, hasWord: boolean): Option {
  // Values and defaults are read by `readOptions`, which knows their types; help only tells of them.
  const notes = [
    option.required === true && !hasWord ? 'required' : null,
    option.choices === undefined ? null : `one of: ${option.choices.join(', ')}`,
    option.default === undefined ? null : `default: ${String(option.default)}`,
  ].filter((note) => note !== null)
  const help = option.help.replace(/\{\S{30,}/g, (json) => json.replace(/[,:]/g, '$& '))
  return new Option(option.flags, notes.length === 0 ? help : `${help} (${notes.join('; ')})`)
}

/** What was given, by the options' keys. */
export function givenOptions(
  command: AdminCommand,
  opts: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const option of command.options) {
    const value = opts[new Option(option.flags).attributeName()]
    if (value !== undefined) given[option.key] = value
  }
  return given
}
