import { readFileSync } from 'node:fs'
import { ApogeeError } from '@apogee/base'
import { Command, CommanderError } from 'commander'
import { addBrokerCommand } from './commands/broker.ts'
import { addConfigCommand } from './commands/config.ts'
import { addNamesrvCommand } from './commands/namesrv.ts'
import { ExitCode, examples } from './commands/options.ts'
import { addStartCommand } from './commands/start.ts'

/** Codes of what only another configuration can mend, besides CONFIG_…. */
const CONFIG_CODES: ReadonlySet<string> = new Set([
  'BROKER_ROLE_UNSUPPORTED',
  'DELAY_LEVEL_ILLEGAL',
  'TLS_FILE_UNREADABLE',
  'TLS_IDENTITY_INVALID',
])
/** Of data, not of what people wrote. */
const NOT_CONFIG_CODES: ReadonlySet<string> = new Set([
  'CONFIG_FILE_DAMAGED',
  'CONFIG_FILE_TOO_LARGE',
])

/** The `apogee` program. Exit codes: 0 ok, 1 failure, 2 usage, 3 configuration, 130 and 143 ended while starting. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('apogee')
    .description('A message broker cluster that every RocketMQ client can use unchanged.')
    .version(version())
    .addHelpText(
      'after',
      examples('apogee start', 'apogee broker --help', 'apogee config check conf/broker.conf'),
    )
  addStartCommand(program)
  addNamesrvCommand(program)
  addBrokerCommand(program)
  addConfigCommand(program)
  configure(program)
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exit(report(error))
  }
}

/** Sub-commands inherit none of this. */
function configure(command: Command): void {
  command.exitOverride().showSuggestionAfterError().showHelpAfterError('(--help tells more)')
  for (const one of command.commands) configure(one)
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

/** One line for people; the stack only of what should not have happened. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE
  if (error instanceof ApogeeError) {
    process.stderr.write(`apogee: ${error.message} [${error.code}]\n`)
    return isConfigCode(error.code) ? ExitCode.CONFIG : ExitCode.FAILURE
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`apogee: ${text}\n`)
  return ExitCode.FAILURE
}

function isConfigCode(code: string): boolean {
  if (NOT_CONFIG_CODES.has(code)) return false
  return code.startsWith('CONFIG_') || CONFIG_CODES.has(code)
}
