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

/**
 * What kind of cluster: one master; several; masters with slaves that copy them (ASYNC_MASTER); masters that acknowledge
 * what a slave has too (SYNC_MASTER, `inSyncReplicas` 2).
 */
export type ClusterMode = 'single' | 'multi-master' | 'async-replica' | 'sync-replica'

/** What `startCluster` makes. Without options: one NameServer, one broker, messages in memory. */
export interface ClusterOptions {
  /** Default `'single'`, or what fits the counts: `'multi-master'`, with slaves `'async-replica'`. */
  mode?: ClusterMode
  /**
   * Masters, named broker-a, broker-b, …; every topic has queues on each of them. 1 to 26. Default 1, of
   * `'multi-master'` 2.
   */
  brokers?: number
  /** The same as `brokers`, in the words of `apogee cluster`. */
  masters?: number
  /** Slaves of each master, named broker-a-1, broker-a-2, …. 0 to 8. Default 0, where the mode has slaves 1. */
  slaves?: number
  /** NameServers. 1 to 16. Default 1. */
  nameservers?: number
  /** Default `'memory'`. */
  store?: ClusterStore
  /**
   * Configuration of all brokers, or of each by the index of its master and its own brokerId. `namesrvAddr`, `storePath…`,
   * `brokerRole` and `brokerId` belong to the cluster. A key that does not exist, or a value that is none, refuses the
   * start: a slip in a test would test nothing.
   */
  config?: BrokerKeys | ((index: number, brokerId: number) => BrokerKeys)
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
  readonly mode: ClusterMode
  readonly masters: number
  /** Of each master. */
  readonly slaves: number
  readonly nameservers: number
  readonly store: ClusterStore
  readonly config: (index: number, brokerId: number) => BrokerKeys
  readonly topics: readonly (readonly [name: string, options: ClusterTopicOptions])[]
  readonly time: 'real' | 'virtual'
  readonly logger: Logger | null
}

/** Which broker of a cluster. */
export interface BrokerPlace {
  /** Of its master: 0 for broker-a. */
  readonly index: number
  /** 0 for the master itself. */
  readonly brokerId: number
}
