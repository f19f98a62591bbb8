import { type BrokerStatsData, SystemTopic } from '@apogee/protocol'
import { type AdminCommand, type CommandContext, command } from '../../command.ts'
import { askEach } from '../../operations/answers.ts'
import { kindOf } from '../../operations/topic-settings.ts'
import type { BrokerTarget } from '../../operations/where.ts'
import { CLUSTER_NAME } from '../shared/options.ts'
import {
  type RuntimeInfo,
  runtimeDifference,
  runtimeNumber,
  runtimeRate,
} from '../shared/runtime-values.ts'
import { versionName } from '../shared/version-name.ts'
import { exported, FILE_PATH } from './exported.ts'

interface Options {
  readonly clusterName: string
  readonly filePath?: string
}

interface Metrics {
  readonly name: string
  readonly tps: Readonly<Record<string, number>>
  readonly oneDayNum: Readonly<Record<string, number>>
  readonly report: Readonly<Record<string, unknown>>
}

/** Java: ExportMetricsCommand. Codes 106, 28, 26, 21, 201, 203, 305, 315. */
export const exportMetrics: AdminCommand = command<Options>({
  name: 'exportMetrics',
  path: ['export', 'metrics'],
  summary: 'Write load, sizes and client versions of a cluster as JSON',
  options: [{ ...CLUSTER_NAME, help: 'the cluster', required: true }, FILE_PATH],
  examples: ['exportMetrics -c DefaultCluster -f /tmp/export'],
  async run(context, { clusterName, filePath }) {
    const targets = await context.admin.cluster.targets({ clusterName })
    const { results, problems } = await askEach(
      targets,
      ({ address }) => address,
      (broker) => metricsOf(context, broker),
    )
    const value = {
      evaluateReport: Object.fromEntries(results.map(({ name, report }) => [name, report])),
      totalData: {
        totalTps: totals(results.map(({ tps }) => tps)),
        totalOneDayNum: totals(results.map(({ oneDayNum }) => oneDayNum)),
      },
    }
    return exported(context, value, filePath, 'metrics.json', problems)
  },
})

async function metricsOf(context: CommandContext, broker: BrokerTarget): Promise<Metrics> {
  const { admin } = context
  const where = { brokerAddr: broker.address }
  const runtime = (await admin.brokers.status(where)).results[0]?.value ?? null
  const config = (await admin.brokers.config(where)).results[0]?.value
  const system = new Set(await admin.topics.systemTopics(broker.address))
  const topics = await admin.topics.configs(broker.address)
  const groups = await admin.groups.configs(broker.address)
  const { tps, oneDayNum } = await loadOf(context, broker, runtime)
  const report = {
    runtimeEnv: {
      cpuNum: config?.get('clientCallbackExecutorThreads') ?? null,
      totalMemKBytes: runtimeNumber(runtime, 'totalMemKBytes'),
    },
    runtimeQuota: {
      diskRatio: {
        commitLogDiskRatio: runtimeNumber(runtime, 'commitLogDiskRatio'),
        consumeQueueDiskRatio: runtimeNumber(runtime, 'consumeQueueDiskRatio'),
      },
      tps,
      oneDayNum,
      messageAverageSize: runtimeNumber(runtime, 'putMessageAverageSize'),
      topicSize: topics.filter(({ topicName }) => kindOf(topicName, system) === 'normal').length,
      groupSize: groups.length,
    },
    runtimeVersion: {
      rocketmqVersion: runtime?.get('brokerVersionDesc') ?? null,
      clientInfo: await clientVersions(
        context,
        broker,
        groups.map(({ groupName }) => groupName),
      ),
    },
  }
  return { name: broker.brokerName || broker.address, tps, oneDayNum, report }
}

async function loadOf(
  context: CommandContext,
  broker: BrokerTarget,
  runtime: RuntimeInfo,
): Promise<Pick<Metrics, 'tps' | 'oneDayNum'>> {
  const half = await putsOf(context, broker, SystemTopic.TRANS_HALF)
  const schedule = await putsOf(context, broker, SystemTopic.SCHEDULE)
  const yesterday = (what: 'Put' | 'Get'): number =>
    runtimeDifference(runtime, `msg${what}TotalTodayMorning`, `msg${what}TotalYesterdayMorning`) ??
    0
  return {
    tps: {
      normalInTps: runtimeRate(runtime, 'putTps') ?? 0,
      normalOutTps: runtimeRate(runtime, 'getTransferredTps') ?? 0,
      transInTps: half.tps,
      scheduleInTps: schedule.tps,
    },
    oneDayNum: {
      normalOneDayInNum: yesterday('Put'),
      normalOneDayOutNum: yesterday('Get'),
      transOneDayInNum: half.today,
      scheduleOneDayInNum: schedule.today,
    },
  }
}

async function putsOf(
  { admin }: CommandContext,
  { address }: BrokerTarget,
  topic: string,
): Promise<{ tps: number; today: number }> {
  const stats: BrokerStatsData | null = await admin.brokers.stats(address, 'TOPIC_PUT_NUMS', topic)
  if (stats === null) return { tps: 0, today: 0 }
  const today = stats.statsDay.sum || stats.statsHour.sum || stats.statsMinute.sum
  return { tps: stats.statsMinute.tps, today }
}

/** `JAVA%V5_3_3`, each once. */
async function clientVersions(
  { admin }: CommandContext,
  broker: BrokerTarget,
  groups: readonly string[],
): Promise<string[]> {
  const { results } = await askEach(
    groups,
    (group) => group,
    (group) => admin.clients.consumersAt(group, [broker]),
  )
  const names = results.flatMap(({ clients }) =>
    clients.map(({ language, version }) => `${language}%${versionName(version)}`),
  )
  return [...new Set(names)].sort()
}

/** Every member summed, with `total` and a capital before its name. */
function totals(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const part of parts) {
    for (const [key, value] of Object.entries(part)) {
      const name = `total${key[0]!.toUpperCase()}${key.slice(1)}`
      sums[name] = (sums[name] ?? 0) + value
    }
  }
  return sums
}
