import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
} from '../../command.ts'
import type { FoundMessage } from '../../operations/found-message.ts'
import { column, numbers } from '../shared/columns.ts'
import { consumeDirectly } from '../shared/direct-consume.ts'
import { MESSAGE_AND_BODY_COLUMNS, messageRow } from '../shared/message-rows.ts'
import { messageView } from '../shared/message-view.ts'
import { LMQ_CLUSTER, TOPIC } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface ByIdOptions {
  readonly topic: string
  readonly msgIds: readonly string[]
  readonly group?: string
  readonly clientId?: string
  readonly isSentAgain?: boolean
  readonly charset?: string
}

const GROUP = {
  flags: '-g, --consumerGroup <group>',
  key: 'group',
  help: 'hand the message to a consumer of this group',
}
const CLIENT = {
  flags: '-d, --clientId <id>',
  key: 'clientId',
  help: 'to this one; default any',
}

/** Java: QueryMsgByIdSubCommand. Codes 33; 203, 208, 300 for what became of it; 309 with -g; 310 with -s. */
export const queryMsgById: AdminCommand = command<ByIdOptions>({
  name: 'queryMsgById',
  path: null,
  summary: 'Show messages by their offset id, hand them to a consumer or send them again',
  options: [
    TOPIC,
    {
      flags: '-i, --msgId <list>',
      key: 'msgIds',
      help: 'offset ids, separated by commas',
      type: 'list',
      required: true,
    },
    GROUP,
    CLIENT,
    {
      flags: '-s, --sendMessage <boolean>',
      key: 'isSentAgain',
      help: 'send the message to its topic again',
      type: 'boolean',
    },
    { flags: '-u, --unitName <name>', key: 'unitName', help: 'unit', ignored: true },
    { flags: '-f, --bodyFormat <charset>', key: 'charset', help: 'character set of the body' },
    LMQ_CLUSTER,
  ],
  examples: ['queryMsgById -n 10.0.0.1:9876 -t orders -i 0A00000100002A9F0000000000001C2E'],
  async run(context, options) {
    const { msgIds, group, clientId, isSentAgain, charset } = options
    const messages: FoundMessage[] = []
    for (const id of msgIds) messages.push(await context.admin.messages.byOffsetId(id))
    if (isSentAgain === true) return sendAgain(context, messages)
    if (group !== undefined) return consumeDirectly(context, group, clientId, messages)
    const [only] = messages
    if (only === undefined) throw new AdminError(AdminErrorCode.USAGE, '--msgId is empty')
    if (messages.length === 1) return messageView(context, only, charset)
    return table(
      MESSAGE_AND_BODY_COLUMNS,
      messages.map((one) => messageRow(one, charset)),
    )
  },
})

async function sendAgain(
  { admin }: CommandContext,
  messages: readonly FoundMessage[],
): Promise<CommandOutput> {
  const columns = [
    column('msgId', 'MESSAGE ID'),
    column('status', 'STATUS'),
    column('newOffsetMsgId', 'NEW OFFSET ID'),
    column('broker', 'BROKER'),
    numbers('queueId', 'QUEUE'),
    numbers('queueOffset', 'OFFSET'),
  ]
  const rows = []
  for (const message of messages) {
    const { topic, body, properties } = message
    const place = await admin.messages.placeFor(topic)
    const sent = await admin.messages.send({ topic, body, properties }, place)
    rows.push({
      msgId: message.msgId,
      status: sent.status,
      newOffsetMsgId: sent.offsetMsgId,
      broker: sent.brokerName,
      queueId: sent.queueId,
      queueOffset: sent.queueOffset,
    })
  }
  return table(columns, rows)
}

interface ByUniqKeyOptions {
  readonly topic: string
  readonly msgId: string
  readonly group?: string
  readonly clientId?: string
  readonly areAllShown?: boolean
  readonly beginMs?: number
  readonly endMs?: number
}

/** Java: QueryMsgByUniqueKeySubCommand. Codes 105, 12; 203, 208, 300; 309 with -g. */
export const queryMsgByUniqueKey: AdminCommand = command<ByUniqKeyOptions>({
  name: 'queryMsgByUniqueKey',
  path: null,
  summary: 'Show a message by the id that its producer gave it',
  options: [
    {
      flags: '-i, --msgId <id>',
      key: 'msgId',
      help: 'the id, 32 hex digits',
      required: true,
    },
    GROUP,
    CLIENT,
    TOPIC,
    { flags: '-a, --showAll', key: 'areAllShown', help: 'all that have this id, 32 at most' },
    {
      flags: '-s, --startTime <time>',
      key: 'beginMs',
      help: 'stored at or after',
      type: 'time',
    },
    { flags: '-e, --endTime <time>', key: 'endMs', help: 'stored before', type: 'time' },
    LMQ_CLUSTER,
  ],
  examples: ['queryMsgByUniqueKey -t orders -i 7F0000010A2C18B4AAC2937E5E2B0000'],
  async run(context, { topic, msgId, group, clientId, areAllShown, beginMs, endMs }) {
    const range = { beginMs, endMs, max: 32 }
    const { results, problems } = await context.admin.messages.byUniqKey(topic, msgId, range)
    if (group !== undefined) return consumeDirectly(context, group, clientId, results.slice(0, 1))
    const [first] = results
    if (areAllShown === true || first === undefined) {
      return table(
        MESSAGE_AND_BODY_COLUMNS,
        results.map((one) => messageRow(one)),
        { problems },
      )
    }
    return messageView(context, first)
  },
})
