import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
} from '../../command.ts'
import { MESSAGE_AND_BODY_COLUMNS, messageRow } from '../shared/message-rows.ts'
import { END_TIMESTAMP, TOPIC } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly topic: string
  readonly brokerName?: string
  readonly queueId?: number
  readonly offset?: number
  readonly group?: string
  readonly beginMs?: number
  readonly endMs?: number
  readonly count: number
}

/** Java: ConsumeMessageCommand. Codes 105, 29, 30, 31, 11; 15 with a group. */
export const consumeMessage: AdminCommand = command<Options>({
  name: 'consumeMessage',
  path: ['message', 'consume'],
  summary: 'Read some messages of a topic; with a group and a queue, commit what was read',
  options: [
    TOPIC,
    { flags: '-b, --brokerName <name>', key: 'brokerName', help: 'only this broker' },
    { flags: '-i, --queueId <id>', key: 'queueId', help: 'only this queue; needs -b', type: 'int' },
    {
      flags: '-o, --offset <offset>',
      key: 'offset',
      help: 'from this offset; needs -i',
      type: 'long',
    },
    {
      flags: '-g, --consumerGroup <group>',
      key: 'group',
      help: 'commit for this group; needs -i',
    },
    {
      flags: '-s, --beginTimestamp <time>',
      key: 'beginMs',
      help: 'stored at or after',
      type: 'time',
    },
    END_TIMESTAMP,
    {
      flags: '-c, --MessageNumber <count>',
      key: 'count',
      help: 'how many',
      type: 'long',
      default: 128,
    },
  ],
  examples: ['consumeMessage -t orders -b broker-a -i 0 -o 1200 -c 10'],
  damage: ({ group, topic }) =>
    group === undefined ? null : `${group} does not see what is read of ${topic} any more.`,
  run: (context, options) => consume(context, options),
})

async function consume(context: CommandContext, options: Options): Promise<CommandOutput> {
  const { topic, brokerName, queueId, offset, group, count } = options
  if (queueId !== undefined && brokerName === undefined) throw usage('--queueId needs --brokerName')
  if (offset !== undefined && queueId === undefined) throw usage('--offset needs --queueId')
  if (group !== undefined && queueId === undefined) throw usage('--consumerGroup needs --queueId')
  const { admin, signal } = context
  const rows = []
  let next: number | null = null
  const scan = { ...options, max: count, signal }
  for await (const message of admin.messages.scan(topic, scan)) {
    rows.push(messageRow(message))
    next = message.queueOffset + 1
  }
  const isCommitted = group !== undefined && next !== null
  if (isCommitted) {
    const queue = await admin.offsets.queue(topic, brokerName!, queueId!)
    await admin.offsets.commit(group, queue, next!)
  }
  const notes = isCommitted ? [`${group} is now at offset ${next} of queue ${queueId}`] : []
  return table(MESSAGE_AND_BODY_COLUMNS, rows, { notes })
}

function usage(message: string): AdminError {
  return new AdminError(AdminErrorCode.USAGE, message)
}
