import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
} from '../../command.ts'
import { column, numbers } from '../shared/columns.ts'
import { BROKER_NAME } from '../shared/options.ts'
import { table } from '../shared/output.ts'
import { probe, probeBody } from '../shared/send-probe.ts'

interface Options {
  readonly brokerName: string
  readonly sizeBytes: number
  readonly count: number
}

const COLUMNS = [
  numbers('number', '#'),
  column('status', 'STATUS'),
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  numbers('elapsedMs', 'MS'),
]

/** Java: SendMsgStatusCommand. Code 310. Sends to the topic that the broker has under its own name. */
export const sendMsgStatus: AdminCommand = command<Options>({
  name: 'sendMsgStatus',
  path: ['broker', 'send-status'],
  summary: 'Send messages to one broker and show what it answers',
  options: [
    BROKER_NAME,
    {
      flags: '-s, --messageSize <bytes>',
      key: 'sizeBytes',
      help: 'size of each',
      type: 'int',
      default: 128,
    },
    {
      flags: '-c, --count <count>',
      key: 'count',
      help: 'how many',
      type: 'int',
      default: 50,
    },
  ],
  examples: ['sendMsgStatus -n 10.0.0.1:9876 -b broker-a -c 3'],
  run: (context, options) => sendAll(context, options),
})

async function sendAll(
  context: CommandContext,
  { brokerName, count, sizeBytes }: Options,
): Promise<CommandOutput> {
  const { address } = await context.admin.cluster.master(brokerName)
  const queue = { address, brokerName, queueId: 0 }
  const body = probeBody(sizeBytes)
  const rows = []
  for (let number = 1; number <= count && !context.signal.aborted; number++) {
    const { status, queueId, elapsedMs } = await probe(context, brokerName, queue, body)
    rows.push({ number, status, broker: brokerName, queueId, elapsedMs })
  }
  return table(COLUMNS, rows)
}
