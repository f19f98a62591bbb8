import type { BrokerConfig } from '../config/broker-config.ts'
import type { HaServices } from './ha-services.ts'

/**
 * Why a SYNC_MASTER takes no message now: fewer than minInSyncReplicas are in sync. Null when it may take them.
 * Java: PutMessageStatus.IN_SYNC_REPLICAS_NOT_ENOUGH, which clients get as SYSTEM_ERROR (1).
 */
export function replicaShortage({ values }: BrokerConfig, { master }: HaServices): string | null {
  const { brokerRole, minInSyncReplicas } = values
  if (minInSyncReplicas <= 1 || master === null || brokerRole !== 'SYNC_MASTER') return null
  const { inSyncReplicas } = master
  if (inSyncReplicas >= minInSyncReplicas) return null
  return `in-sync replicas not enough: ${inSyncReplicas} of minInSyncReplicas=${minInSyncReplicas}`
}
