import { setImmediate } from 'node:timers/promises'
import { isMalformed } from '@apogee/base'
import { SimWorld } from '@apogee/env/sim'
import { NameServer } from '@apogee/namesrv'
import {
  CreateTopicRequestHeader,
  DeleteTopicRequestHeader,
  decodeBody,
  encodeHeader,
  GetRouteInfoRequestHeader,
  type HeaderInput,
  type HeaderTable,
  PullMessageRequestHeader,
  QueryConsumerOffsetRequestHeader,
  RequestCode,
  ResponseCode,
  SendMessageRequestHeaderV2,
  TopicRouteData,
  UpdateConsumerOffsetRequestHeader,
} from '@apogee/protocol'
import { type Logger, RemotingClient, type Response, silentLogger } from '@apogee/remoting'
import { Broker } from '../../broker.ts'
import type { BrokerMachine } from '../../broker-options.ts'
import { BrokerConfig } from '../../config/broker-config.ts'
import type { BrokerConfigValues } from '../../config/config-values.ts'
import { pullHeader, sendHeader, textsOf } from '../../testing/requests.ts'

const PORT = 10911
const NAMESRV_PORT = 9876

/** A broker on a machine of its own, which may be stopped, killed and started again. */
export class BrokerNode {
  readonly host: string
  broker: Broker | null = null
  machine: BrokerMachine = {}
  private readonly cluster: ClusterWorld
  private values: Partial<BrokerConfigValues>

  constructor(cluster: ClusterWorld, host: string, values: Partial<BrokerConfigValues>) {
    this.cluster = cluster
    this.host = host
    this.values = values
  }

  get address(): string {
    return `${this.host}:${PORT}`
  }

  get services(): NonNullable<Broker['services']> {
    return this.broker!.services!
  }

  async start(changes: Partial<BrokerConfigValues> = {}): Promise<Broker> {
    this.values = { ...this.values, ...changes }
    // Of a machine that lost power the client has heard nothing.
    this.cluster.client.peek(this.address)?.abort('restarted')
    const env = this.cluster.world.host(this.host).boot()
    const { machine } = this
    this.broker = new Broker(BrokerConfig.of(this.values), { env, log: this.cluster.log, machine })
    await this.cluster.settle(this.broker.start())
    return this.broker
  }

  stop(): Promise<void> {
    return this.cluster.settle(this.broker!.stop(5000))
  }

  kill(): void {
    this.cluster.world.host(this.host).kill()
  }
}

/** NameServers, brokers and one client in a simulated network. Promises settle while simulated time passes. */
export class ClusterWorld {
  readonly world: SimWorld
  readonly client: RemotingClient
  /** Where brokers log. */
  log: Logger = silentLogger
  private readonly nameServers: string[]

  constructor(seed: number, nameServers: readonly string[] = ['10.0.9.1']) {
    this.world = new SimWorld(seed)
    this.nameServers = [...nameServers]
    const env = this.world.host('10.0.8.1').boot()
    this.client = new RemotingClient({}, { env, log: silentLogger })
  }

  async startNameServers(...hosts: string[]): Promise<void> {
    for (const host of hosts.length > 0 ? hosts : this.nameServers) {
      const config = { bindAddress: host, kvConfigPath: '/namesrv/kvConfig.json' }
      const deps = { env: this.world.host(host).boot(), log: silentLogger }
      await this.settle(new NameServer(config, deps).start())
    }
  }

  /** A broker; `host`: its address. Small files, so that a test disk stays small. */
  node(host: string, values: Partial<BrokerConfigValues> = {}): BrokerNode {
    return new BrokerNode(this, host, {
      mappedFileSizeCommitLog: 1024 * 1024,
      mappedFileSizeConsumeQueue: 20_000,
      maxHashSlotNum: 1000,
      maxIndexNum: 4000,
      storePathRootDir: '/store',
      bindAddress: host,
      listenPort: PORT,
      haListenPort: 10912,
      haAllowedPeers: '10.0.0.0/16',
      namesrvAddr: this.nameServers.map((address) => `${address}:${NAMESRV_PORT}`).join(';'),
      ...values,
    })
  }

