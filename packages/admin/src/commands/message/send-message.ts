import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
} from '../../command.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import { TOPIC, TOPIC_ARGUMENT } from '../shared/options.ts'
import { table } from '../shared/output.ts'
import { meanOf, probe, probeBody } from '../shared/send-probe.ts'

interface Options {
  readonly topic: string
  readonly body: string
  readonly keys?: string
  readonly tags?: string
  readonly brokerName?: string
  readonly queueId?: number
}

const SENT_COLUMNS = [
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  column('status', 'STATUS'),
  column('offsetMsgId', 'OFFSET ID'),
  numbers('queueOffset', 'OFFSET'),
  ...wide(numbers('elapsedMs', 'MS')),
]

/** Java: SendMessageCommand. Codes 105, 310. */
export const sendMessage: AdminCommand = command<Options>({
  name: 'sendMessage',
  path: ['message', 'send'],
  summary: 'Send one message',
  options: [
    TOPIC,
    { flags: '-p, --body <text>', key: 'body', help: 'the body, UTF-8', required: true },
    { flags: '-k, --key <keys>', key: 'keys', help: 'keys, separated by spaces' },
    { flags: '-c, --tags <tag>', key: 'tags', help: 'the tag' },
    { flags: '-b, --broker <name>', key: 'brokerName', help: 'to this broker' },
    { flags: '-i, --qid <id>', key: 'queueId', help: 'to this queue', type: 'int' },
    {
      flags: '-m, --msgTraceEnable <boolean>',
      key: 'isTraced',
      help: 'write a trace',
      type: 'boolean',
      ignored: true,
    },
  ],
  arguments: [
    TOPIC_ARGUMENT,
    { key: 'body', name: '<body>', help: 'the body, UTF-8', required: true },
  ],
  examples: ['message send orders hello -c created', 'sendMessage -t orders -p hello -k order-1'],
  async run({ admin }, { topic, body, tags, keys, brokerName, queueId }) {
    const place = await admin.messages.placeFor(topic, brokerName, queueId)
    const message = { topic, body: Buffer.from(body), tags, keys }
    const { brokerName: broker, ...sent } = await admin.messages.send(message, place)
    return table(SENT_COLUMNS, [{ broker, ...sent }])
  },
})

interface RtOptions {
  readonly topic: string
  readonly amount: number
  readonly sizeBytes: number
}

const RT_COLUMNS = [
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  column('isSent', 'SENT'),
  column('status', 'STATUS'),
  numbers('elapsedMs', 'MS'),
]

/** Java: CheckMsgSendRTCommand. Codes 105, 310. */
export const checkMsgSendRt: AdminCommand = command<RtOptions>({
  name: 'checkMsgSendRT',
  path: ['message', 'check-rt'],
  summary: 'Send messages to a topic and show how long each takes',
  options: [
    TOPIC,
    {
      flags: '-a, --amount <count>',
      key: 'amount',
      help: 'how many',
      type: 'int',
      default: 100,
    },
    {
      flags: '-s, --size <bytes>',
      key: 'sizeBytes',
      help: 'size of each',
      type: 'int',
      default: 128,
    },
  ],
  examples: ['checkMsgSendRT -t orders -a 10 -s 1024'],
  run: (context, options) => checkRt(context, options),
})

async function checkRt(context: CommandContext, options: RtOptions): Promise<CommandOutput> {
  const { topic, amount, sizeBytes } = options
  const body = probeBody(sizeBytes)
  const rows = []
  const elapsed: number[] = []
  for (let i = 0; i < amount && !context.signal.aborted; i++) {
    const place = await context.admin.messages.placeFor(topic)
    const { brokerName, ...result } = await probe(context, topic, place, body)
    rows.push({ broker: brokerName, ...result })
    // The first one also makes the connection, and perhaps the topic.
    if (i > 0 && result.isSent) elapsed.push(result.elapsedMs)
  }
  const mean = meanOf(elapsed)
  const notes = mean === null ? [] : [`mean without the first: ${mean.toFixed(2)} ms`]
  return table(RT_COLUMNS, rows, { notes })
}
