import type { Admin } from '@apogee/admin'
import type { RocketMQOptions } from '@apogee/client'

export type { Admin, AdminError } from '@apogee/admin'
export * from '@apogee/client'
export type { ClusterBroker } from './embedded/broker-node.ts'
export type { Cluster, ClusterTopics } from './embedded/cluster.ts'
export type { LinkFault } from './embedded/faults/cables.ts'
export type { ClusterFaults, Side } from './embedded/faults/cluster-faults.ts'
export type { FaultMatch, FaultRule, Refusal } from './embedded/faults/fault-rules.ts'
export type { MessagesQuery, StoredMessage } from './embedded/inspect/messages.ts'
export type { GroupClient, GroupLag, QueueProgress } from './embedded/inspect/progress.ts'
export type { Replication, SlaveReplication, SlaveState } from './embedded/inspect/replication.ts'
export type { ClusterClock } from './embedded/machine.ts'
export type { ClusterNode } from './embedded/node.ts'
export type {
  BrokerKeys,
  ClusterMode,
  ClusterOptions,
  ClusterStore,
  ClusterTopicOptions,
} from './embedded/options.ts'
export { startCluster } from './embedded/start-cluster.ts'
export type { WaitOptions } from './embedded/wait-for.ts'

/**
 * Administration of a cluster: topics, groups, offsets, messages, brokers. It connects when it is used; `close` ends its
 * connections. Names are whole: a `namespace` is not added. Rejects with RMQ_INVALID_ARGUMENT.
 */
export async function connectAdmin(options: RocketMQOptions = {}): Promise<Admin> {
  const admin = await import('@apogee/admin')
  return admin.connectAdmin(options)
}

/** The `apogee` program. Its code is loaded when it is called: who imports this package wants a client. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = await import('./main.ts')
  await program.main(argv)
}
