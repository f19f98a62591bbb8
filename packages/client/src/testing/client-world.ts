import { setImmediate } from 'node:timers/promises'
import { Broker, BrokerConfig, type BrokerConfigValues } from '@apogee/broker'
import type { Env } from '@apogee/env'
import { type SimHost, SimWorld } from '@apogee/env/sim'
import { NameServer } from '@apogee/namesrv'
import { CreateTopicRequestHeader, encodeHeader, RequestCode } from '@apogee/protocol'
import { silentLogger } from '@apogee/remoting'
import type { RocketMQOptions } from '../api/options.ts'
import { ClientInstance } from '../remote/client.ts'

export const NAMESRV_PORT = 9876
export const BROKER_PORT = 10911

/** Small files, so that a simulated disk stays small; routes reach the NameServer soon. */
const SMALL: Partial<BrokerConfigValues> = {
  mappedFileSizeCommitLog: 4 * 1024 * 1024,
  mappedFileSizeConsumeQueue: 60_000,
  maxHashSlotNum: 1000,
  maxIndexNum: 4000,
  storePathRootDir: '/store',
  listenPort: BROKER_PORT,
  registerNameServerPeriod: 10_000,
}

/**
 * NameServers, brokers and clients of the real code in one simulated network: `10.0.1.<n>` NameServers, `10.0.0.<n>`
 * brokers named `broker-<n>`, `10.0.2.<n>` clients. Promises settle while simulated time passes.
 */
export class ClientWorld {
  readonly world: SimWorld
  readonly brokers: Map<number, Broker> = new Map()
  private readonly nameServerCount: number
  private readonly values: Partial<BrokerConfigValues>
  private readonly clients: ClientInstance[] = []

  constructor(
    seed: number,
    options: { nameServers?: number; values?: Partial<BrokerConfigValues> } = {},
  ) {
    this.world = new SimWorld(seed)
    this.nameServerCount = options.nameServers ?? 1
    this.values = options.values ?? {}
  }

  get nameservers(): string[] {
    const numbers = Array.from({ length: this.nameServerCount }, (_, i) => i + 1)
    return numbers.map((number) => `${nameServerHost(number)}:${NAMESRV_PORT}`)
  }

  /** Every NameServer and brokers 1 to `brokers`, with their routes known. */
  async start(brokers = 1): Promise<void> {
    for (let i = 1; i <= this.nameServerCount; i++) await this.startNameServer(i)
    for (let i = 1; i <= brokers; i++) await this.startBroker(i)
  }

  async startNameServer(number: number): Promise<void> {
    const host = nameServerHost(number)
    const config = {
      bindAddress: host,
      listenPort: NAMESRV_PORT,
      kvConfigPath: '/kv/kvConfig.json',
      // Off by default, as in Apache's: routes then carry no order configuration.
      orderMessageEnable: true,
    }
    const server = new NameServer(config, { env: this.world.host(host).boot(), log: silentLogger })
    await this.settle(server.start())
  }

  async startBroker(number: number, more: Partial<BrokerConfigValues> = {}): Promise<Broker> {
    const host = brokerHost(number)
    const values = {
      ...SMALL,
      brokerName: `broker-${number}`,
      bindAddress: host,
      brokerIP1: host,
      namesrvAddr: this.nameservers.join(';'),
      ...this.values,
      ...more,
    }
    const env = this.world.host(host).boot()
    const broker = new Broker(BrokerConfig.of(values), { env, log: silentLogger })
    this.brokers.set(number, broker)
    await this.settle(broker.start())
    await this.pass(200)
    return broker
  }

  /** A topic on every broker, known to the NameServers when this returns. */
  async createTopic(client: ClientInstance, topic: string, queues = 4): Promise<void> {
    const fields = encodeHeader(CreateTopicRequestHeader, {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: queues,
      writeQueueNums: queues,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      order: false,
    })
    const code = RequestCode.UPDATE_AND_CREATE_TOPIC
    for (const number of this.brokers.keys()) {
      const address = `${brokerHost(number)}:${BROKER_PORT}`
      await this.settle(client.remote.call(address, { code, fields }, 3_000))
    }
    await this.pass(500)
  }

  brokerMachine(number: number): SimHost {
    return this.world.host(brokerHost(number))
  }

  nameServerMachine(number: number): SimHost {
    return this.world.host(nameServerHost(number))
  }

  /** Ports of a client's machine of its own. */
  clientEnv(number: number): Env {
    return this.world.host(clientHost(number)).boot()
  }

  client(number: number, options: RocketMQOptions = {}): ClientInstance {
    const client = new ClientInstance(
      { nameservers: this.nameservers, ...options },
      {
        env: this.clientEnv(number),
        clientIp: clientHost(number),
        processId: number,
        namesrvAddr: null,
        homeFolder: '/home',
        zoneOffsetMs: 0,
      },
    )
    this.clients.push(client)
    return client
  }

  /** Lets simulated time pass until the promise settles. */
  settle<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.world.clock.settle(promise, () => setImmediate(), limitMs)
  }

  pass(ms: number): Promise<void> {
    return this.world.clock.runForAsync(ms, () => setImmediate())
  }
}

export function nameServerHost(number: number): string {
  return `10.0.1.${number}`
}

export function brokerHost(number: number): string {
  return `10.0.0.${number}`
}

export function clientHost(number: number): string {
  return `10.0.2.${number}`
}
