import { type ArgumentHandler, type Complete, type OptionHandler, RootCommand } from '@bomb.sh/tab'
import type { Command } from 'commander'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import type { Session } from '../session.ts'
import type { CreateProgram } from './completion-command.ts'
import { contextNames, liveNames, type NameKind } from './live-names.ts'

/** Option values and words that are names of something, by how options and arguments are called. */
const KINDS: Readonly<Record<string, NameKind>> = {
  topic: 'topic',
  topics: 'topic',
  topicName: 'topic',
  group: 'group',
  groupName: 'group',
  consumerGroup: 'group',
  producerGroup: 'group',
  context: 'context',
  clusterName: 'cluster',
  broker: 'broker',
  brokerName: 'broker',
}

/** Of the bash-completion package, which not every machine has. */
const BASH_WORDS = `
if ! declare -F _get_comp_words_by_ref >/dev/null; then
  _get_comp_words_by_ref() {
    words=("\${COMP_WORDS[@]}")
    cword=$COMP_CWORD
    cur=\${COMP_WORDS[COMP_CWORD]}
    prev=\${COMP_WORDS[COMP_CWORD - 1]}
  }
fi
`

/** Prints the script that calls `apogee complete -- words`. */
export async function writeScript(shell: string, io: CliIo): Promise<number> {
  const text = printedBy(() => new RootCommand().setup('apogee', 'apogee', shell))
  // Who reads their .bashrc again would be told of constants that are there already.
  const script = shell === 'bash' ? `${text.replace(/^readonly /gm, '')}${BASH_WORDS}` : text
  await io.out.write(script)
  return ExitCode.OK
}

/** What tab prints by itself, as a text. */
function printedBy(task: () => void): string {
  const lines: string[] = []
  const { log } = console
  console.log = (line: unknown) => void lines.push(`${String(line)}\n`)
  try {
    task()
  } finally {
    console.log = log
  }
  return lines.join('')
}

/** Thrown by a handler of the first pass: the names it wants are fetched, and the words parsed again. */
class WantsNames extends Error {
  readonly kind: NameKind

  constructor(kind: NameKind) {
    super(`wants names of kind ${kind}`)
    this.kind = kind
  }
}

/** Prints what the last word can become. Never fails: a shell has no place for an error. */
export async function complete(
  session: Session,
  createProgram: CreateProgram,
  words: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const program = await createProgram(words, session)
  const names = new Map<NameKind, readonly string[]>()
  const root = tabRoot(program, (kind) => {
    const known = names.get(kind)
    if (known === undefined) throw new WantsNames(kind)
    return known
  })
  const parse = (): string => printedBy(() => root.parse([...words]))
  let text: string
  try {
    text = parse()
  } catch (error) {
    if (!(error instanceof WantsNames)) throw error
    names.set(error.kind, await namesOf(error.kind, words, session.io, signal))
    text = parse()
  }
  await session.io.out.write(text)
  return ExitCode.OK
}

async function namesOf(
  kind: NameKind,
  words: readonly string[],
  io: CliIo,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    return kind === 'context' ? contextNames(io) : await liveNames(kind, words, io, signal)
  } catch {
    // No cluster, no names: completing the rest still works, and a shell would show an error in the middle of the line.
    return []
  }
}

type Names = (kind: NameKind) => readonly string[]

function tabRoot(program: Command, names: Names): RootCommand {
  const root = new RootCommand()
  addParts(root, program, names)
  const visit = (command: Command, path: string): void => {
    for (const one of command.createHelp().visibleCommands(command)) {
      // Commander's own `help [command]` is no command of ours.
      if (one.name() === 'help') continue
      const onePath = path === '' ? one.name() : `${path} ${one.name()}`
      addParts(root.command(onePath, one.summary() || one.description()), one, names)
      visit(one, onePath)
    }
  }
  visit(program, '')
  return root
}

interface Target {
  option(
    value: string,
    description: string,
    handler?: OptionHandler | string,
    alias?: string,
  ): unknown
  argument(name: string, handler?: ArgumentHandler, variadic?: boolean): unknown
}

function addParts(target: Target, command: Command, names: Names): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const name = option.long?.replace(/^--/, '')
    if (name === undefined) continue
    const alias = option.short?.replace(/^-/, '')
    if (!option.required && !option.optional) {
      target.option(name, option.description, alias)
      continue
    }
    const complete = values(option.argChoices ?? [], KINDS[option.attributeName()], names)
    target.option(name, option.description, (add) => complete(add), alias)
  }
  for (const argument of command.registeredArguments) {
    const complete = values(argument.argChoices ?? [], KINDS[argument.name()], names)
    target.argument(argument.name(), (add) => complete(add), argument.variadic)
  }
}

function values(
  choices: readonly string[],
  kind: NameKind | undefined,
  names: Names,
): (add: Complete) => void {
  return (add) => {
    for (const choice of choices) add(choice, '')
    if (kind !== undefined) for (const name of names(kind)) add(name, '')
  }
}
