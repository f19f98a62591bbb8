import type { Env } from '@apogee/env'
import type { Codec } from './codec.ts'
import type { MessageQueue, ReceivedMessage } from './message.ts'

/** The pino shape; nothing is logged without one. */
export interface ClientLogger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}

/** Signs every request (RocketMQ ACL 1 and 2). */
export interface Credentials {
  accessKey: string
  secretKey: string
  securityToken?: string
}

/** TLS to NameServers and brokers; `true` stands for all defaults. Certificates and keys are PEM. */
export interface TlsOptions {
  ca?: string | Uint8Array
  cert?: string | Uint8Array
  key?: string | Uint8Array
  servername?: string
  /** Default true. */
  rejectUnauthorized?: boolean
}

/** What all producers and consumers of one RocketMQ object share. Times are in ms. */
export interface RocketMQOptions {
  /**
   * "host:port" of each NameServer; a text may hold several with `;` between. Default: NAMESRV_ADDR, else
   * 127.0.0.1:9876.
   */
  nameservers?: string | readonly string[]
  credentials?: Credentials
  /** Prefixed to topics and groups with `%`, as Java's. Default none. */
  namespace?: string
  logger?: ClientLogger
  tls?: TlsOptions | true
  /** Part of the client id; two clients of one process and group need two. Default: process id and a random part. */
  instanceName?: string
  /** The address in the client id. Default: the first address of this machine that is not loopback. */
  clientIp?: string
  unitName?: string
  /** Routes of used topics are asked for this often; a failure refreshes them at once. Default 30,000. */
  pollNameServerIntervalMs?: number
  /** Default 30,000. */
  heartbeatBrokerIntervalMs?: number
  /** A connection that brought nothing for this long is asked for a sign of life. Default 5,000. */
  pingIdleMs?: number
  /** One that does not answer a ping within this is closed. Default 3,000. */
  pingTimeoutMs?: number
  /** Default 3,000. */
  connectTimeoutMs?: number
  /** Of requests that have no time-out of their own. Default 3,000. */
  requestTimeoutMs?: number
  /** Header form: RocketMQ's binary one, or JSON for servers that read nothing else. Default 'binary'. */
  headers?: 'binary' | 'json'
  /** Clock, chance, files and sockets other than this machine's: for tests and simulators. */
  env?: Env
}

/** Of one send. */
export interface SendOptions {
  signal?: AbortSignal
  /** For the send with all its attempts. Default: the producer's. */
  timeoutMs?: number
  /**
   * Equal keys go to one queue, in order. Such a send is not retried on another queue: while its broker is away it fails
   * with RMQ_QUEUE_UNAVAILABLE.
   */
  shardingKey?: string
  /**
   * The queue itself, or a choice among the queues among which sharding keys choose: those of a broker that has died are
   * there too. Not retried on another queue.
   */
  queue?: MessageQueue | ((queues: readonly MessageQueue[]) => MessageQueue)
}

/** How bodies can be compressed. Consumers older than RocketMQ 5 read zlib only. */
export type CompressionName = 'zlib' | 'lz4' | 'zstd'

/** Of one producer. Times are in ms, sizes in bytes. */
export interface ProducerOptions {
  /**
   * Only one producer of a RocketMQ object may be of a group. Those that name none share one. Default:
   * apogee_producer.
   */
  group?: string
  /** Attempts after the first, all within the deadline. Default 2. */
  retries?: number
  /**
   * For one send with its retries. Default 3,000. While another broker could take a retry, an attempt gets half of what
   * is left of it; an attempt without an answer may have stored the message all the same.
   */
  timeoutMs?: number
  /** FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT and SLAVE_NOT_AVAILABLE try another broker (may double). Default false. */
  retryAnotherBrokerWhenNotStoreOk?: boolean
  /** Bodies from `over` bytes on are compressed. Default { over: 4096, type: 'zlib', level: 5 }; false: never. */
  compress?: { over?: number; type?: CompressionName; level?: number } | false
  /** Bytes of body and properties. Default 4 MiB. */
  maxMessageSize?: number
  /** Bytes of one batch frame; longer ones are split. Default: maxMessageSize. */
  maxBatchSize?: number
  /** Sends that wait for an answer at once. Default 10,000. */
  maxInFlight?: number
  /**
   * Brokers that answer slowly are avoided for a while (Java: sendLatencyFaultEnable). Default false: only those that
   * did not answer in time, for 10 s.
   */
  latencyFaultTolerance?: boolean
  /** Topics that no NameServer knows are sent to by the route of TBW102 and made by the broker, if it may. Default true. */
  createTopics?: boolean
  /** Queues of a topic made so. Default 4. */
  defaultTopicQueueNums?: number
  /**
   * Topics whose routes and connections are wanted before `mq.producer()` resolves. Others are looked up at their
   * first send.
   */
  topics?: readonly string[]
  /** Messages about messages for RMQ_SYS_TRACE_TOPIC, or the topic named. Default false. */
  trace?: boolean | { topic?: string }
}

