import { type Command, Option } from 'commander'
import { examples } from '../../commands/options.ts'
import { addConnectionOptions, type ConnectionFlags } from '../context/connection.ts'
import type { Session } from '../session.ts'
import { repeated, wholeNumber } from './message-options.ts'

export interface SendFlags extends ConnectionFlags {
  readonly file?: string
  readonly lines?: boolean
  readonly jsonLines?: boolean
  readonly tag?: string
  readonly key: readonly string[]
  readonly property: readonly string[]
  readonly delayLevel?: number
  readonly delay?: string
  readonly shardingKey?: string
  readonly group?: string
  readonly count: number
  readonly inFlight: number
  readonly timeout: string
  readonly trace?: boolean
  readonly output?: 'text' | 'json'
}

const JSON_LINES_HELP = `
Members of a line of --json-lines: body (a text, or any JSON) or bodyBase64,
tag, keys, properties, shardingKey, delayLevel, delayMs. Others are passed over,
so that what tail and consume print can be sent.
`

/** `apogee send TOPIC [body]`. */
export function addSendCommand(program: Command, session: Session): void {
  const send = program
    .command('send')
    .argument('<topic>', 'the topic')
    .argument('[body]', 'the body; without it, --file or standard input is read')
    .description('Send messages, and tell where each was stored.')
    .summary('send messages')
  addSendOptions(send)
  addConnectionOptions(send)
    .optionsGroup('Output:')
    .addOption(
      new Option(
        '-o, --output <form>',
        'text (on a terminal), or a line of JSON each (elsewhere)',
      ).choices(['text', 'json']),
    )
    .option('--verbose', 'show the stack of an error')
    .addHelpText(
      'after',
      `${examples(
        'apogee send orders "first one" --tag created --key 4711',
        'echo \'{"id":1}\' | apogee send orders',
        'apogee send orders --file bodies.txt --lines',
        'apogee tail old --from first --no-follow | apogee send new --json-lines',
      )}${JSON_LINES_HELP}`,
    )
    .action((topic: string, body: string | undefined, flags: SendFlags) =>
      session.perform(async (signal) => {
        const { send: run } = await import('./send.ts')
        return await run(session.io, topic, body ?? null, flags, signal)
      }),
    )
}

function addSendOptions(send: Command): void {
  send
    .optionsGroup('Bodies:')
    .option('--file <path>', 'read the body from a file; - is standard input')
    .addOption(new Option('--lines', 'one message for each line'))
    .addOption(new Option('--json-lines', 'one message for each line of JSON').conflicts('lines'))
    .option('--count <number>', 'send each so many times', wholeNumber(1), 1)
    .optionsGroup('Messages:')
    .option('--tag <tag>', 'the tag that subscriptions name')
    .option('--key <key>', 'a key to find it by; may be repeated', repeated, [])
    .option('--property <name=value>', 'a property of your own; may be repeated', repeated, [])
    .option(
      '--delay-level <level>',
      'deliver after the time of this level, 1 to 18',
      wholeNumber(1, 18),
    )
    .addOption(
      new Option('--delay <span>', 'deliver after this time, for brokers with timers').conflicts(
        'delayLevel',
      ),
    )
    .option('--sharding-key <key>', 'equal keys go to one queue, in order')
    .option('--trace', 'send trace messages too')
    .optionsGroup('Sending:')
    .option('--group <name>', 'producer group')
    .option('--in-flight <number>', 'messages under way at once', wholeNumber(1, 10_000), 32)
    .option('--timeout <span>', 'for one message, with its attempts', '3s')
}
