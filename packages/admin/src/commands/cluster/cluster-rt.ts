import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
  type Row,
} from '../../command.ts'
import type { BrokerTarget } from '../../operations/where.ts'
import { column, numbers } from '../shared/columns.ts'
import { CLUSTER } from '../shared/options.ts'
import { table } from '../shared/output.ts'
import { repeated } from '../shared/repeated.ts'
import { meanOf, probe, probeBody } from '../shared/send-probe.ts'

interface Options {
  readonly amount: number
  readonly sizeBytes: number
  readonly clusterName?: string
  readonly isPrinted?: boolean
  readonly machineRoom: string
  readonly intervalSeconds: number
}

const COLUMNS = [
  column('cluster', 'CLUSTER'),
  column('broker', 'BROKER'),
  numbers('meanMs', 'MEAN MS'),
  numbers('succeeded', 'OK'),
  numbers('failed', 'FAILED'),
]

/** Java: CLusterSendMsgRTCommand. Codes 106, 310. Sends to the topic that every broker has under its own name. */
export const clusterRt: AdminCommand = command<Options>({
  name: 'clusterRT',
  path: ['cluster', 'rt'],
  summary: 'Send messages to every broker again and again and show how long they take',
  options: [
    {
      flags: '-a, --amount <count>',
      key: 'amount',
      help: 'messages to each broker a round',
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
    CLUSTER,
    {
      flags: '-p, --printLog <boolean>',
      key: 'isPrinted',
      help: "mqadmin's own log form",
      type: 'boolean',
      ignored: true,
    },
    {
      flags: '-m, --machineRoom <name>',
      key: 'machineRoom',
      help: 'name of the machine room in each row',
      default: 'noname',
    },
    {
      flags: '-i, --interval <seconds>',
      key: 'intervalSeconds',
      help: 'between two rounds',
      type: 'int',
      default: 10,
    },
  ],
  examples: ['cluster rt -a 10', 'clusterRT -n 10.0.0.1:9876 -c DefaultCluster -i 1'],
  run: (context, options) =>
    repeated(context, options.intervalSeconds * 1_000, () => round(context, options)),
})

async function round(context: CommandContext, options: Options): Promise<CommandOutput> {
  const targets = await context.admin.cluster.targets({ clusterName: options.clusterName })
  const rows: Row[] = []
  for (const target of targets) rows.push(await roundAt(context, target, options))
  return table(COLUMNS, rows)
}

async function roundAt(
  context: CommandContext,
  { address, brokerName, clusterName }: BrokerTarget,
  { amount, sizeBytes, machineRoom }: Options,
): Promise<Row> {
  const queue = { address, brokerName, queueId: 0 }
  const body = probeBody(sizeBytes)
  const elapsed: number[] = []
  let failed = 0
  for (let i = 0; i < amount && !context.signal.aborted; i++) {
    const result = await probe(context, brokerName, queue, body)
    if (result.isSent) elapsed.push(result.elapsedMs)
    else failed += 1
  }
  return {
    cluster: clusterName,
    broker: brokerName,
    machineRoom,
    meanMs: meanOf(elapsed),
    succeeded: elapsed.length,
    failed,
  }
}