/** How a transaction ends; 'unknown' lets the broker ask again. */
export type TransactionOutcome = 'commit' | 'rollback' | 'unknown'

/** Of a producer of transactions. */
export interface TransactionProducerOptions extends ProducerOptions {
  group: string
  /** Async: asked by brokers about transactions without an end. A throw counts as 'unknown'. */
  check(message: ReceivedMessage): Promise<TransactionOutcome>
  /** Checks at once; more wait. Default 16. */
  checkConcurrency?: number
  /** Checks that wait; more are dropped (the broker asks again). Default 2,000. */
  checkQueueMax?: number
}

/** Made by `tags()` and `sql`; a plain text is tags with `||`, `*` is all. */
export interface Subscription {
  readonly type: 'TAG' | 'SQL92'
  readonly expression: string
}

/**
 * Java's strategies for sharing the queues of a topic, by the names they have there. All members of a group need the
 * same.
 */
export type AllocateStrategyName =
  | 'AVG'
  | 'AVG_BY_CIRCLE'
  | 'CONSISTENT_HASH'
  | 'CONFIG'
  | 'MACHINE_ROOM'
  | 'MACHINE_ROOM_NEARBY'

/** Of one consumer. Times are in ms, sizes in bytes. */
export interface ConsumerOptions<T = Buffer> {
  group: string
  /** Topic → what of it. */
  subscriptions: Readonly<Record<string, string | Subscription>>
  /**
   * 'clustering': each message to one member. 'broadcasting': to every one; failures are not sent back. Default
   * 'clustering'.
   */
  model?: 'clustering' | 'broadcasting'
  /** Where a group without stored offsets begins. Default 'last'. */
  from?: 'last' | 'first' | { timestamp: number | Date }
  /** Handlers at once. Default 20. */
  concurrency?: number
  /** Deliveries after the first before a message is dead. −1 = 16 (concurrent), without limit (ordered). Default −1. */
  maxRetries?: number
  /** What may wait in memory for handlers, per queue. Default 1,000 messages, 100 MiB, 2,000 offsets apart. */
  prefetch?: { messages?: number; bytes?: number; span?: number }
  /** Messages asked for at once. Default 32. */
  pullBatchSize?: number
  /** Ordered: how long a queue rests after a failure. Default 1,000. */
  suspendMs?: number
  /** A handler that runs longer has its message sent back, so that it is not lost with it. Default 900,000. */
  consumeTimeoutMs?: number
  /** How queues are shared. Default 'AVG'. */
  allocate?: AllocateStrategyName | AllocateStrategyOptions
  /** Default 20,000. */
  rebalanceIntervalMs?: number
  /** Default 5,000. */
  persistOffsetsIntervalMs?: number
  /** Broadcasting: folder of the offset files. Default `~/.rocketmq_offsets`, Java's place. */
  offsetStore?: string
  /** Makes values of bodies. Default: bodies stay bytes. */
  codec?: Codec<T>
  /** Messages about messages for RMQ_SYS_TRACE_TOPIC, or the topic named. Default false. */
  trace?: boolean | { topic?: string }
  /** How long `drain` waits for handlers. Default 30,000. */
  drainTimeoutMs?: number
}

/** Strategies that need more than a name. */
export type AllocateStrategyOptions =
  | { strategy: 'CONFIG'; queues: readonly MessageQueue[] }
  | { strategy: 'MACHINE_ROOM'; rooms: readonly string[] }
  | {
      strategy: 'MACHINE_ROOM_NEARBY'
      /** Room of a broker by its name. */
      brokerRoom(brokerName: string): string
      /** Room of a client by its id. */
      clientRoom(clientId: string): string
    }
  | { strategy: 'CONSISTENT_HASH'; virtualNodes?: number }

/** Of one pull consumer: either `assign` or `subscriptions`. Times are in ms, sizes in bytes. */
export interface PullConsumerOptions<T = Buffer> {
  group: string
  /** Queues read, all of a topic when only its name is given. Without it, `subscribe`d topics are shared by rebalance. */
  assign?: readonly (string | MessageQueue)[]
  subscriptions?: Readonly<Record<string, string | Subscription>>
  from?: ConsumerOptions['from']
  prefetch?: ConsumerOptions['prefetch']
  pullBatchSize?: number
  allocate?: ConsumerOptions['allocate']
  codec?: Codec<T>
  /** Offsets of what `poll` gave are committed by themselves so often; false: only `commit()` does. Default false. */
  autoCommitIntervalMs?: number | false
}
