import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import { type AdminCommand, command } from '../../command.ts'
import type { MessageQuery } from '../../operations/message-operations.ts'
import { consumeDirectly } from '../shared/direct-consume.ts'
import { MESSAGE_COLUMNS, messageRow } from '../shared/message-rows.ts'
import { messageView } from '../shared/message-view.ts'
import { CONSUMER_GROUP, optional, TOPIC } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface FindOptions {
  readonly topic?: string
  readonly id?: string
  readonly key?: string
  readonly beginMs?: number
  readonly endMs?: number
  readonly max: number
}

/** Codes 105, 12, 33; 11, 29, 30, 31 by time. */
export const messageFind: AdminCommand = command<FindOptions>({
  name: null,
  path: ['message', 'find'],
  summary: 'Find messages by id, by key or by time',
  options: [
    optional(TOPIC),
    { flags: '--id <id>', key: 'id', help: "the producer's id (with its topic) or the offset id" },
    { flags: '--key <key>', key: 'key', help: 'one of its keys' },
    {
      flags: '--begin <time>',
      key: 'beginMs',
      help: 'stored at or after: ISO 8601, milliseconds, -90m',
      type: 'time',
    },
    { flags: '--end <time>', key: 'endMs', help: 'stored before; default now', type: 'time' },
    { flags: '--max <count>', key: 'max', help: 'at most', type: 'int', default: 64 },
  ],
  examples: [
    'message find -t orders --key order-4711',
    'message find -t orders --begin -10m --max 20',
    'message find --id 0A00000100002A9F0000000000001C2E',
  ],
  async run({ admin, clock }, options) {
    const { results, problems } = await admin.messages.find(queryOf(options, clock.wallMs()))
    return table(
      MESSAGE_COLUMNS,
      results.map((one) => messageRow(one)),
      { problems },
    )
  },
})

function queryOf({ topic, id, key, ...range }: FindOptions, nowMs: number): MessageQuery {
  if (id !== undefined) return { id, topic }
  if (topic === undefined) throw usage('--topic is needed, or --id with an offset id')
  if (key !== undefined) return { topic, key, ...range }
  const { beginMs, endMs = nowMs, max } = range
  if (beginMs === undefined) throw usage('--id, --key or --begin is needed')
  return { topic, beginMs, endMs, max }
}

function usage(message: string): AdminError {
  return new AdminError(AdminErrorCode.USAGE, message)
}

interface ShowOptions {
  readonly id: string
  readonly topic?: string
  readonly charset?: string
}

const ID = { key: 'id', name: '<id>', help: "the producer's id or the offset id", required: true }

/** Codes 105, 12, 33; 203, 208, 300 for what became of it. */
export const messageShow: AdminCommand = command<ShowOptions>({
  name: null,
  path: ['message', 'show'],
  summary: 'Show one message whole, and what each consumer group made of it',
  options: [
    { ...optional(TOPIC), help: "its topic; needed with the producer's id" },
    { flags: '-f, --bodyFormat <charset>', key: 'charset', help: 'character set of the body' },
  ],
  arguments: [ID],
  examples: ['message show 7F0000010A2C18B4AAC2937E5E2B0000 -t orders'],
  async run(context, { id, topic, charset }) {
    const { results } = await context.admin.messages.find({ id, topic })
    return messageView(context, results[0]!, charset)
  },
})

interface ResendOptions {
  readonly id: string
  readonly topic?: string
  readonly group: string
  readonly clientId?: string
}

/** Codes 105, 12, 33, 203, 309. */
export const messageResend: AdminCommand = command<ResendOptions>({
  name: null,
  path: ['message', 'resend'],
  summary: 'Hand a message to a consumer again, now, and show what its handler made of it',
  options: [
    { ...optional(TOPIC), help: "its topic; needed with the producer's id" },
    CONSUMER_GROUP,
    { flags: '--clientId <id>', key: 'clientId', help: 'to this consumer; default any' },
  ],
  arguments: [ID],
  examples: ['message resend 7F0000010A2C18B4AAC2937E5E2B0000 -t orders -g billing'],
  async run(context, { id, topic, group, clientId }) {
    const { results } = await context.admin.messages.find({ id, topic })
    return consumeDirectly(context, group, clientId, results.slice(0, 1))
  },
})
