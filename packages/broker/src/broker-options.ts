import { ApogeeError } from '@apogee/base'
import { addressBytes, type DelayLevels, formatAddress, type Host } from '@apogee/protocol'
import type { Lane, RemotingClientOptions, RemotingServerOptions } from '@apogee/remoting'
import {
  type MessageStoreOptions,
  messageStoreDefaults,
  type RetentionOptions,
} from '@apogee/store'
import type { BrokerConfig } from './config/broker-config.ts'
import type { BrokerConfigValues } from './config/config-values.ts'

/** What a broker cannot find out by itself, since only the machine knows. */
export interface BrokerMachine {
  /** Written into the abort file, and part of unique keys. */
  processId?: number
  /** Local time minus UTC at the start, ms: hours of deleteWhen, days of totals, months of unique keys. Default 0. */
  zoneOffsetMs?: number
  /**
   * Physical memory, bytes: a reader that is behind by more than accessMessageInMemoryMaxRatio of it is sent to a slave.
   * Without it nobody is.
   */
  memoryBytes?: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LOOPBACK = new Uint8Array([127, 0, 0, 1])

/** The store's options. `storePort` is the real main port. */
export function storeOptions(
  values: BrokerConfigValues,
  levels: DelayLevels,
  storePort: number,
  machine: BrokerMachine,
): MessageStoreOptions {
  const zoneOffsetMs = machine.zoneOffsetMs ?? 0
  const delays = Array.from({ length: levels.maxLevel }, (_, i) => levels.delayMs(i + 1))
  return {
    ...messageStoreDefaults,
    root: values.storePathRootDir,
    commitLogFolder: values.storePathCommitLog,
    commitLogFileSize: values.mappedFileSizeCommitLog,
    consumeQueueFileSize: values.mappedFileSizeConsumeQueue,
    flushDiskType: values.flushDiskType,
    replica: values.brokerRole === 'SLAVE',
    processId: machine.processId ?? 0,
    storeHost: storeAddress(values),
    storePort,
    maxMessageSize: values.maxMessageSize,
    delayMs: delays,
    indexEnabled: values.messageIndexEnable,
    indexSlots: values.maxHashSlotNum,
    indexEntries: values.maxIndexNum,
    flushIntervalMs: values.flushIntervalCommitLog,
    flushThoroughMs: values.flushCommitLogThoroughInterval,
    syncFlushTimeoutMs: values.syncFlushTimeout,
    checkpointIntervalMs: values.flushIntervalConsumeQueue,
    cleanIntervalMs: values.cleanResourceInterval,
    retention: retentionOptions(values),
    hourOf: (wallMs) => Math.floor((wallMs + zoneOffsetMs) / HOUR_MS) % 24,
  }
}

/** What of the store's options follows changes at runtime. */
export function retentionOptions(values: BrokerConfigValues): RetentionOptions {
  return {
    ...messageStoreDefaults.retention,
    deleteWhen: hours(values.deleteWhen),
    reservedMs: values.fileReservedTime * HOUR_MS,
    usedRatioMax: values.diskMaxUsedSpaceRatio / 100,
    forcedRatio: values.diskSpaceCleanForciblyRatio / 100,
    fullRatio: values.diskSpaceWarningLevelRatio / 100,
    forcibly: values.cleanFileForciblyEnable,
  }
}

/** `04` or `04;16`; what is no hour is left out. */
function hours(deleteWhen: string): number[] {
  return deleteWhen
    .split(';')
    .map((hour) => hour.trim())
    .filter((hour) => /^\d{1,2}$/.test(hour) && Number(hour) < 24)
    .map(Number)
}

/** The address in records and message ids: clients look messages up there. A name is not an address: then loopback. */
export function storeAddress({ brokerIP1 }: BrokerConfigValues): Uint8Array {
  return addressBytes(brokerIP1) ?? LOOPBACK
}

/** The day, in local time, that a wall time lies in. */
export function dayOf(machine: BrokerMachine): (wallMs: number) => number {
  const zoneOffsetMs = machine.zoneOffsetMs ?? 0
  return (wallMs) => Math.floor((wallMs + zoneOffsetMs) / DAY_MS)
}

/** The same with the main port. */
export function storeHostOf({ values }: BrokerConfig, port: number): Host {
  const address = storeAddress(values)
  return { address: formatAddress(address, 0, address.length), port }
}

export function serverOptions(
  values: BrokerConfigValues,
  port: number,
): Partial<RemotingServerOptions> & { host: string; port: number } {
  return {
    host: values.bindAddress,
    port,
    idleMs: values.serverChannelMaxIdleTimeSeconds * 1000,
    laneAgeLimitMs: laneLimits(values),
  }
}

function laneLimits(values: BrokerConfigValues): Record<Lane, number> {
  const limit = (ms: number): number =>
    values.brokerFastFailureEnable ? ms : Number.POSITIVE_INFINITY
  return {
    send: limit(values.waitTimeMillsInSendQueue),
    pull: limit(values.waitTimeMillsInPullQueue),
    ack: limit(values.waitTimeMillsInAckQueue),
    heartbeat: limit(values.waitTimeMillsInHeartbeatQueue),
    route: limit(values.waitTimeMillsInAdminBrokerQueue),
    admin: limit(values.waitTimeMillsInAdminBrokerQueue),
  }
}

/** With `useTLS` alone NameServers must have certificates that a public authority signed. */
export function clientOptions(
  values: BrokerConfigValues,
  given: RemotingClientOptions['tls'],
): Partial<RemotingClientOptions> {
  const tls = given ?? (values.useTLS ? {} : undefined)
  return {
    connectTimeoutMs: values.connectTimeoutMillis,
    idleMs: values.clientChannelMaxIdleTimeSeconds * 1000,
    ...(tls === undefined ? {} : { tls }),
  }
}

/** The fast port: two below the main one, as clients with vipChannelEnabled expect; any when the main one is any. */
export function fastPort(port: number, asked: number): number {
  if (asked === 0) return 0
  if (port > 2) return port - 2
  throw new ApogeeError('CONFIG_BAD_VALUE', `listenPort=${port}: the fast port is two below it`)
}
