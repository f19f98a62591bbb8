import { ApogeeError } from '@apogee/base'
import { ExitCode } from './exit-codes.ts'

/** Stable codes of what the command line itself finds wrong. Errors of the client and of admin keep theirs. */
export const CliErrorCode = {
  /** Words or options that do not fit. */
  USAGE: 'CLI_USAGE',
  /** mqadmin has it, this program has not; the message says why. */
  NOT_SUPPORTED: 'CLI_NOT_SUPPORTED',
  /** A destructive command without a yes. */
  NOT_CONFIRMED: 'CLI_NOT_CONFIRMED',
  /** What was to be sent could not be read. */
  INPUT_INVALID: 'CLI_INPUT_INVALID',
  /** A broker refuses to let a queue be read, or its answer cannot be. */
  READ_REFUSED: 'CLI_READ_REFUSED',
  /** A file that a flag names could not be read or written. */
  FILE: 'CLI_FILE',
  /** No context of that name. */
  CONTEXT_NOT_FOUND: 'CONTEXT_NOT_FOUND',
  /** A context of that name is there already. */
  CONTEXT_EXISTS: 'CONTEXT_EXISTS',
  /** The file of contexts is damaged, or cannot be read or written. */
  CONTEXT_FILE: 'CONTEXT_FILE',
  /** A NameServer address, key pair or TLS file of a context or flag that cannot be used. */
  CONNECTION_INVALID: 'CONNECTION_INVALID',
  /** SIGINT or SIGTERM ended the work before it was done. */
  INTERRUPTED: 'CLI_INTERRUPTED',
  /** What was waited for did not come in time. */
  TIMED_OUT: 'CLI_TIMED_OUT',
} as const
export type CliErrorCode = (typeof CliErrorCode)[keyof typeof CliErrorCode]

const EXIT_CODES: Readonly<Partial<Record<CliErrorCode, ExitCode>>> = {
  [CliErrorCode.USAGE]: ExitCode.USAGE,
  [CliErrorCode.NOT_CONFIRMED]: ExitCode.USAGE,
  [CliErrorCode.CONTEXT_NOT_FOUND]: ExitCode.CONFIG,
  [CliErrorCode.CONTEXT_FILE]: ExitCode.CONFIG,
  [CliErrorCode.CONNECTION_INVALID]: ExitCode.CONFIG,
  [CliErrorCode.TIMED_OUT]: ExitCode.UNREACHABLE,
  [CliErrorCode.INTERRUPTED]: ExitCode.INTERRUPTED,
}

/** What the command line finds wrong: a message, a stable code, what to do about it, and how the program ends. */
export class CliError extends ApogeeError {
  declare readonly code: CliErrorCode
  readonly hint: string | null
  readonly exitCode: ExitCode

  constructor(
    code: CliErrorCode,
    message: string,
    details: { hint?: string; cause?: unknown; exitCode?: ExitCode } = {},
  ) {
    super(code, message, 'cause' in details ? { cause: details.cause } : undefined)
    this.hint = details.hint ?? null
    this.exitCode = details.exitCode ?? EXIT_CODES[code] ?? ExitCode.FAILURE
  }
}

/** A CLI_USAGE error. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(CliErrorCode.USAGE, message, hint === undefined ? {} : { hint })
}
