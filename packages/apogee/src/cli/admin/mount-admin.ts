// Puts the commands of @apogee/admin under `admin` (mqadmin's names) and under their nouns.
import {
  type AdminCommand,
  adminCommands,
  type UnsupportedCommand,
  unsupportedCommands,
} from '@apogee/admin'
import type { Command } from 'commander'
import { examples } from '../../commands/options.ts'
import { addConnectionOptions } from '../context/connection.ts'
import { addOutputOptions } from '../output/output-options.ts'
import type { Session } from '../session.ts'
import { addDeclaredOptions, takenFlags } from './admin-options.ts'
import { notSupported } from './not-supported.ts'
import { NOUNS } from './nouns.ts'
import type { AdminFlags } from './run-admin.ts'

/** mqadmin's verbs that change something: looking at them again and again makes no sense. */
const CHANGES =
  /^(?:add|clean|clone|consume|copy|create|delete|export|init|elect|put|remove|rename|reset|resend|send|set|skip|start|switch|sync|trigger|update|wipe)/i

/** The commands of one noun, or all of `admin`. */
export function mountAdmin(program: Command, word: string, session: Session): void {
  const parent = program.commands.find((command) => command.name() === word)
  if (parent === undefined) return
  if (word === 'admin') {
    mountMqadmin(parent, session)
    return
  }
  if (NOUNS[word]?.isServer === true) {
    // `broker -c FILE` starts one, `broker status -c NAME` asks those of a cluster: what stands after a verb is its own.
    program.enablePositionalOptions()
    parent.enablePositionalOptions()
  }
  mountNoun(parent, word, session)
}

function mountMqadmin(parent: Command, session: Session): void {
  for (const command of adminCommands) {
    if (command.name !== null) mount(parent, command.name, command, session, false)
  }
  for (const one of unsupportedCommands) addNotSupported(parent, one, session)
  parent.addHelpText(
    'after',
    examples(
      'apogee admin clusterList -n 127.0.0.1:9876',
      'apogee admin updateTopic -t orders -c DefaultCluster -r 8 -w 8',
      'apogee admin consumerProgress -g billing -o json',
    ),
  )
}

/** Hidden from the list; who calls one is told why there is none. */
function addNotSupported(parent: Command, one: UnsupportedCommand, session: Session): void {
  parent
    .command(one.name, { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(() =>
      session.perform(async () => {
        throw notSupported(one)
      }),
    )
}

function mountNoun(parent: Command, noun: string, session: Session): void {
  const isServer = NOUNS[noun]?.isServer === true
  if (isServer) parent.commandsGroup(`Administration of a running ${noun}:`)
  const lines: string[] = []
  for (const command of adminCommands) {
    if (command.path === null || command.path[0] !== noun) continue
    mount(parent, command.path[1], command, session, true)
    const example = command.examples.find((one) => one.startsWith(`${noun} `))
    if (example !== undefined) lines.push(`apogee ${example}`)
  }
  if (!isServer && lines.length > 0) parent.addHelpText('after', examples(...lines.slice(0, 4)))
}

function mount(
  parent: Command,
  verb: string,
  command: AdminCommand,
  session: Session,
  hasArguments: boolean,
): void {
  const taken = takenFlags(command)
  const target = parent.command(verb).description(`${command.summary}.`)
  if (hasArguments) {
    for (const one of command.arguments ?? []) target.argument(bracketed(one.name), one.help)
  }
  addDeclaredOptions(target, command, hasArguments)
  if (command.damage !== undefined) {
    target.optionsGroup('Options:')
    target.option('--yes', 'do not ask (APOGEE_YES=1)')
  }
  addConnectionOptions(target)
  if (!taken.has('--timeout')) target.option('--timeout <span>', 'for one request (default: 5s)')
  addOutputOptions(target, taken.has('-o'))
  if (!taken.has('--watch') && canWatch(command)) {
    target.option('--watch <seconds>', 'again every so often, until Ctrl-C')
  }
  target.option('--verbose', 'show the stack of an error')
  target.addHelpText('after', examples(...examplesOf(command, hasArguments)))
  target.action(async () => {
    await session.perform(async (signal) => {
      const { runAdminCommand } = await import('./run-admin.ts')
      const words = hasArguments ? target.args : []
      return await runAdminCommand(session.io, command, target.opts<AdminFlags>(), words, signal)
    })
  })
}

/** Words of a noun-verb form are never needed: the option of the same key can stand in. */
function bracketed(name: string): string {
  return `[${name.replace(/^[<[]|[>\]]$/g, '')}]`
}

function canWatch(command: AdminCommand): boolean {
  const names = [command.name, command.path?.[1]].filter((name) => typeof name === 'string')
  return command.damage === undefined && !names.some((name) => CHANGES.test(name))
}

/** A command's examples in the form it is mounted in; one made of the other form's when it has none. */
function examplesOf(command: AdminCommand, isNoun: boolean): string[] {
  const path = command.path?.join(' ')
  const own = isNoun ? path : command.name
  const other = isNoun ? command.name : path
  const begin = isNoun ? 'apogee' : 'apogee admin'
  const found = command.examples.filter((one) => one === own || one.startsWith(`${own} `))
  if (found.length > 0) return found.map((one) => `${begin} ${one}`)
  // Words without a dash have no place in mqadmin's form.
  const words = command.options.filter(
    (option) => option.required === true || option.oneOf !== undefined,
  )
  const translated = command.examples.find((one) => one.startsWith(`${other} -`))
  if (translated !== undefined) return [`${begin} ${own}${translated.slice(other?.length)}`]
  const needed = words.map((option) => option.flags.replace(/^-\w, /, '')).slice(0, 2)
  return [[begin, own, ...needed].join(' ')]
}
