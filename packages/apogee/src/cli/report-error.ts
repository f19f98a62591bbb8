// One line for people, an object for scripts, and the exit code. Errors are known by their `code`, not by their class,
// so that neither the client nor admin is loaded for it.
import { inspect } from 'node:util'
import { CommanderError } from 'commander'
import { ExitCode } from './exit-codes.ts'
import { hintFor } from './hints.ts'

/** What `-o json` writes to standard error; docs/cli/error.schema.json. */
export interface ErrorReport {
  readonly code: string
  readonly message: string
  /** What to do about it. */
  readonly hint?: string
  /** What the server answered (ResponseCode), when it did. */
  readonly responseCode?: number
  /** Whether the same call may work later, unchanged. */
  readonly retriable?: boolean
}

export interface DescribedError {
  readonly report: ErrorReport
  readonly exitCode: number
  /** For --verbose. */
  readonly stack: string
  /** Nothing of ours: the stack is shown without being asked for. */
  readonly isUnexpected: boolean
}

/** Codes of what only another configuration can mend, besides CONFIG_…. */
const CONFIG_CODES: ReadonlySet<string> = new Set([
  'BROKER_ROLE_INVALID',
  'BROKER_ROLE_UNSUPPORTED',
  'DELAY_LEVEL_ILLEGAL',
  'HA_ALLOWED_PEERS_INVALID',
  'TLS_FILE_UNREADABLE',
  'TLS_IDENTITY_INVALID',
])
/** Of data, not of what people wrote. */
const NOT_CONFIG_CODES: ReadonlySet<string> = new Set([
  'CONFIG_FILE_DAMAGED',
  'CONFIG_FILE_TOO_LARGE',
])
const USAGE_CODES: ReadonlySet<string> = new Set([
  'ADMIN_USAGE',
  'RMQ_BAD_EXPRESSION',
  'RMQ_INVALID_ARGUMENT',
])
const UNREACHABLE_CODES: ReadonlySet<string> = new Set([
  'ADMIN_BROKER_UNREACHABLE',
  'ADMIN_NAMESRV_UNREACHABLE',
  'RMQ_BROKER_UNREACHABLE',
  'RMQ_NAMESERVER_UNREACHABLE',
  'RMQ_REQUEST_TIMEOUT',
  'RMQ_SEND_TIMEOUT',
  'RMQ_TIMEOUT',
])
const ABORTED_CODES: ReadonlySet<string> = new Set(['ADMIN_ABORTED', 'RMQ_ABORTED'])
const CAUSES_MAX = 8

/** Never throws, whatever was thrown. */
export function describeError(error: unknown): DescribedError {
  if (error instanceof CommanderError) return describeUsage(error)
  const { code, message, hint, exitCode, responseCode, retriable } = membersOf(error)
  const stack = stackOf(error)
  if (typeof code !== 'string' || !isOurs(code)) {
    return {
      report: { code: 'INTERNAL', message },
      exitCode: ExitCode.FAILURE,
      stack,
      isUnexpected: true,
    }
  }
  const advice = typeof hint === 'string' ? hint : hintFor(code)
  return {
    report: {
      code,
      message,
      ...(advice === null ? {} : { hint: advice }),
      ...(typeof responseCode === 'number' ? { responseCode } : {}),
      ...(typeof retriable === 'boolean' ? { retriable } : {}),
    },
    exitCode: typeof exitCode === 'number' ? exitCode : exitCodeOf(error, code),
    stack,
    isUnexpected: false,
  }
}

interface Members {
  code?: unknown
  message: string
  hint?: unknown
  exitCode?: unknown
  responseCode?: unknown
  retriable?: unknown
  cause?: unknown
}

function membersOf(error: unknown): Members {
  if (!(error instanceof Error)) return { message: oneLine(String(error)) }
  const members = error as Error & Partial<Members>
  return {
    code: members.code,
    message: oneLine(error.message),
    hint: members.hint,
    exitCode: members.exitCode,
    responseCode: members.responseCode,
    retriable: members.retriable,
    cause: error.cause,
  }
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim()
}

/** UPPER_SNAKE with a prefix. Node's own codes (ENOENT, ERR_…) are of files and sockets that nobody explained: a bug. */
function isOurs(code: string): boolean {
  return /^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(code) && !code.startsWith('ERR_')
}

/** The error with its causes. */
function stackOf(error: unknown): string {
  const parts: string[] = []
  let one: unknown = error
  for (let depth = 0; depth < CAUSES_MAX && one !== undefined && one !== null; depth++) {
    parts.push(one instanceof Error ? (one.stack ?? one.message) : inspect(one))
    one = one instanceof Error ? one.cause : undefined
  }
  return parts.join('\ncaused by ')
}

function describeUsage(error: CommanderError): DescribedError {
  const isHelp = error.exitCode === 0 || error.code === 'commander.help'
  const message = oneLine(error.message.replace(/^error: /, ''))
  return {
    report: { code: 'CLI_USAGE', message, hint: '--help tells more' },
    exitCode: isHelp && error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE,
    stack: error.stack ?? message,
    isUnexpected: false,
  }
}

/** The exit code that a stable code stands for. */
export function exitCodeOf(error: unknown, code: string): number {
  if (USAGE_CODES.has(code)) return ExitCode.USAGE
  if (UNREACHABLE_CODES.has(code)) return ExitCode.UNREACHABLE
  if (ABORTED_CODES.has(code)) return ExitCode.INTERRUPTED
  if (code === 'RMQ_SEND_FAILED') {
    const cause = error instanceof Error ? membersOf(error.cause).code : undefined
    return typeof cause === 'string' ? exitCodeOf(undefined, cause) : ExitCode.FAILURE
  }
  return isConfigCode(code) ? ExitCode.CONFIG : ExitCode.FAILURE
}

function isConfigCode(code: string): boolean {
  if (NOT_CONFIG_CODES.has(code)) return false
  return code.startsWith('CONFIG_') || CONFIG_CODES.has(code)
}
