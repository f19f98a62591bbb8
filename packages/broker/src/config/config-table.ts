import { brokerInertKeys } from './broker-inert-keys.ts'
import type { ConfigKey, ConfigValue, UsedRow } from './config-key.ts'
import { networkInertKeys } from './network-inert-keys.ts'
import { storeInertKeys } from './store-inert-keys.ts'
import { identityRows, sendRows, topicRows } from './used-broker-keys.ts'
import { replicationRows } from './used-replication-keys.ts'
import { clientRows, laneRows, pullRows } from './used-service-keys.ts'
import { storeRows } from './used-store-keys.ts'
import { transactionRows } from './used-transaction-keys.ts'

/**
 * Every key of Apache's broker.conf (BrokerConfig, BrokerIdentity, MessageStoreConfig, NettyServerConfig,
 * NettyClientConfig, AuthConfig), and ours. Those in use come first.
 */
export const brokerConfigTable: readonly ConfigKey[] = [
  ...used(identityRows),
  ...used(topicRows),
  ...used(sendRows),
  ...used(transactionRows),
  ...used(pullRows),
  ...used(clientRows),
  ...used(laneRows),
  ...used(storeRows),
  ...used(replicationRows),
  ...brokerInertKeys,
  ...storeInertKeys,
  ...networkInertKeys,
]

function used(rows: Record<string, UsedRow<ConfigValue>>): ConfigKey[] {
  return Object.entries(rows).map(([key, row]) => ({ key, ...row, effect: 'used' }))
}
