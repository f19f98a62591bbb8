import { dlqTopicOf, MessageConst } from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
  type Problem,
  type Row,
} from '../../command.ts'
import { problemOf } from '../../operations/answers.ts'
import type { FoundMessage } from '../../operations/found-message.ts'
import { column, numbers } from '../shared/columns.ts'
import { messageRow } from '../shared/message-rows.ts'
import { DRY_RUN, GROUP_ARGUMENT, GROUP_NAME } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly group: string
  readonly beginMs?: number
  readonly endMs?: number
  readonly max: number
}

const RANGE = [
  {
    flags: '--begin <time>',
    key: 'beginMs',
    help: 'dead since: ISO 8601, milliseconds, -90m',
    type: 'time',
  },
  { flags: '--end <time>', key: 'endMs', help: 'dead before', type: 'time' },
  { flags: '--max <count>', key: 'max', help: 'at most', type: 'int', default: 64 },
] as const

const COLUMNS = [
  column('msgId', 'MESSAGE ID'),
  column('originTopic', 'TOPIC'),
  column('tags', 'TAGS'),
  column('keys', 'KEYS'),
  numbers('reconsumeTimes', 'RETRIES'),
  column('storedAtMs', 'DEAD SINCE'),
  numbers('bodyBytes', 'BYTES'),
]

/** Codes 105, 29, 30, 31, 11. Reads beside consumers: nothing is committed. */
export const dlqList: AdminCommand = command<Options>({
  name: null,
  path: ['dlq', 'list'],
  summary: "List the messages in a group's dead-letter topic",
  options: [GROUP_NAME, ...RANGE],
  arguments: [GROUP_ARGUMENT],
  examples: ['dlq list billing', 'dlq list billing --begin -1d --max 500'],
  async run(context, options) {
    const rows = (await deadOf(context, options)).map((message) => ({
      ...messageRow(message),
      originTopic: originOf(message),
    }))
    return table(COLUMNS, rows)
  },
})

interface ResendOptions extends Options {
  readonly dryRun?: boolean
}

const RESENT_COLUMNS = [
  column('msgId', 'MESSAGE ID'),
  column('originTopic', 'TOPIC'),
  column('result', 'RESULT'),
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  numbers('queueOffset', 'OFFSET'),
]

/** Codes as for dlq list, and 310. The dead letters stay where they are. */
export const dlqResend: AdminCommand = command<ResendOptions>({
  name: null,
  path: ['dlq', 'resend'],
  summary: 'Send dead letters of a group to their topics again',
  options: [GROUP_NAME, ...RANGE, DRY_RUN],
  arguments: [GROUP_ARGUMENT],
  examples: ['dlq resend billing --begin -1h --dry-run'],
  damage: ({ group, dryRun }) =>
    dryRun === true
      ? null
      : `Every group that reads the topics gets the dead letters of ${group} once more, not only ${group}.`,
  run: (context, options) => resend(context, options),
})

async function resend(context: CommandContext, options: ResendOptions): Promise<CommandOutput> {
  const rows: Row[] = []
  const problems: Problem[] = []
  for (const message of await deadOf(context, options)) {
    const { msgId } = message
    const originTopic = originOf(message)
    if (options.dryRun === true || originTopic === null) {
      const result = originTopic === null ? 'its topic is not known' : 'would be sent'
      rows.push({ msgId, originTopic, result })
      continue
    }
    try {
      rows.push({ msgId, originTopic, ...(await sendTo(context, originTopic, message)) })
    } catch (error) {
      problems.push(problemOf(msgId, error))
      rows.push({ msgId, originTopic, result: 'failed' })
    }
  }
  return table(RESENT_COLUMNS, rows, { problems })
}

async function sendTo(
  { admin }: CommandContext,
  topic: string,
  message: FoundMessage,
): Promise<Row> {
  const properties = new Map(message.properties)
  for (const name of OF_THE_RETRY) properties.delete(name)
  const place = await admin.messages.placeFor(topic)
  const sent = await admin.messages.send({ topic, body: message.body, properties }, place)
  const { status, brokerName, queueId, queueOffset } = sent
  return { result: status, broker: brokerName, queueId, queueOffset }
}

/** What retrying has added: a message sent again starts anew. */
const OF_THE_RETRY: readonly string[] = [
  MessageConst.RETRY_TOPIC,
  MessageConst.RECONSUME_TIME,
  MessageConst.MAX_RECONSUME_TIMES,
  MessageConst.DELAY_TIME_LEVEL,
  MessageConst.REAL_TOPIC,
  MessageConst.REAL_QUEUE_ID,
  MessageConst.ORIGIN_MESSAGE_ID,
  MessageConst.DLQ_ORIGIN_TOPIC,
  MessageConst.DLQ_ORIGIN_MESSAGE_ID,
  MessageConst.CONSUME_START_TIMESTAMP,
]

function originOf({ properties }: FoundMessage): string | null {
  const origin = properties.get(MessageConst.DLQ_ORIGIN_TOPIC)
  return origin ?? properties.get(MessageConst.RETRY_TOPIC) ?? null
}

/** A group without a dead-letter topic has no dead letters. */
async function deadOf(
  { admin, signal }: CommandContext,
  { group, ...range }: Options,
): Promise<FoundMessage[]> {
  const topic = dlqTopicOf(group)
  const messages: FoundMessage[] = []
  try {
    await requireReadable(admin, topic)
    for await (const message of admin.messages.scan(topic, { ...range, signal })) {
      messages.push(message)
    }
  } catch (error) {
    const isNone = error instanceof AdminError && error.code === AdminErrorCode.TOPIC_NOT_FOUND
    if (!isNone) throw error
    await admin.groups.describe(group)
  }
  return messages
}

/** Brokers of 4.x make dead-letter topics that may only be written. */
async function requireReadable(admin: CommandContext['admin'], topic: string): Promise<void> {
  if ((await admin.offsets.queues(topic)).length > 0) return
  throw new AdminError(AdminErrorCode.NO_PERMISSION, `${topic} may not be read`, {
    hint: `topic perm '${topic}' -p 6`,
  })
}
