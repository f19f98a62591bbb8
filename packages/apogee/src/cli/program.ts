// The whole command line. Only what the words ask for is loaded: a start of a server, `--version` and `--help` see
// neither the client nor the administration.
import { Command, CommanderError } from 'commander'
import { addBrokerCommand } from '../commands/broker.ts'
import { addClusterCommand } from '../commands/cluster/cluster-command.ts'
import { addConfigCommand } from '../commands/config.ts'
import { addNamesrvCommand } from '../commands/namesrv.ts'
import { examples } from '../commands/options.ts'
import { addStartCommand } from '../commands/start.ts'
import { programVersion } from '../program-version.ts'
import { NOUNS } from './admin/nouns.ts'
import { addBenchCommand } from './bench/bench-command.ts'
import { usageError } from './cli-error.ts'
import { addCompletionCommand } from './completion/completion-command.ts'
import { addContextCommand } from './context/context-command.ts'
import { addDoctorCommand } from './doctor/doctor-command.ts'
import { ExitCode } from './exit-codes.ts'
import { addConsumeCommand } from './messages/consume-command.ts'
import { addSendCommand } from './messages/send-command.ts'
import { addTailCommand } from './messages/tail-command.ts'
import { isJsonAsked } from './output/output-options.ts'
import { writeError } from './output/write-error.ts'
import type { Session } from './session.ts'

const HELP_COLUMNS = 80

/**
 * Runs the words after the program's name. Gives the exit code, or null when a server was started, whose process
 * decides. Never rejects.
 */
export async function runProgram(
  words: readonly string[],
  session: Session,
): Promise<number | null> {
  try {
    const program = await createProgram(words, session)
    await program.parseAsync(words, { from: 'user' })
    return session.exitCode
  } catch (error) {
    // Help and the version end by an error too; without a command, help is what was wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE
    const isVerbose = words.includes('--verbose')
    return await writeError(session.io, error, { isJson: isJsonAsked(words), isVerbose })
  }
}

/** With the commands of a noun, or of `admin`, when the words begin with one. */
export async function createProgram(words: readonly string[], session: Session): Promise<Command> {
  const program = new Command('apogee')
    .description('A message broker cluster that every RocketMQ client can use unchanged.')
    .version(programVersion())
    .addHelpText(
      'after',
      examples(
        'apogee start',
        'apogee send orders "first one"',
        'apogee tail orders --from first',
        'apogee topic list',
        'apogee broker --help',
      ),
    )
  program.commandsGroup('Servers:')
  addStartCommand(program)
  addNamesrvCommand(program)
  addBrokerCommand(program)
  addClusterCommand(program, session)
  addConfigCommand(program)
  program.commandsGroup('Messages:')
  addSendCommand(program, session)
  addConsumeCommand(program, session)
  addTailCommand(program, session)
  addBenchCommand(program, session)
  program.commandsGroup('Administration:')
  addNouns(program)
  program.command('admin').description("RocketMQ's mqadmin: the same names and flags")
  addDoctorCommand(program, session)
  program.commandsGroup('This program:')
  addContextCommand(program, session)
  addCompletionCommand(program, session, createProgram)
  program.helpCommand('help [command]', 'the same as COMMAND --help')
  const asked = words[0] === 'help' ? [...words.slice(1), '--help'] : words
  if (needsAdmin(asked)) {
    const { mountAdmin } = await import('./admin/mount-admin.ts')
    mountAdmin(program, asked[0]!, session)
  }
  configure(program, session)
  return program
}

/** Their verbs come with `mountAdmin`. */
function addNouns(program: Command): void {
  for (const [noun, { summary }] of Object.entries(NOUNS)) {
    const isServer = program.commands.some((command) => command.name() === noun)
    if (!isServer) program.command(noun).description(summary)
  }
}

/** `broker -c FILE` starts a server, `broker list` asks for one. */
function needsAdmin([first, second]: readonly string[]): boolean {
  if (first === 'admin') return true
  const noun = first !== undefined && Object.hasOwn(NOUNS, first) ? NOUNS[first] : undefined
  if (noun === undefined) return false
  if (!noun.isServer) return true
  return second !== undefined && (!second.startsWith('-') || second === '--help' || second === '-h')
}

/** Sub-commands inherit none of this. */
function configure(command: Command, session: Session): void {
  command
    .exitOverride((error) => {
      if (error.exitCode === 0 || error.code === 'commander.help') throw error
      throw usageError(oneLine(error.message), `${pathOf(command)} --help`)
    })
    .showSuggestionAfterError()
    // Also beside long names the text stays within the width.
    .configureHelp({ minWidthToWrap: 20 })
    .configureOutput({
      writeOut: (text) => void session.io.out.write(text),
      writeErr: (text) => void session.io.err.write(text),
      // Errors are written in one place, in the form that was asked for.
      outputError: () => {},
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS,
    })
  for (const one of command.commands) configure(one, session)
}

function oneLine(message: string): string {
  return message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
