export * from '@apogee/client'
export type { Cluster, ClusterTopics } from './embedded/cluster.ts'
export type { ClusterFaults } from './embedded/faults/cluster-faults.ts'
export type { FaultMatch, FaultRule, Refusal } from './embedded/faults/fault-rules.ts'
export type { MessagesQuery, StoredMessage } from './embedded/inspect/messages.ts'
export type { GroupClient, GroupLag, QueueProgress } from './embedded/inspect/progress.ts'
export type { ClusterClock } from './embedded/machine.ts'
export type { ClusterNode } from './embedded/node.ts'
export type {
  BrokerKeys,
  ClusterOptions,
  ClusterStore,
  ClusterTopicOptions,
} from './embedded/options.ts'
export { startCluster } from './embedded/start-cluster.ts'
export type { WaitOptions } from './embedded/wait-for.ts'

/** The `apogee` program. Its code is loaded when it is called: who imports this package wants a client. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = await import('./main.ts')
  await program.main(argv)
}
