// What producers and consumers are given: the one set of connections, routes and heartbeats of a RocketMQ object (Java:
// MQClientInstance), seen from inside. Everything here is internal to the package.
import type { ApogeeError } from '@apogee/base'
import type { Env } from '@apogee/env'
import type {
  ConsumeMessageDirectlyResult,
  ConsumerData,
  ExtFields,
  JsonMap,
  MessageExt,
  MessageQueue,
  TopicRouteData,
  UniqKeySource,
} from '@apogee/protocol'
import type { ClientRequest, Connection, Response } from '@apogee/remoting'
import type { ClientStatus } from '../api/consume.ts'
import type { RocketMQError } from '../api/errors.ts'
import type { ClientLogger, TransactionOutcome } from '../api/options.ts'
import type { NameServers } from './name-servers.ts'

/** Shared by all producers and consumers of one RocketMQ object. */
export interface Client {
  /** `ip@instance[@unit]`. */
  readonly clientId: string
  readonly env: Env
  readonly log: ClientLogger
  /** null, or what is prefixed to topics and groups with `%`. */
  readonly namespace: string | null
  readonly unitName: string | null
  readonly requestTimeoutMs: number
  readonly routes: Routes
  readonly remote: Remote
  readonly members: Members
  readonly nameServers: NameServers
  readonly status: StatusSink
  /** Makes the UNIQ_KEY of every message that this client sends. */
  readonly uniqKeys: UniqKeySource
  /** Where files of the user belong (`~`); Java's default folder of local offsets is below it. */
  readonly homeFolder: string
  /** Set once `close` has begun. */
  readonly isClosing: boolean
}

/** Requests to servers, signed, with errors as RocketMQError. */
export interface Remote {
  /**
   * Sends a request to a broker and waits for its response, whatever its code. Rejects with RMQ_BROKER_UNREACHABLE,
   * RMQ_TIMEOUT, RMQ_CLOSED, RMQ_PROTOCOL. `timeoutMs` includes connecting.
   */
  invoke(address: string, request: ClientRequest, timeoutMs: number): Promise<Response>
  /** The same; a response code other than SUCCESS rejects, mapped by `errorOfResponse`. */
  call(address: string, request: ClientRequest, timeoutMs: number): Promise<Response>
  /**
   * False when the socket's buffer is full (the request is still sent) or the request was dropped because the broker
   * cannot be reached.
   */
  oneway(address: string, request: ClientRequest): OnewayOutcome
  /**
   * The connection to a server, made if need be, for frames that are written straight into it; or why there is none
   * now.
   */
  open(address: string): Connection | RocketMQError
  /** Whether requests go with binary headers and unsigned, so that a caller may write them itself. */
  readonly writesBinary: boolean
  /** The fields to send: with those of the signature, when there are credentials. */
  fieldsOf(fields: ExtFields | null, body: Uint8Array | null): ExtFields | null
  /** What a request on an opened connection failed with. */
  failureOf(requestCode: number, error: ApogeeError, address: string): RocketMQError
  /** Whether its connection was lost, or the last attempt to connect to it failed. */
  isDown(address: string): boolean
  /** Resolves when what waited for this broker's socket has been taken; rejects when the connection is lost before. */
  flushed(address: string): Promise<void>
}
export type OnewayOutcome = 'sent' | 'full' | 'dropped'

/** A topic's route as clients use it (Java: TopicPublishInfo and the subscribe table). */
export interface TopicRoute {
  readonly topic: string
  readonly data: TopicRouteData
  /** Queues with write permission on brokers with a master, in order of broker name and queue id. */
  readonly publishQueues: readonly MessageQueue[]
  /** Queues with read permission, in the same order. */
  readonly subscribeQueues: readonly MessageQueue[]
}

export interface Routes {
  /**
   * The cached route, or asks for it. Rejects with RMQ_TOPIC_NOT_FOUND, RMQ_NAMESERVER_UNREACHABLE. A topic that was
   * asked for is polled from then on while it is watched.
   */
  get(topic: string): Promise<TopicRoute>
  peek(topic: string): TopicRoute | null
  /**
   * A failure suggests that the route is old: asks for it now. Calls while a question is under way share its answer;
   * one topic is asked for at most every 200 ms. Resolves to the route known then, null when there is none; never
   * rejects.
   */
  refresh(topic: string): Promise<TopicRoute | null>
  /** The route of this topic decides where sharding keys go: for some seconds it is kept fresh (CloseWatch). */
  watchClosely(topic: string): void
  /** Polled every pollNameServerIntervalMs until the returned function is called; the listener hears of changes only. */
  watch(topic: string, listener: (route: TopicRoute | null) => void): () => void
  /** Address of one broker by name and id (0 = master), null when no known route has it. */
  brokerAddress(brokerName: string, brokerId: number): string | null
  /** Any broker of that name for reads: the wanted id, else another (master first). */
  readAddress(brokerName: string, wantedId: number): { address: string; brokerId: number } | null
  /** All replicas of a broker by id, none when no known route has it. */
  replicas(brokerName: string): ReadonlyMap<number, string>
  /** Addresses of masters (and others, when asked for) of all topics in use. */
  addresses(withSlaves: boolean): string[]
  /** The name of the broker at this address. */
  brokerNameOf(address: string): string | null
}

/** A consumer as servers and other members see it. */
export interface ConsumerMember {
  readonly group: string
  /** Into heartbeats (34). */
  heartbeat(): ConsumerData
  /** NOTIFY_CONSUMER_IDS_CHANGED (40): rebalance now. */
  membersChanged(): void
  /** RESET_CONSUMER_CLIENT_OFFSET (220). */
  resetOffsets(topic: string, offsets: readonly (readonly [MessageQueue, number])[]): void
  /** GET_CONSUMER_STATUS_FROM_CLIENT (221). */
  consumerStatus(topic: string): readonly (readonly [MessageQueue, number])[]
  /** GET_CONSUMER_RUNNING_INFO (307). */
  runningInfo(): JsonMap
  /** CONSUME_MESSAGE_DIRECTLY (309). */
  consumeDirectly(message: MessageExt, brokerName: string): Promise<ConsumeMessageDirectlyResult>
}

/** CHECK_TRANSACTION_STATE (39), already decoded. */
export interface TransactionCheck {
  readonly brokerAddress: string
  readonly message: MessageExt
  readonly transactionId: string
  readonly tranStateTableOffset: number
  readonly commitLogOffset: number
}
export interface ProducerMember {
  readonly group: string
  /** Several members of this client may be of the group, if all of them say so. */
  readonly isShared?: boolean
  checkTransaction?(check: TransactionCheck): void
}
export type { TransactionOutcome }

/** Who is in heartbeats, and who hears what servers ask (Java: producerTable, consumerTable). */
export interface Members {
  /**
   * Throws RMQ_INVALID_ARGUMENT when this client has a member of that kind and group already, and they do not share it.
   * Heartbeats go out soon.
   */
  addProducer(member: ProducerMember): void
  addConsumer(member: ConsumerMember): void
  /** UNREGISTER_CLIENT (35) to every broker known, best effort within 1 s; not while others share the group. */
  removeProducer(member: ProducerMember): Promise<void>
  removeConsumer(member: ConsumerMember): Promise<void>
  /** Heartbeats to every broker now: subscriptions have changed. Never rejects. */
  heartbeatNow(): Promise<void>
  /** PUSH_REPLY_MESSAGE_TO_CLIENT (326): by CORRELATION_ID. */
  expectReply(correlationId: string, receive: (message: MessageExt) => void): () => void
}

export interface StatusSink {
  emit(status: ClientStatus): void
}
