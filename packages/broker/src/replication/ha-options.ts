import type { HaCommonOptions, HaMasterOptions, HaSlaveOptions } from '@apogee/ha'
import type { BrokerConfigValues } from '../config/config-values.ts'

const MIB = 1 << 20
/**
 * Bytes of one frame to a slave of ours: large enough that a frame costs nothing beside its bytes, small enough for a
 * slave that is slow.
 */
const FRAME_BYTES = MIB / 4
/** Slaves of one master, and peers that have not shown who they are yet. */
const CONNECTIONS_MAX = 64
const HANDSHAKE_TIMEOUT_MS = 5000
/** How long after a lost connection a slave tries again. */
const RETRY_MS = 1000

/** The replication port of a master. */
export function haMasterOptions(values: BrokerConfigValues): HaMasterOptions {
  const isSync = values.brokerRole === 'SYNC_MASTER'
  return {
    ...common(values),
    host: values.bindAddress,
    port: values.haListenPort,
    allowedPeers: values.haAllowedPeers
      .split(/[,;]/)
      .map((peer) => peer.trim())
      .filter((peer) => peer !== ''),
    inSyncReplicas: isSync ? values.inSyncReplicas : 1,
    slaveTimeoutMs: values.slaveTimeout,
    gapMax: values.haMaxGapNotInSync,
    apacheFrameBytes: values.haTransferBatchSize,
    frameBytes: FRAME_BYTES,
    bytesPerSecondMax: values.haFlowControlEnable
      ? values.maxHaTransferByteInSecond
      : Number.POSITIVE_INFINITY,
    fromLastFile: values.haTransferFromLastFile,
    connectionsMax: CONNECTIONS_MAX,
    handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  }
}

/** A slave's connection to its master. */
export function haSlaveOptions(values: BrokerConfigValues): HaSlaveOptions {
  return {
    ...common(values),
    retryMs: RETRY_MS,
    connectTimeoutMs: values.connectTimeoutMillis,
    divergedTailMax: values.haDivergedTailMax,
    fromLastFile: values.syncFromLastFile,
  }
}

function common(values: BrokerConfigValues): HaCommonOptions {
  const { brokerClusterName, brokerId, brokerName } = values
  return {
    identity: { clusterName: brokerClusterName, brokerName, brokerId },
    sharedSecret: values.haSharedSecret,
    heartbeatMs: values.haSendHeartbeatInterval,
    housekeepingMs: values.haHousekeepingInterval,
  }
}
