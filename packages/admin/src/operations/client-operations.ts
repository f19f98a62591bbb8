import {
  type ConsumeFromWhere,
  ConsumerConnection,
  type ConsumeType,
  GetConsumerConnectionListRequestHeader,
  GetConsumerRunningInfoRequestHeader,
  GetProducerConnectionListRequestHeader,
  type MessageModel,
  ProducerConnection,
  RequestCode,
  ResponseCode,
  type SubscriptionData,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import type { AdminTransport } from '../transport/admin-transport.ts'
import { type Answers, askEach, orNull } from './answers.ts'
import type { BrokerOperations } from './broker-operations.ts'
import { type ClusterOperations, compare } from './cluster-operations.ts'
import { parseRunningInfo, type RunningInfo } from './running-info.ts'
import type { TopicOperations } from './topic-operations.ts'
import type { BrokerTarget, Where } from './where.ts'

/** A client as brokers know it. */
export interface ConnectedClient {
  readonly clientId: string
  /** "ip:port" of its socket at the first broker that named it. */
  readonly clientAddr: string
  readonly language: string
  /** Ordinal of MQVersion. */
  readonly version: number
  /** Addresses of the brokers that it is connected to. */
  readonly brokers: readonly string[]
}

/** A producer, and of which group. */
export interface ConnectedProducer extends ConnectedClient {
  readonly producerGroup: string
  /** Its last heartbeat; milliseconds. */
  readonly lastUpdateMs: number
}

/** A consumer group's connections, all brokers together. */
export interface GroupConnections {
  readonly group: string
  readonly clients: readonly ConnectedClient[]
  /** What the broker says the group subscribes, by topic; of several brokers the newest. */
  readonly subscriptions: readonly SubscriptionData[]
  readonly consumeType: ConsumeType | null
  readonly messageModel: MessageModel | null
  readonly consumeFromWhere: ConsumeFromWhere | null
}

/** For a consumer's answer through its broker, which gives it ten seconds. Milliseconds. */
const ANSWER_MS = 12_000

/** Clients that are connected to brokers, and what they tell about themselves. */
export class ClientOperations {
  private readonly transport: AdminTransport
  private readonly cluster: ClusterOperations
  private readonly brokers: BrokerOperations
  private readonly topics: TopicOperations

  constructor(
    transport: AdminTransport,
    cluster: ClusterOperations,
    brokers: BrokerOperations,
    topics: TopicOperations,
  ) {
    this.transport = transport
    this.cluster = cluster
    this.brokers = brokers
    this.topics = topics
  }

  /**
   * GET_CONSUMER_CONNECTION_LIST (203) at every master, or a slave in its place. A group that is nowhere online has no
   * clients; that is no error here.
   */
  async consumers(
    group: string,
    where: Where = {},
  ): Promise<GroupConnections & Pick<Answers<never>, 'problems'>> {
    return this.consumersAt(group, await this.cluster.readers(where))
  }

  /** As `consumers`, with the brokers known: for who asks about many groups. */
  async consumersAt(
    group: string,
    targets: readonly BrokerTarget[],
  ): Promise<GroupConnections & Pick<Answers<never>, 'problems'>> {
    const { results, problems } = await askEach(
      targets,
      ({ address }) => address,
      async ({ address }) => ({ address, info: await this.connectionOrNull(address, group) }),
    )
    const clients = new Map<string, ConnectedClient>()
    const subscriptions = new Map<string, SubscriptionData>()
    let mode: Pick<GroupConnections, 'consumeType' | 'messageModel' | 'consumeFromWhere'> = {
      consumeType: null,
      messageModel: null,
      consumeFromWhere: null,
    }
    for (const { address, info } of results) {
      if (info === null) continue
      const { consumeType, messageModel, consumeFromWhere } = info
      mode = { consumeType, messageModel, consumeFromWhere }
      for (const one of info.connectionSet) addClient(clients, one, address)
      for (const [topic, data] of info.subscriptionTable) {
        const known = subscriptions.get(topic)
        if (known === undefined || known.subVersion < data.subVersion) {
          subscriptions.set(topic, data)
        }
      }
    }
    return {
      group,
      clients: [...clients.values()].sort((a, b) => compare(a.clientId, b.clientId)),
      subscriptions: [...subscriptions.values()].sort((a, b) => compare(a.topic, b.topic)),
      ...mode,
      problems,
    }
  }

  /**
   * GET_CONSUMER_RUNNING_INFO (307): asks one consumer, through a broker it is connected to. Rejects with
   * ADMIN_CONSUMER_NOT_ONLINE when the client is not there, ADMIN_REFUSED when it does not answer.
   */
  async runningInfo(
    group: string,
    client: ConnectedClient,
    jstack = false,
    timeoutMs: number = ANSWER_MS,
  ): Promise<RunningInfo> {
    const address = client.brokers[0]
    if (address === undefined) throw notOnline(group, client.clientId)
    const { body } = await this.transport.call(address, {
      code: RequestCode.GET_CONSUMER_RUNNING_INFO,
      header: GetConsumerRunningInfoRequestHeader,
      values: { consumerGroup: group, clientId: client.clientId, jstackEnable: jstack },
      timeoutMs,
    })
    return parseRunningInfo(body, client.clientId, address)
  }

  /** The running info of every consumer of a group; those that do not answer are problems. */
  async runningInfos(
    group: string,
    clients: readonly ConnectedClient[],
    jstack = false,
  ): Promise<Answers<RunningInfo>> {
    return askEach(
      clients,
      ({ clientId }) => clientId,
      (client) => this.runningInfo(group, client, jstack),
    )
  }

  /**
   * GET_PRODUCER_CONNECTION_LIST (204) at the brokers of a topic. Rejects with ADMIN_TOPIC_NOT_FOUND,
   * ADMIN_GROUP_NOT_FOUND when no producer of the group is connected to any of them.
   */
  async producers(producerGroup: string, topic: string): Promise<Answers<ConnectedClient>> {
    const targets = await this.topics.brokersOf(topic)
    const request = {
      code: RequestCode.GET_PRODUCER_CONNECTION_LIST,
      header: GetProducerConnectionListRequestHeader,
      values: { producerGroup },
    }
    const { results, problems } = await askEach(
      targets,
      ({ address }) => address,
      async ({ address }) => {
        const info = await orNull(
          this.transport.callBody(address, request, ProducerConnection),
          ResponseCode.SYSTEM_ERROR,
        )
        return { address, connections: info?.connectionSet ?? [] }
      },
    )
    const clients = new Map<string, ConnectedClient>()
    for (const { address, connections } of results) {
      for (const one of connections) addClient(clients, one, address)
    }
    if (clients.size === 0 && problems.length === 0) {
      const message = `no producer of group ${producerGroup} is connected to a broker of ${topic}`
      throw new AdminError(AdminErrorCode.GROUP_NOT_FOUND, message)
    }
    return { results: [...clients.values()], problems }
  }

  /** GET_ALL_PRODUCER_INFO (328): every producer that is connected. Sorted by group and client. */
  async allProducers(where: Where = {}): Promise<Answers<ConnectedProducer>> {
    const { results, problems } = await askEach(
      await this.cluster.targets(where),
      ({ address }) => address,
      async ({ address }) => ({ address, ...(await this.brokers.producers(address)) }),
    )
    const all = new Map<string, ConnectedProducer>()
    for (const { address, data } of results) {
      for (const [producerGroup, infos] of data) {
        for (const { clientId, remoteIP, language, version, lastUpdateTimestamp } of infos) {
          const key = `${producerGroup} ${clientId}`
          const known = all.get(key)
          all.set(key, {
            producerGroup,
            clientId,
            clientAddr: known?.clientAddr ?? remoteIP.replace(/^\//, ''),
            language,
            version,
            brokers: [...(known?.brokers ?? []), address],
            lastUpdateMs: Math.max(known?.lastUpdateMs ?? 0, lastUpdateTimestamp),
          })
        }
      }
    }
    const sorted = [...all.values()].sort(
      (a, b) => compare(a.producerGroup, b.producerGroup) || compare(a.clientId, b.clientId),
    )
    return { results: sorted, problems }
  }

  /** Null: nobody of the group is there. */
  private connectionOrNull(address: string, group: string): Promise<ConsumerConnection | null> {
    const request = {
      code: RequestCode.GET_CONSUMER_CONNECTION_LIST,
      header: GetConsumerConnectionListRequestHeader,
      values: { consumerGroup: group },
    }
    return orNull(
      this.transport.callBody(address, request, ConsumerConnection),
      ResponseCode.CONSUMER_NOT_ONLINE,
    )
  }
}

function addClient(
  clients: Map<string, ConnectedClient>,
  one: Omit<ConnectedClient, 'brokers'>,
  address: string,
): void {
  const { clientId, clientAddr, language, version } = one
  const known = clients.get(clientId) ?? { clientId, clientAddr, language, version, brokers: [] }
  clients.set(clientId, { ...known, brokers: [...known.brokers, address] })
}

/** The error for a client that is not connected. */
export function notOnline(group: string, clientId?: string): AdminError {
  const who =
    clientId === undefined ? `no consumer of group ${group}` : `client ${clientId} of ${group}`
  const hint = '`group clients` shows who is connected'
  return new AdminError(
    AdminErrorCode.CONSUMER_NOT_ONLINE,
    clientId === undefined ? `${who} is online` : `${who} is not online`,
    { hint },
  )
}
