import type { Cluster } from './cluster.ts'
import type { ClusterOptions } from './options.ts'

/**
 * Starts NameServers and brokers in this process, for tests; resolves when clients can send.
 *
 *     await using cluster = await startCluster({ topics: { orders: 8 } })
 *     const client = new AnyRocketMqClient({ nameservers: cluster.nameservers })
 *
 * Rejects with CLUSTER_OPTION_INVALID, CLUSTER_TOPIC_REFUSED, and what keeps a broker from starting (STORE_LOCKED,
 * STORE_CORRUPT, REMOTING_BIND_FAILED, …); nothing is left running then.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  // Who only sends and consumes does not pay for brokers.
  const [{ EmbeddedCluster }, { clusterSettings }] = await Promise.all([
    import('./cluster.ts'),
    import('./settings.ts'),
  ])
  const cluster = new EmbeddedCluster(clusterSettings(options))
  await cluster.start()
  return cluster
}
