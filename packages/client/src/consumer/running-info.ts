import { CURRENT_VERSION, JsonMap, type JsonValue, Version } from '@apogee/protocol'
import type { MessageQueue } from '../api/message.ts'
import type { Assignment } from './assignment.ts'
import type { ConsumeStatus } from './consume-stats.ts'
import type { ConsumerContext } from './consumer-context.ts'
import type { QueueReader } from './queue-reader.ts'

const MIB = 1024 * 1024

export interface RunningInfoOf<T> {
  readonly context: ConsumerContext<T>
  readonly assignment: Assignment<T>
  readonly isOrdered: boolean
  readonly startedWallMs: number
}

/** GET_CONSUMER_RUNNING_INFO (307) under the names of Java's ConsumerRunningInfo, which `mqadmin consumerStatus` reads. */
export function runningInfo<T>(of: RunningInfoOf<T>): JsonMap {
  const { context, assignment } = of
  const { clock } = context.client.env
  const nowMs = clock.monotonicMs()
  /** Monotonic times as the wall clock showed them. */
  const wallOffsetMs = clock.wallMs() - nowMs
  const mqTable = new JsonMap()
  for (const reader of assignment.all()) {
    mqTable.addPair(queueInfo(reader.queue), processQueueInfo(reader, wallOffsetMs))
  }
  const statusTable = new JsonMap()
  for (const [topic, status] of context.stats.statuses(nowMs)) {
    statusTable.fields.set(topic, statusInfo(status))
  }
  return mapOf({
    mqPopTable: new JsonMap(),
    mqTable,
    properties: propertiesOf(of),
    statusTable,
    subscriptionSet: subscriptionsOf(context),
    userConsumerInfo: new JsonMap(),
  })
}

function propertiesOf<T>({ context, isOrdered, startedWallMs }: RunningInfoOf<T>): JsonMap {
  const { settings, client } = context
  return mapOf({
    PROP_NAMESERVER_ADDR: client.nameServers.addresses.join(';'),
    PROP_CONSUME_ORDERLY: String(isOrdered),
    PROP_CONSUME_TYPE: settings.isPull ? 'CONSUME_ACTIVELY' : 'CONSUME_PASSIVELY',
    PROP_THREADPOOL_CORE_SIZE: String(settings.concurrency),
    PROP_CONSUMER_START_TIMESTAMP: String(startedWallMs),
    PROP_CLIENT_VERSION: versionName(),
    consumeFromWhere: JSON.stringify(settings.from),
    messageModel: settings.model.toUpperCase(),
    pullBatchSize: String(settings.pullBatchSize),
  })
}

function versionName(): string {
  const known = Object.entries(Version).find(([, ordinal]) => ordinal === CURRENT_VERSION)
  return known?.[0] ?? String(CURRENT_VERSION)
}

function subscriptionsOf<T>({ subscriptions }: ConsumerContext<T>): JsonValue[] {
  return subscriptions.all().map((data) =>
    mapOf({
      classFilterMode: data.classFilterMode,
      codeSet: [...data.codeSet],
      expressionType: data.expressionType,
      subString: data.subString,
      subVersion: data.subVersion,
      tagsSet: [...data.tagsSet],
      topic: data.topic,
    }),
  )
}

function queueInfo({ topic, brokerName, queueId }: MessageQueue): JsonMap {
  return mapOf({ brokerName, queueId, topic })
}

/** Java: ProcessQueueInfo; `droped` is its own spelling. */
function processQueueInfo<T>({ process, cell }: QueueReader<T>, wallOffsetMs: number): JsonMap {
  const wall = (monotonicMs: number): number =>
    Number.isFinite(monotonicMs) ? Math.round(monotonicMs + wallOffsetMs) : 0
  return mapOf({
    cachedMsgCount: process.count,
    cachedMsgMaxOffset: Math.max(0, process.maxOffset),
    cachedMsgMinOffset: Math.max(0, process.minOffset),
    cachedMsgSizeInMiB: Math.floor(process.bytes / MIB),
    commitOffset: cell.offset,
    droped: process.isDropped,
    lastConsumeTimestamp: wall(process.lastConsumeMs),
    lastLockTimestamp: wall(process.lastLockMs),
    lastPullTimestamp: wall(process.lastPullMs),
    locked: process.isLocked,
    transactionMsgCount: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgMinOffset: 0,
    tryUnlockTimes: process.tryUnlockTimes,
  })
}

function statusInfo(status: ConsumeStatus): JsonMap {
  return mapOf({ ...status })
}

function mapOf(members: Readonly<Record<string, JsonValue>>): JsonMap {
  const map = new JsonMap()
  for (const [name, value] of Object.entries(members)) map.fields.set(name, value)
  return map
}
