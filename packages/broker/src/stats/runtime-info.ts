import type { Clock, Disk } from '@apogee/env'
import { CURRENT_VERSION, Version } from '@apogee/protocol'
import type { RequestMetrics } from '../metrics/request-metrics.ts'
import { type ReplicationInfoDeps, replicationInfo } from '../replication/replication-info.ts'
import type { ScheduleMessageService } from '../schedule/schedule-message-service.ts'
import type { BrokerStats } from './broker-stats.ts'
import { rateText } from './rate-ring.ts'

export interface RuntimeInfoDeps extends ReplicationInfoDeps {
  clock: Clock
  disk: Disk
  stats: BrokerStats
  schedule: ScheduleMessageService
  requests: RequestMetrics
}

/** Pools that Apache reports; here they are never full. */
const POOLS = ['send', 'pull', 'litePull', 'query', 'ack'] as const
const POOL_CAPACITY = 10_000

/**
 * GET_BROKER_RUNTIME_INFO (28): the keys of Apache's broker, which mqadmin's clusterList and brokerStatus and the
 * Prometheus exporter read. Java: AdminBrokerProcessor.prepareRuntimeInfo, StoreStatsService.getRuntimeInfo.
 */
export async function runtimeInfo(deps: RuntimeInfoDeps): Promise<Map<string, string>> {
  const { config, schedule, store } = deps
  return new Map([
    ...storeStats(deps),
    ...store.runtimeInfo(),
    ...schedule.runtimeInfo(),
    ...dayTotals(deps.stats),
    // A slave neither delivers delayed messages nor asks about transactions.
    ['brokerActive', String(config.values.brokerRole !== 'SLAVE')],
    ['brokerVersionDesc', versionDesc(CURRENT_VERSION)],
    ['pageCacheLockTimeMills', '0'],
    ['earliestMessageTimeStamp', String(await store.earliestStoreTime())],
    ['startAcceptSendRequestTimeStamp', String(config.values.startAcceptSendRequestTimeStamp)],
    ...space(deps),
    ...pools(),
    ...replicationInfo(deps),
  ])
}

function storeStats({ clock, requests, stats }: RuntimeInfoDeps): [string, string][] {
  const total = stats.put.total
  const { putTimes } = requests
  return [
    ['bootTimestamp', String(stats.startedMs)],
    ['runtime', duration(clock.wallMs() - stats.startedMs)],
    ['putMessageEntireTimeMax', String(Math.round(putTimes.max))],
    ['putMessageTimesTotal', String(Math.max(1, total))],
    ['putMessageFailedTimes', String(stats.putFailed)],
    ['putMessageSizeTotal', String(stats.putBytes)],
    ['putMessageDistributeTime', distribution(putTimes.counts)],
    ['putMessageAverageSize', String(stats.putBytes / Math.max(1, total))],
    ['dispatchMaxBuffer', '0'],
    ['getMessageEntireTimeMax', String(Math.round(requests.pullTimeMax))],
    ['putTps', stats.put.text()],
    ['getFoundTps', stats.found.text()],
    ['getMissTps', stats.miss.text()],
    ['getTotalTps', rateText(stats.found, stats.miss)],
    ['getTransferredTps', stats.transferred.text()],
    // 4.x spelled it with one r.
    ['getTransferedTps', stats.transferred.text()],
    ['putLatency99', putTimes.quantile(0.99).toFixed(2)],
    ['putLatency999', putTimes.quantile(0.999).toFixed(2)],
  ]
}

/** Ranges of put times, as RocketMQ names them: the exporter takes the line apart at blanks and colons. */
const PUT_RANGES: readonly string[] = [
  '<=0ms',
  '0~10ms',
  '10~50ms',
  '50~100ms',
  '100~200ms',
  '200~500ms',
  '500ms~1s',
  '1~2s',
  '2~3s',
  '3~4s',
  '4~5s',
  '5~10s',
  '10s~',
]

function distribution(counts: Float64Array): string {
  return PUT_RANGES.map((range, place) => `[${range}]:${counts[place] ?? 0} `).join('')
}

function dayTotals({ put, totals, transferred }: BrokerStats): [string, string][] {
  return [
    ['msgPutTotalYesterdayMorning', String(totals.yesterday[0])],
    ['msgPutTotalTodayMorning', String(totals.today[0])],
    ['msgPutTotalTodayNow', String(put.total)],
    ['msgGetTotalYesterdayMorning', String(totals.yesterday[1])],
    ['msgGetTotalTodayMorning', String(totals.today[1])],
    ['msgGetTotalTodayNow', String(transferred.total)],
  ]
}

function space({ config, disk, store }: RuntimeInfoDeps): [string, string][] {
  const { total, free } = disk.space(config.values.storePathRootDir)
  const { appended, flushed } = store.watermarks
  const capacity = `Total : ${readableBytes(total)}, Free : ${readableBytes(free)}.`
  return [
    ['commitLogDirCapacity', capacity],
    ['remainTransientStoreBufferNumbs', String(2_147_483_647)],
    ['remainHowManyDataToFlush', readableBytes(appended - flushed)],
    ['timerReadBehind', '0'],
    ['timerOffsetBehind', '0'],
    ['timerCongestNum', '0'],
    ['timerEnqueueTps', '0.0'],
    ['timerDequeueTps', '0.0'],
  ]
}

function pools(): [string, string][] {
  const lines: [string, string][] = []
  for (const pool of POOLS) {
    lines.push([`${pool}ThreadPoolQueueSize`, '0'])
    lines.push([`${pool}ThreadPoolQueueCapacity`, String(POOL_CAPACITY)])
    lines.push([`${pool}ThreadPoolQueueHeadWaitTimeMills`, '0'])
  }
  lines.push(['EndTransactionQueueSize', '0'])
  lines.push(['EndTransactionThreadPoolQueueCapacity', String(POOL_CAPACITY)])
  return lines
}

/** `V5_3_3` for its ordinal (Java: MQVersion.getVersionDesc). */
export function versionDesc(version: number): string {
  for (const [name, ordinal] of Object.entries(Version)) if (ordinal === version) return name
  return `UNKNOWN_${version}`
}

/** `1.5 GiB` (Java: MixAll.humanReadableByteCount). */
export function readableBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const exponent = Math.min(6, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** exponent).toFixed(1)} ${'KMGTPE'[exponent - 1]}iB`
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24]
  const minutes = Math.floor(seconds / 60) % 60
  return `[ ${days} days, ${hours} hours, ${minutes} minutes, ${seconds % 60} seconds ]`
}