  slave(host: string, values: Partial<BrokerConfigValues> = {}): BrokerNode {
    return this.node(host, { brokerRole: 'SLAVE', brokerId: 1, ...values })
  }

  settle<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.world.clock.settle(promise, () => setImmediate(), limitMs)
  }

  pass(ms: number): Promise<void> {
    return this.world.clock.runForAsync(ms, () => setImmediate())
  }

  /** Lets time pass until `check` holds; how long that took, ms. Throws after `limitMs`. */
  async until(check: () => boolean, limitMs = 20_000): Promise<number> {
    const startMs = this.world.clock.monotonicMs()
    while (!check()) {
      if (this.world.clock.monotonicMs() - startMs > limitMs) throw new Error('it never came')
      await this.pass(20)
    }
    return this.world.clock.monotonicMs() - startMs
  }

  call<T extends HeaderTable>(
    address: string,
    code: number,
    table: T,
    header: HeaderInput<T>,
    body?: Buffer,
  ): Promise<Response> {
    const fields = encodeHeader(table, header)
    const request = body === undefined ? { code, fields } : { code, fields, body }
    return this.settle(this.client.invoke(address, request, 5000))
  }

  send(node: BrokerNode, topic: string, body: string, queueId = 0): Promise<Response> {
    const header = sendHeader({ topic, queueId })
    const code = RequestCode.SEND_MESSAGE_V2
    return this.call(node.address, code, SendMessageRequestHeaderV2, header, Buffer.from(body))
  }

  async texts(node: BrokerNode, topic: string, offset = 0, queueId = 0): Promise<string[]> {
    const header = pullHeader({ topic, queueId, queueOffset: offset })
    const code = RequestCode.PULL_MESSAGE
    const pulled = await this.call(node.address, code, PullMessageRequestHeader, header)
    return pulled.code === ResponseCode.SUCCESS ? textsOf(pulled) : []
  }

  createTopic(node: BrokerNode, topic: string, queues = 4): Promise<Response> {
    return this.call(node.address, RequestCode.UPDATE_AND_CREATE_TOPIC, CreateTopicRequestHeader, {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: queues,
      writeQueueNums: queues,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
    })
  }

  deleteTopic(node: BrokerNode, topic: string): Promise<Response> {
    const code = RequestCode.DELETE_TOPIC_IN_BROKER
    return this.call(node.address, code, DeleteTopicRequestHeader, { topic })
  }

  async commit(node: BrokerNode, group: string, topic: string, offset: number): Promise<number> {
    const header = { consumerGroup: group, topic, queueId: 0, commitOffset: offset }
    const code = RequestCode.UPDATE_CONSUMER_OFFSET
    return (await this.call(node.address, code, UpdateConsumerOffsetRequestHeader, header)).code
  }

  /** −1: none. */
  async offset(node: BrokerNode, group: string, topic: string): Promise<number> {
    const header = { consumerGroup: group, topic, queueId: 0, setZeroIfNotFound: false }
    const code = RequestCode.QUERY_CONSUMER_OFFSET
    const found = await this.call(node.address, code, QueryConsumerOffsetRequestHeader, header)
    return found.code === ResponseCode.SUCCESS ? Number(found.fields.get('offset')) : -1
  }

  /** What a NameServer says of a topic; null: no route. */
  async route(
    topic: string,
    nameServer: string = this.nameServers[0]!,
  ): Promise<TopicRouteData | null> {
    const code = RequestCode.GET_ROUTEINFO_BY_TOPIC
    const address = `${nameServer}:${NAMESRV_PORT}`
    const answer = await this.call(address, code, GetRouteInfoRequestHeader, {
      topic,
      acceptStandardJsonOnly: true,
    })
    if (answer.code !== ResponseCode.SUCCESS) return null
    const route = decodeBody(TopicRouteData, answer.body)
    if (isMalformed(route)) throw new Error(route.detail)
    return route
  }
}
