import { bool, int, long, text, type UsedRow } from './config-key.ts'
import type { BrokerConfigValues } from './config-values.ts'

type Rows<K extends keyof BrokerConfigValues> = { [P in K]: UsedRow<BrokerConfigValues[P]> }

export type PullKey =
  | 'litePullMessageEnable'
  | 'longPollingEnable'
  | 'shortPollingTimeMills'
  | 'enablePropertyFilter'
  | 'rejectPullConsumerEnable'
  | 'maxTransferBytesOnMessageInMemory'
  | 'maxTransferCountOnMessageInMemory'
  | 'maxTransferBytesOnMessageInDisk'
  | 'maxTransferCountOnMessageInDisk'
  | 'pullBatchMaxMessageCount'
  | 'defaultQueryMaxNum'
  | 'parkedPullsMax'
  | 'parkedPullsPerConnectionMax'
  | 'filterExpressionSizeMax'
  | 'filterCacheMax'

const live = { live: true, min: 1 } as const

/** Pulls, filters and queries. */
export const pullRows: Rows<PullKey> = {
  litePullMessageEnable: bool(true, 'LITE_PULL_MESSAGE is served', { live: true }),
  longPollingEnable: bool(true, 'a pull that finds nothing waits for a message', { live: true }),
  shortPollingTimeMills: long(1000, 'how long it waits when longPollingEnable=false, ms', live),
  enablePropertyFilter: bool(false, 'consumers may filter with SQL92', { live: true }),
  rejectPullConsumerEnable: bool(
    false,
    'pull consumers are refused, and their heartbeats ignored',
    {
      live: true,
    },
  ),
  maxTransferBytesOnMessageInMemory: int(262_144, 'bytes of a pull at the tail', live),
  maxTransferCountOnMessageInMemory: int(32, 'messages of a pull at the tail', live),
  maxTransferBytesOnMessageInDisk: int(
    262_144,
    'bytes of a pull of old messages (Apache: 65536; reads of old messages are whole blocks here, so they need no rationing)',
    live,
  ),
  maxTransferCountOnMessageInDisk: int(
    32,
    'messages of a pull of old messages (Apache: 8; as above)',
    live,
  ),
  pullBatchMaxMessageCount: int(160, 'most messages that a consumer can ask for', live),
  defaultQueryMaxNum: int(32, 'messages of a lookup by unique key', live),
  parkedPullsMax: int(
    200_000,
    'pulls that wait for a message, in all; more are answered POLLING_FULL',
    live,
  ),
  parkedPullsPerConnectionMax: int(
    65_536,
    'the same of one connection: one per queue it consumes',
    live,
  ),
  filterExpressionSizeMax: int(2048, 'bytes of a filter expression', live),
  filterCacheMax: int(10_000, 'compiled filter expressions kept', live),
}

export type ClientKey =
  | 'notifyConsumerIdsChangedEnable'
  | 'enableRegisterProducer'
  | 'channelExpiredTimeout'
  | 'subscriptionExpiredTimeout'
  | 'flushConsumerOffsetInterval'
  | 'consumerOffsetUpdateVersionStep'
  | 'useServerSideResetOffset'
  | 'messageDelayLevel'
  | 'flushDelayOffsetInterval'
  | 'delayOffsetUpdateVersionStep'
  | 'registerNameServerPeriod'
  | 'registerBrokerTimeoutMills'
  | 'compressedRegister'
  | 'offsetsMax'
  | 'scheduleInFlightMax'
  | 'registrationsPerConnectionMax'

/** Clients, their progress, delayed messages, registration. */
export const clientRows: Rows<ClientKey> = {
  notifyConsumerIdsChangedEnable: bool(true, 'consumers hear of changes in their group', {
    live: true,
  }),
  enableRegisterProducer: bool(true, 'producers are kept even when transactions are refused', {
    live: true,
  }),
  channelExpiredTimeout: long(120_000, 'a client without heartbeat is dropped after, ms'),
  subscriptionExpiredTimeout: long(600_000, 'a pulled subscription is forgotten after, ms'),
  flushConsumerOffsetInterval: int(5000, 'consumer offsets are written every, ms', { min: 100 }),
  consumerOffsetUpdateVersionStep: long(500, 'commits that make a new data version', { min: 1 }),
  useServerSideResetOffset: bool(true, 'offsets are reset on the broker, not by clients', {
    live: true,
  }),
  messageDelayLevel: text(
    '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h',
    'delay of each level: a number and s, m, h or d',
  ),
  flushDelayOffsetInterval: long(10_000, 'progress of delays is written every, ms', { min: 100 }),
  delayOffsetUpdateVersionStep: long(200, 'deliveries that make a new data version', { min: 1 }),
  registerNameServerPeriod: int(30_000, 'registration is repeated every, ms (10,000 to 60,000)'),
  registerBrokerTimeoutMills: int(24_000, 'a NameServer must answer within, ms', live),
  compressedRegister: bool(false, 'registration is sent compressed', { live: true }),
  offsetsMax: int(1_000_000, 'queues with a consumer offset', live),
  scheduleInFlightMax: int(2000, 'deliveries of delayed messages in flight per level', live),
  registrationsPerConnectionMax: int(4096, 'groups that one connection can join', live),
}

export type LaneKey =
  | 'brokerFastFailureEnable'
  | 'waitTimeMillsInSendQueue'
  | 'waitTimeMillsInPullQueue'
  | 'waitTimeMillsInHeartbeatQueue'
  | 'waitTimeMillsInAckQueue'
  | 'waitTimeMillsInAdminBrokerQueue'
  | 'serverChannelMaxIdleTimeSeconds'
  | 'clientChannelMaxIdleTimeSeconds'
  | 'connectTimeoutMillis'
  | 'useTLS'
  | 'drainLingerMillis'

/** Connections, and how old a request may be before it is shed. */
export const laneRows: Rows<LaneKey> = {
  brokerFastFailureEnable: bool(true, 'requests older than their limit are answered SYSTEM_BUSY'),
  waitTimeMillsInSendQueue: long(200, 'limit of sends, ms', { min: 1 }),
  waitTimeMillsInPullQueue: long(5000, 'limit of pulls and lite pulls, ms', { min: 1 }),
  waitTimeMillsInHeartbeatQueue: long(31_000, 'limit of heartbeats, ms', { min: 1 }),
  waitTimeMillsInAckQueue: long(3000, 'limit of acknowledgements, ms', { min: 1 }),
  waitTimeMillsInAdminBrokerQueue: long(5000, 'limit of all others, ms', { min: 1 }),
  serverChannelMaxIdleTimeSeconds: int(120, 'a silent connection is closed after, s', { min: 1 }),
  clientChannelMaxIdleTimeSeconds: int(120, 'a silent connection to a NameServer, s', { min: 1 }),
  connectTimeoutMillis: int(3000, 'a connection to a NameServer must stand within, ms', { min: 1 }),
  useTLS: bool(false, 'connections to NameServers are encrypted'),
  drainLingerMillis: int(1000, 'a broker that leaves waits for senders, then for readers, for, ms'),
}
