import { Argument, type Command } from 'commander'
import { examples } from '../../commands/options.ts'
import type { Session } from '../session.ts'

/** Makes the command line for words: with the commands of the noun that they begin with. */
export type CreateProgram = (words: readonly string[], session: Session) => Promise<Command>

/** `apogee completion SHELL`, and the hidden `complete -- words` that its script calls. */
export function addCompletionCommand(
  program: Command,
  session: Session,
  createProgram: CreateProgram,
): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'whose script').choices(['bash', 'zsh', 'fish']))
    .description(
      'Print a script for your shell that completes commands, options, topics and groups.',
    )
    .summary('print a completion script for your shell')
    .addHelpText(
      'after',
      examples(
        'source <(apogee completion bash)',
        'apogee completion zsh > ~/.zfunc/_apogee',
        'apogee completion fish > ~/.config/fish/completions/apogee.fish',
      ),
    )
    .action((shell: string) =>
      session.perform(async () => {
        const { writeScript } = await import('./complete.ts')
        return await writeScript(shell, session.io)
      }),
    )
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action((words: string[]) =>
      session.perform(async (signal) => {
        const { complete } = await import('./complete.ts')
        return await complete(session, createProgram, words, signal)
      }),
    )
}
