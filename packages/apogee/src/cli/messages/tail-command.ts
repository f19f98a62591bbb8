import { type Command, Option } from 'commander'
import { examples } from '../../commands/options.ts'
import { addConnectionOptions, type ConnectionFlags } from '../context/connection.ts'
import type { Session } from '../session.ts'
import {
  addMessageOutputOptions,
  FORMAT_HELP,
  type MessageOutputFlags,
  repeated,
  wholeNumber,
} from './message-options.ts'

export interface TailFlags extends ConnectionFlags, MessageOutputFlags {
  readonly from: string
  readonly key: string[]
  readonly tag?: string
  readonly sql?: string
  readonly broker?: string
  readonly queue?: number
  readonly max?: number
  readonly until?: string
  /** False with --no-follow. */
  readonly follow: boolean
  readonly timeout?: string
}

/** `apogee tail TOPIC`: reads without a group, so that nobody else gets less. */
export function addTailCommand(program: Command, session: Session): void {
  const tail = program
    .command('tail')
    .argument('<topic>', 'the topic; %RETRY%group and %DLQ%group work too')
    .description(
      'Show messages as they come, or from the past. Disturbs nobody: no group, no offsets.',
    )
    .summary('show messages as they come, without a group')
    .optionsGroup('What:')
    .option(
      '--from <where>',
      'first, last, -10 (so many before the end), an offset, a time, 10m (ago)',
      'last',
    )
    .option('--key <key>', 'only messages with this key; may be repeated', repeated, [])
    .option('--tag <expression>', 'only these tags: "created || paid"')
    .addOption(
      new Option('--sql <expression>', 'only what SQL92 finds: "amount > 100"').conflicts('tag'),
    )
    .option('--broker <name>', 'only the queues of this broker')
    .option('--queue <id>', 'only the queues with this id', wholeNumber())
    .option('--max <count>', 'end after so many messages', wholeNumber(1))
    .option('--until <time>', 'end with messages stored at this time or later')
    .option('--no-follow', 'end with what is stored now')
  addMessageOutputOptions(tail)
  addConnectionOptions(tail)
    .option('--timeout <span>', 'for one request (default: 5s)')
    .option('--verbose', 'show the stack of an error')
    .addHelpText(
      'after',
      `${examples(
        'apogee tail orders',
        'apogee tail orders --from 10m --tag paid',
        'apogee tail orders --from first --no-follow | jq -r .body',
        "apogee tail orders --format '{{time}} {{queue}}:{{offset}} {{key}} {{body}}'",
      )}${FORMAT_HELP}`,
    )
    .action((topic: string, flags: TailFlags) =>
      session.perform(async (signal) => {
        const { tail: run } = await import('./tail.ts')
        return await run(session.io, topic, flags, signal)
      }),
    )
}
