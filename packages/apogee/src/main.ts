import { createRequire } from 'node:module'
import { ApogeeError } from '@apogee/base'
import { Command, CommanderError } from 'commander'
import { addBrokerCommand } from './commands/broker.ts'
import { addConfigCommand } from './commands/config.ts'
import { addNamesrvCommand } from './commands/namesrv.ts'
import { ExitCode } from './commands/options.ts'
import { addStartCommand } from './commands/start.ts'

/** The `apogee` program. Exit codes: 0 ok, 1 failure, 2 usage, 3 configuration. */
export async function main(argv: readonly string[]): Promise<void> {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
  const program = new Command('apogee')
    .description('A message broker cluster that every RocketMQ client can use unchanged.')
    .version(version)
    .showSuggestionAfterError()
    .exitOverride()
  addStartCommand(program)
  addNamesrvCommand(program)
  addBrokerCommand(program)
  addConfigCommand(program)
  // Sub-commands inherit neither of these.
  for (const command of program.commands) command.exitOverride().showSuggestionAfterError()
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exit(report(error))
  }
}

/** One line for people; the stack only of what should not have happened. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE
  if (error instanceof ApogeeError) {
    process.stderr.write(`apogee: ${error.message} [${error.code}]\n`)
    return error.code.startsWith('CONFIG_') ? ExitCode.CONFIG : ExitCode.FAILURE
  }
  process.stderr.write(
    `apogee: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return ExitCode.FAILURE
}
