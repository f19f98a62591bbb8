import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
  type Row,
} from '../../command.ts'
import type { ScanOptions } from '../../operations/queue-reader.ts'
import { column, numbers } from '../shared/columns.ts'
import { MESSAGE_AND_BODY_COLUMNS, MESSAGE_COLUMNS, messageRow } from '../shared/message-rows.ts'
import {
  BEGIN_TIMESTAMP,
  BROKER_NAME,
  END_TIMESTAMP,
  LMQ_CLUSTER,
  QUEUE_ID,
  TOPIC,
} from '../shared/options.ts'
import { counted, table } from '../shared/output.ts'

/** Rows shown at once. */
const PAGE_ROWS = 64

interface Options {
  readonly topic: string
  readonly charset?: string
  readonly subExpression?: string
  readonly beginMs?: number
  readonly endMs?: number
  readonly isBodyShown?: boolean
  readonly max?: number
}

const CHARSET = {
  flags: '-c, --charsetName <charset>',
  key: 'charset',
  help: 'character set of the bodies; default UTF-8',
}
const EXPRESSION = {
  flags: '-s, --subExpression <tags>',
  key: 'subExpression',
  help: 'TagA || TagB',
}
const TIME = 'now, milliseconds, yyyy-MM-dd#HH:mm:ss:SSS or ISO 8601'
const BEGIN = { ...BEGIN_TIMESTAMP, help: `stored at or after: ${TIME}` }
const MAX = { flags: '--max <count>', key: 'max', help: 'at most', type: 'int' } as const

/** Java: PrintMessageSubCommand. Codes 105, 29, 30, 31, 11. */
export const printMsg: AdminCommand = command<Options>({
  name: 'printMsg',
  path: ['message', 'print'],
  summary: 'Print the messages of a topic, queue after queue',
  options: [
    TOPIC,
    CHARSET,
    EXPRESSION,
    BEGIN,
    END_TIMESTAMP,
    {
      flags: '-d, --printBody <boolean>',
      key: 'isBodyShown',
      help: 'with bodies; default true',
      type: 'boolean',
    },
    { ...LMQ_CLUSTER, flags: '-l, --lmqParentTopic <topic>', key: 'lmqParentTopic' },
    MAX,
  ],
  examples: ['printMsg -t orders -b 2026-01-31#00:00:00:000', 'message print -t orders --max 10'],
  run: (context, { isBodyShown = true, ...options }) =>
    printed(context, { ...options, isBodyShown }),
})

interface QueueOptions extends Options {
  readonly brokerName: string
  readonly queueId: number
  readonly isPrinted?: boolean
  readonly isCounted?: boolean
}

/** Java: PrintMessageByQueueCommand. Codes 105, 29, 30, 31, 11. */
export const printMsgByQueue: AdminCommand = command<QueueOptions>({
  name: 'printMsgByQueue',
  path: null,
  summary: 'Print the messages of one queue, or count them by tag',
  options: [
    TOPIC,
    { ...BROKER_NAME, flags: '-a, --brokerName <name>' },
    QUEUE_ID,
    CHARSET,
    EXPRESSION,
    BEGIN,
    END_TIMESTAMP,
    {
      flags: '-p, --printMsg <boolean>',
      key: 'isPrinted',
      help: 'print the messages; default only with -f false',
      type: 'boolean',
    },
    {
      flags: '-d, --printBody <boolean>',
      key: 'isBodyShown',
      help: 'with bodies',
      type: 'boolean',
    },
    {
      flags: '-f, --calculate <boolean>',
      key: 'isCounted',
      help: 'count them by tag',
      type: 'boolean',
    },
    MAX,
  ],
  examples: ['printMsgByQueue -t orders -a broker-a -i 0 -f true'],
  async *run(context, { isPrinted, isCounted = false, isBodyShown = false, ...options }) {
    const tags = new Map<string, number>()
    const onMessage = (tag: string): void => {
      tags.set(tag, (tags.get(tag) ?? 0) + 1)
    }
    for await (const output of printed(context, { ...options, isBodyShown }, onMessage)) {
      if (isPrinted ?? !isCounted) yield output
    }
    if (isCounted) yield tagTable(tags)
  },
})

function tagTable(tags: ReadonlyMap<string, number>): CommandOutput {
  const rows = [...tags].map(([tag, count]) => ({ tag, count }))
  rows.sort((a, b) => b.count - a.count)
  return table([column('tag', 'TAG'), numbers('count', 'COUNT')], rows)
}

/** Pages of messages as they come. */
async function* printed(
  context: CommandContext,
  options: Options & ScanOptions,
  onMessage: (tag: string) => void = () => undefined,
): AsyncGenerator<CommandOutput> {
  const { topic, charset, isBodyShown, ...scan } = options
  const columns = isBodyShown === true ? MESSAGE_AND_BODY_COLUMNS : MESSAGE_COLUMNS
  let rows: Row[] = []
  let count = 0
  let isContinued = false
  for await (const message of context.admin.messages.scan(topic, {
    ...scan,
    signal: context.signal,
  })) {
    const { body, bodyEncoding, ...bare } = messageRow(message, charset)
    rows.push(isBodyShown === true ? { ...bare, body, bodyEncoding } : bare)
    onMessage(message.tags)
    count += 1
    if (rows.length < PAGE_ROWS) continue
    context.progress?.(counted(count, 'message'))
    yield { ...table(columns, rows), isContinued }
    isContinued = true
    rows = []
  }
  if (rows.length > 0 || !isContinued) yield { ...table(columns, rows), isContinued }
}
