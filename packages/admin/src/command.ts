// What a command is. The program mounts these values into its command line, asks before it runs a destructive one, and
// renders what they return as a table, JSON or YAML.
import type { Clock } from '@apogee/env'
import type { Admin } from './operations/admin.ts'
import type { AdminTransport } from './transport/admin-transport.ts'

/** What an option's text means: `time` is milliseconds since 1970, `list` is split at commas. Default `text`. */
export type OptionType = 'text' | 'int' | 'long' | 'boolean' | 'time' | 'list'

export type OptionValue = string | number | boolean | readonly string[]

/** Options and arguments by key, read and checked by `readOptions`. */
export type OptionValues = Readonly<Record<string, OptionValue | undefined>>

/**
 * An option. Letters and long names are mqadmin's; `-n/--namesrvAddr` and `-h` are added where commands are mounted. Some
 * commands have an `-o` of mqadmin's own: there the program's output form is `--output` only.
 */
export interface AdminOption {
  /** `-t, --topic <topic>`; without a `<value>` it is a switch that takes none. */
  readonly flags: string
  /** Under which name `run` gets it. */
  readonly key: string
  readonly help: string
  /** Checked by `readOptions`, not by the parser: an argument of the same key may give the value. */
  readonly required?: boolean
  /** Exactly one option of those with the same name here must be given. */
  readonly oneOf?: string
  readonly default?: OptionValue
  readonly type?: OptionType
  readonly choices?: readonly string[]
  /** Accepted because mqadmin accepts it, and without effect: help lists it last. */
  readonly ignored?: boolean
}

/** A word without a dash, in the noun-verb form only. It stands in for the option of the same key, which keeps working. */
export interface AdminArgument {
  readonly key: string
  /** Shown in the help: `<topic>`. */
  readonly name: string
  readonly help: string
  /** Checked by `readOptions`: the option may give the value. */
  readonly required?: boolean
}

/** Reads and writes files that a user named. Absent where there are none: a command that needs them then refuses. */
export interface CommandFiles {
  read(path: string): Promise<Uint8Array>
  write(path: string, bytes: Uint8Array): Promise<void>
}

export interface CommandContext {
  readonly admin: Admin
  readonly transport: AdminTransport
  readonly clock: Clock
  /** Ends watching commands and long scans. */
  readonly signal: AbortSignal
  readonly files?: CommandFiles
  /** Told what a long command is doing, for a line on a terminal. */
  readonly progress?: (text: string) => void
}

/** A broker (or client) that could not be asked while others answered. Its rows are missing; the exit code is 5. */
export interface Problem {
  /** Address or name of who failed. */
  readonly target: string
  /** Stable: an AdminErrorCode. */
  readonly code: string
  readonly message: string
  /** What the broker answered, when it did (ResponseCode). */
  readonly responseCode?: number
  readonly retriable: boolean
}

export interface Column {
  /** The member of the row. */
  readonly key: string
  /** Upper case. */
  readonly title: string
  /** Default `left`; numbers stand right. */
  readonly align?: 'left' | 'right'
  /** Shown with `-o wide` only. */
  readonly wide?: boolean
  /** For tables only; JSON has the raw value. Without it `formatCell` decides. */
  readonly format?: (value: unknown) => string
}

export type Row = Readonly<Record<string, unknown>>

interface OutputExtras {
  /** Lines for people below the output, on standard error; not in JSON. */
  readonly notes?: readonly string[]
  /** Who failed. Not empty means that the output is partial. */
  readonly problems?: readonly Problem[]
}

/**
 * What a command found or did. Values are raw: camelCase keys, offsets as numbers, points in time as milliseconds in keys
 * that end in `AtMs`; `outputToJson` adds the ISO text of each in a key without `Ms`. Other keys in `Ms` are durations.
 */
export type CommandOutput = TableOutput | RecordOutput | DoneOutput

export interface TableOutput extends OutputExtras {
  readonly kind: 'table'
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** In a stream: these rows go on where the table before ended, so the titles are not shown again. */
  readonly isContinued?: boolean
}

/** One thing with its members. */
export interface RecordOutput extends OutputExtras {
  readonly kind: 'record'
  readonly value: Row
}

/** Something was done; there is little to show. */
export interface DoneOutput extends OutputExtras {
  readonly kind: 'done'
  readonly message: string
  readonly value?: Row
}

/** `O` is what `readOptions` makes of `options` and `arguments`. */
export interface AdminCommand<O = OptionValues> {
  /** mqadmin's name, exactly: `updateTopic`. Null for commands that only have the noun-verb form. */
  readonly name: string | null
  /** `['topic', 'create']`, or null for commands that only have mqadmin's form. */
  readonly path: readonly [noun: string, verb: string] | null
  /** One line, no full stop. */
  readonly summary: string
  readonly options: readonly AdminOption[]
  readonly arguments?: readonly AdminArgument[]
  /** What follows the program's name and `admin`. */
  readonly examples: readonly string[]
  /** For destructive ones: what would be lost, in one sentence. Null when these options lose nothing (a dry run). */
  damage?(options: O): string | null
  /** Rejects with an AdminError. Watching and streaming commands return an iterable that ends with the signal. */
  run(context: CommandContext, options: O): Promise<CommandOutput> | AsyncIterable<CommandOutput>
}

/** Declares a command whose options have the type `O`; the program sees the general one. */
export function command<O extends object>(declared: AdminCommand<O>): AdminCommand {
  // `readOptions` made the values from the declaration beside this type, so they have it.
  return declared as unknown as AdminCommand
}

/** Whether `run` returned an iterable. */
export function isStream(
  result: Promise<CommandOutput> | AsyncIterable<CommandOutput>,
): result is AsyncIterable<CommandOutput> {
  return Symbol.asyncIterator in result
}
