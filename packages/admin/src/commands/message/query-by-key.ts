import { type AdminCommand, command } from '../../command.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import { MESSAGE_COLUMNS, messageRow } from '../shared/message-rows.ts'
import { messageView } from '../shared/message-view.ts'
import {
  BEGIN_TIMESTAMP,
  BROKER_NAME,
  END_TIMESTAMP,
  LMQ_CLUSTER,
  QUEUE_ID,
  TOPIC,
} from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface ByKeyOptions {
  readonly topic: string
  readonly key: string
  readonly keyType: 'K' | 'T'
  readonly beginMs?: number
  readonly endMs?: number
  readonly max: number
}

/** Java: QueryMsgByKeySubCommand. Codes 105, 12. */
export const queryMsgByKey: AdminCommand = command<ByKeyOptions>({
  name: 'queryMsgByKey',
  path: null,
  summary: 'List the messages with a key',
  options: [
    TOPIC,
    { flags: '-k, --msgKey <key>', key: 'key', help: 'the key', required: true },
    BEGIN_TIMESTAMP,
    END_TIMESTAMP,
    { flags: '-m, --maxNum <count>', key: 'max', help: 'at most', type: 'int', default: 64 },
    {
      flags: '-p, --keyType <type>',
      key: 'keyType',
      help: 'K: a key; T: a tag, where brokers index tags (RocksDB indexes of 5.4 and later)',
      choices: ['K', 'T'],
      default: 'K',
    },
    {
      flags: '-l, --lastKey <key>',
      key: 'lastKey',
      help: 'where RocksDB indexes go on',
      ignored: true,
    },
    LMQ_CLUSTER,
  ],
  examples: ['queryMsgByKey -n 10.0.0.1:9876 -t orders -k order-4711'],
  async run({ admin }, { topic, key, keyType, ...range }) {
    const { results, problems } =
      keyType === 'T'
        ? await admin.messages.byTag(topic, key, range)
        : await admin.messages.byKey(topic, key, range)
    return table(
      MESSAGE_COLUMNS,
      results.map((one) => messageRow(one)),
      { problems },
    )
  },
})

interface ByOffsetOptions {
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
  readonly offset: number
  readonly charset?: string
}

/** Java: QueryMsgByOffsetSubCommand. Codes 105, 11; 203, 208, 300. */
export const queryMsgByOffset: AdminCommand = command<ByOffsetOptions>({
  name: 'queryMsgByOffset',
  path: null,
  summary: 'Show the message at an offset of a queue',
  options: [
    TOPIC,
    BROKER_NAME,
    QUEUE_ID,
    {
      flags: '-o, --offset <offset>',
      key: 'offset',
      help: 'the offset',
      type: 'long',
      required: true,
    },
    { flags: '-f, --bodyFormat <charset>', key: 'charset', help: 'character set of the body' },
    {
      flags: '-r, --routeTopic <topic>',
      key: 'routeTopic',
      help: 'parent topic of an LMQ',
      ignored: true,
    },
  ],
  examples: ['queryMsgByOffset -t orders -b broker-a -i 0 -o 1200'],
  async run(context, { topic, brokerName, queueId, offset, charset }) {
    const found = await context.admin.messages.byOffset(topic, brokerName, queueId, offset)
    return messageView(context, found, charset)
  },
})

interface TraceOptions {
  readonly msgId: string
  readonly traceTopic?: string
  readonly beginMs?: number
  readonly endMs?: number
  readonly max: number
}

const TRACE_COLUMNS = [
  column('type', 'TYPE'),
  column('seenAtMs', 'TIME'),
  column('group', 'GROUP'),
  column('clientHost', 'CLIENT'),
  numbers('costMs', 'MS'),
  column('isSuccess', 'OK'),
  numbers('retryTimes', 'RETRY'),
  ...wide(
    column('topic', 'TOPIC'),
    column('tags', 'TAGS'),
    column('keys', 'KEYS'),
    column('storeHost', 'STORED AT'),
    column('transactionState', 'TRANSACTION'),
  ),
]

/** Java: QueryMsgTraceByIdSubCommand. Codes 105, 12. */
export const queryMsgTraceById: AdminCommand = command<TraceOptions>({
  name: 'queryMsgTraceById',
  path: ['message', 'trace'],
  summary: 'Show what clients noted about a message: sent, consumed, how long it took',
  options: [
    { flags: '-i, --msgId <id>', key: 'msgId', help: 'the id of the message', required: true },
    {
      flags: '-t, --traceTopic <topic>',
      key: 'traceTopic',
      help: 'where traces are; default RMQ_SYS_TRACE_TOPIC',
    },
    BEGIN_TIMESTAMP,
    END_TIMESTAMP,
    { flags: '-c, --maxNum <count>', key: 'max', help: 'at most', type: 'int', default: 64 },
  ],
  arguments: [{ key: 'msgId', name: '<id>', help: 'the id of the message', required: true }],
  examples: ['message trace 7F0000010A2C18B4AAC2937E5E2B0000'],
  async run({ admin }, { msgId, traceTopic, ...range }) {
    const { results, problems } = await admin.messages.traces(msgId, traceTopic, range)
    const rows = results.map(({ atMs, ...rest }) => ({ ...rest, seenAtMs: atMs }))
    return table(TRACE_COLUMNS, rows, { problems })
  },
})
