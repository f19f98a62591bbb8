import type { HaCommonOptions, HaMasterOptions, HaSlaveOptions } from '../ha-options.ts'
import type { HistoryPlan } from './history-plan.ts'

// Everything short, so that a history of a second sees heartbeats, time-outs and retries.

export const HA_PORT = 10912
export const MASTER_ADDRESS = '10.0.0.1'
export const SLAVE_TIMEOUT_MS = 120
const CLUSTER = 'cluster'
const BROKER = 'broker'

export const addressOf = (node: number): string => `10.0.0.${node + 1}`

function common(plan: HistoryPlan, brokerId: number): HaCommonOptions {
  return {
    identity: { clusterName: CLUSTER, brokerName: BROKER, brokerId },
    sharedSecret: plan.sharedSecret,
    heartbeatMs: 40,
    housekeepingMs: plan.housekeepingMs,
  }
}

export function masterOptions(plan: HistoryPlan): HaMasterOptions {
  return {
    ...common(plan, 0),
    host: MASTER_ADDRESS,
    port: HA_PORT,
    allowedPeers: ['10.0.0.0/24'],
    inSyncReplicas: plan.inSyncReplicas,
    slaveTimeoutMs: SLAVE_TIMEOUT_MS,
    gapMax: plan.gapMax,
    apacheFrameBytes: plan.apacheFrameBytes,
    frameBytes: plan.frameBytes,
    bytesPerSecondMax: plan.bytesPerSecondMax,
    fromLastFile: false,
    connectionsMax: 8,
    handshakeTimeoutMs: 100,
  }
}

export function slaveOptions(plan: HistoryPlan, node: number): HaSlaveOptions {
  return {
    ...common(plan, node),
    retryMs: 10,
    connectTimeoutMs: 50,
    divergedTailMax: plan.divergedTailMax,
    fromLastFile: plan.slaves[node - 1]!.fromLastFile,
  }
}
