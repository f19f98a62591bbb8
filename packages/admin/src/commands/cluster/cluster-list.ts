import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
  type Row,
} from '../../command.ts'
import type { BrokerStatus } from '../../operations/cluster-operations.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import { CLUSTER_NAME } from '../shared/options.ts'
import { table } from '../shared/output.ts'
import { repeated } from '../shared/repeated.ts'
import { runtimeDifference, runtimeNumber, runtimeRate } from '../shared/runtime-values.ts'

interface Options {
  readonly moreStats?: boolean
  readonly intervalSeconds?: number
  readonly clusterName?: string
}

const PLACE = [
  column('cluster', 'CLUSTER'),
  column('broker', 'BROKER'),
  numbers('brokerId', 'ID'),
  column('address', 'ADDRESS'),
]
const NOW = [
  ...PLACE,
  column('role', 'ROLE'),
  column('version', 'VERSION'),
  numbers('inTps', 'IN/S'),
  numbers('outTps', 'OUT/S'),
  numbers('pageCacheLockMs', 'LOCK MS'),
  numbers('diskRatio', 'DISK'),
  column('activated', 'ACTIVE'),
  ...wide(
    numbers('slaves', 'SLAVES'),
    numbers('inSyncReplicas', 'IN SYNC'),
    numbers('lagBytes', 'LAG'),
    numbers('sendQueueSize', 'SEND QUEUE'),
    numbers('pullQueueSize', 'PULL QUEUE'),
    column('bootAtMs', 'UP SINCE'),
    column('earliestMessageAtMs', 'OLDEST MESSAGE'),
  ),
]
const TOTALS = [
  ...PLACE,
  numbers('inYesterday', 'IN YESTERDAY'),
  numbers('outYesterday', 'OUT YESTERDAY'),
  numbers('inToday', 'IN TODAY'),
  numbers('outToday', 'OUT TODAY'),
]

/** Java: ClusterListSubCommand. Codes 106, 28. */
export const clusterList: AdminCommand = command<Options>({
  name: 'clusterList',
  path: ['cluster', 'list'],
  summary: 'List the brokers of every cluster with their load',
  options: [
    { flags: '-m, --moreStats', key: 'moreStats', help: 'messages of today and yesterday instead' },
    {
      flags: '-i, --interval <seconds>',
      key: 'intervalSeconds',
      help: 'repeat until interrupted',
      type: 'int',
    },
    CLUSTER_NAME,
  ],
  examples: ['cluster list', 'cluster list -i 2', 'clusterList -n 10.0.0.1:9876 -m'],
  run: (context, options) => {
    const { intervalSeconds } = options
    if (intervalSeconds === undefined) return list(context, options)
    return repeated(context, intervalSeconds * 1_000, () => list(context, options))
  },
})

async function list({ admin }: CommandContext, options: Options): Promise<CommandOutput> {
  const { results, problems } = await admin.cluster.status(options.clusterName)
  return table(options.moreStats === true ? TOTALS : NOW, results.map(rowOf), { problems })
}

function rowOf({ clusterName, brokerName, brokerId, address, runtime }: BrokerStatus): Row {
  return {
    cluster: clusterName,
    broker: brokerName,
    brokerId,
    address,
    role: runtime?.get('brokerRole') ?? (brokerId === 0 ? 'MASTER' : 'SLAVE'),
    slaves: runtimeNumber(runtime, 'slaveCount'),
    inSyncReplicas: runtimeNumber(runtime, 'inSyncReplicas'),
    lagBytes: runtimeNumber(runtime, 'slaveLagBytes'),
    version: runtime?.get('brokerVersionDesc') ?? null,
    inTps: runtimeRate(runtime, 'putTps'),
    outTps: runtimeRate(runtime, 'getTransferredTps'),
    pageCacheLockMs: runtimeNumber(runtime, 'pageCacheLockTimeMills'),
    diskRatio: runtimeNumber(runtime, 'commitLogDiskRatio'),
    activated: runtime?.get('brokerActive') ?? null,
    sendQueueSize: runtimeNumber(runtime, 'sendThreadPoolQueueSize'),
    pullQueueSize: runtimeNumber(runtime, 'pullThreadPoolQueueSize'),
    bootAtMs: runtimeNumber(runtime, 'bootTimestamp'),
    earliestMessageAtMs: runtimeNumber(runtime, 'earliestMessageTimeStamp'),
    inYesterday: runtimeDifference(
      runtime,
      'msgPutTotalTodayMorning',
      'msgPutTotalYesterdayMorning',
    ),
    outYesterday: runtimeDifference(
      runtime,
      'msgGetTotalTodayMorning',
      'msgGetTotalYesterdayMorning',
    ),
    inToday: runtimeDifference(runtime, 'msgPutTotalTodayNow', 'msgPutTotalTodayMorning'),
    outToday: runtimeDifference(runtime, 'msgGetTotalTodayNow', 'msgGetTotalTodayMorning'),
  }
}
