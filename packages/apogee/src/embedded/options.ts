import type { Logger } from '@apogee/remoting'

/** Keys of Apache's broker.conf with their values: `{ flushDiskType: 'SYNC_FLUSH', enablePropertyFilter: true }`. */
export type BrokerKeys = Readonly<Record<string, string | number | boolean>>

/** How a topic is made. */
export interface ClusterTopicOptions {
  /** Read and write queues on each broker. Default 8. */
  queues?: number
  /** Queues keep their broker, for strictly ordered messages. Default false. */
  order?: boolean
  /** The attribute `message.type`: NORMAL, FIFO, DELAY, TRANSACTION. Default: none. */
  messageType?: string
}

/**
 * Where a cluster keeps its messages: in this process; in a new folder below the system's folder for temporary files, which
 * goes with the cluster; or in a folder of yours, which stays, and whose stores are opened again when it has some.
 */
export type ClusterStore = 'memory' | 'temporary' | { readonly folder: string }

/** What `startCluster` makes. Without options: one NameServer, one broker, messages in memory. */
export interface ClusterOptions {
  /** Masters, named broker-a, broker-b, …; every topic has queues on each of them. 1 to 26. Default 1. */
  brokers?: number
  /** NameServers. 1 to 16. Default 1. */
  nameservers?: number
  /** Default `'memory'`. */
  store?: ClusterStore
  /**
   * Configuration of all brokers, or of each by its index. `namesrvAddr` and `storePath…` belong to the cluster. A key that
   * does not exist, or a value that is none, refuses the start: a slip in a test would test nothing.
   */
  config?: BrokerKeys | ((index: number) => BrokerKeys)
  /** Topics that are there when the cluster is ready: names, or names with queues or options. */
  topics?: readonly string[] | Readonly<Record<string, number | ClusterTopicOptions>>
  /**
   * `'virtual'`: time passes as it does outside, and `cluster.clock.advance` makes hours pass at once for NameServers
   * and brokers: delay levels, checks, retention, expiry. Clients live in real time, unless they are made with
   * `cluster.env`; so that an advance does not take them for dead, `channelExpiredTimeout`,
   * `subscriptionExpiredTimeout` and `serverChannelMaxIdleTimeSeconds` are then practically infinite, where `config`
   * does not say otherwise.
   * Default `'real'`.
   */
  time?: 'real' | 'virtual'
  /** Gets what the nodes log, each line with its `node`. The shape of pino. Default: nothing is logged. */
  logger?: Logger
}

/** Options with every default in its place, checked. */
export interface ClusterSettings {
  readonly brokers: number
  readonly nameservers: number
  readonly store: ClusterStore
  readonly config: (index: number) => BrokerKeys
  readonly topics: readonly (readonly [name: string, options: ClusterTopicOptions])[]
  readonly time: 'real' | 'virtual'
  readonly logger: Logger | null
}
