import { type Command, Option } from 'commander'
import { examples } from '../../commands/options.ts'
import { addConnectionOptions, type ConnectionFlags } from '../context/connection.ts'
import type { Session } from '../session.ts'
import {
  addMessageOutputOptions,
  FORMAT_HELP,
  type MessageOutputFlags,
  wholeNumber,
} from './message-options.ts'

export interface ConsumeFlags extends ConnectionFlags, MessageOutputFlags {
  readonly group: string
  readonly from: string
  readonly tag?: string
  readonly sql?: string
  readonly ordered?: boolean
  readonly broadcast?: boolean
  readonly max?: number
  readonly timeout?: string
}

/** `apogee consume TOPIC...`: a member of a group, which acknowledges what it has shown. */
export function addConsumeCommand(program: Command, session: Session): void {
  const consume = program
    .command('consume')
    .argument('<topics...>', 'one or more topics')
    .description('Consume messages as a member of a group; what was shown is acknowledged.')
    .summary('consume messages as a member of a group')
    .requiredOption('--group <name>', 'consumer group')
    .optionsGroup('What:')
    .addOption(
      new Option(
        '--from <where>',
        'where a new group begins: first, last, a time, 10m (ago)',
      ).default('last'),
    )
    .option('--tag <expression>', 'only these tags: "created || paid"')
    .addOption(
      new Option('--sql <expression>', 'only what SQL92 finds: "amount > 100"').conflicts('tag'),
    )
    .option('--ordered', 'each queue in its order, locked for this member')
    .addOption(new Option('--broadcast', 'every member gets every message').conflicts('ordered'))
    .option('--max <count>', 'end after so many messages', wholeNumber(1))
    .option(
      '--timeout <span>',
      'end when nothing has come for this long; 4 when --max was not reached',
    )
  addMessageOutputOptions(consume)
  addConnectionOptions(consume)
    .option('--verbose', 'show the stack of an error')
    .addHelpText(
      'after',
      `${examples(
        'apogee consume orders --group billing',
        'apogee consume orders --group billing --from first --max 10 --timeout 5s',
        "apogee consume orders audit --group g --format '{{topic}} {{body}}'",
      )}
A member joins and leaves the group: others of it get fewer queues meanwhile.
To only look, use \`apogee tail\`.
${FORMAT_HELP}`,
    )
    .action((topics: string[], flags: ConsumeFlags) =>
      session.perform(async (signal) => {
        const { consume: run } = await import('./consume.ts')
        return await run(session.io, topics, flags, signal)
      }),
    )
}
