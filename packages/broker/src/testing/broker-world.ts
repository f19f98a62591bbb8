import { setImmediate } from 'node:timers/promises'
import type { Env } from '@apogee/env'
import { type SimHost, SimWorld } from '@apogee/env/sim'
import {
  type BodyCodec,
  encodeBody,
  encodeHeader,
  formatProperties,
  type HeaderInput,
  type HeaderTable,
  HeartbeatData,
  PullMessageRequestHeader,
  RequestCode,
  SendMessageRequestHeaderV2,
} from '@apogee/protocol'
import { type Logger, RemotingClient, type Response, silentLogger } from '@apogee/remoting'
import { Broker, type BrokerPorts } from '../broker.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerConfigValues } from '../config/config-values.ts'

const HOST = '10.0.0.1'
/** Small files, so that a test disk stays small. */
const SMALL: Partial<BrokerConfigValues> = {
  mappedFileSizeCommitLog: 4 * 1024 * 1024,
  mappedFileSizeConsumeQueue: 20_000,
  maxHashSlotNum: 1000,
  maxIndexNum: 4000,
  storePathRootDir: '/store',
  bindAddress: HOST,
  listenPort: 10911,
}

/** A broker on a simulated machine, and clients of it. Promises settle while simulated time passes. */
export class BrokerWorld {
  readonly world: SimWorld
  readonly host: SimHost
  broker: Broker | null = null
  env: Env | null = null
  ports: BrokerPorts | null = null
  /** Where the broker logs. */
  log: Logger = silentLogger
  private readonly values: Partial<BrokerConfigValues>
  private readonly clients: RemotingClient[] = []

  constructor(seed: number, values: Partial<BrokerConfigValues> = {}) {
    this.world = new SimWorld(seed)
    this.host = this.world.host(HOST)
    this.values = values
  }

  get address(): string {
    return `${HOST}:${this.ports!.port}`
  }

  async start(): Promise<Broker> {
    this.env = this.host.boot()
    this.broker = new Broker(BrokerConfig.of({ ...SMALL, ...this.values }), {
      env: this.env,
      log: this.log,
    })
    this.ports = await this.settle(this.broker.start())
    return this.broker
  }

  stop(): Promise<void> {
    return this.settle(this.broker!.stop(1000))
  }

  /** A client on a machine of its own. `serializeType`: 0 writes JSON headers, 1 binary ones. */
  client(address: string, serializeType: 0 | 1 = 0): RemotingClient {
    const env = this.world.host(address).boot()
    const client = new RemotingClient({ serializeType }, { env, log: silentLogger })
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

  call<T extends HeaderTable>(
    client: RemotingClient,
    code: number,
    table: T,
    header: HeaderInput<T>,
    body?: Buffer,
    timeoutMs = 40_000,
  ): Promise<Response> {
    const fields = encodeHeader(table, header)
    const request = body === undefined ? { code, fields } : { code, fields, body }
    return this.settle(client.invoke(this.address, request, timeoutMs))
  }

  callBody<B>(
    client: RemotingClient,
    code: number,
    codec: BodyCodec<B>,
    value: B,
  ): Promise<Response> {
    return this.call(client, code, {}, {}, encodeBody(codec, value))
  }

  send(
    client: RemotingClient,
    topic: string,
    body: string,
    options: { queueId?: number; properties?: [string, string][] } = {},
  ): Promise<Response> {
    const header: HeaderInput<typeof SendMessageRequestHeaderV2> = {
      producerGroup: 'p',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: options.queueId ?? 0,
      sysFlag: 0,
      bornTimestamp: this.world.clock.wallMs(),
      flag: 0,
      properties: formatProperties(options.properties ?? []),
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
    }
    const code = RequestCode.SEND_MESSAGE_V2
    return this.call(client, code, SendMessageRequestHeaderV2, header, Buffer.from(body))
  }

  pull(
    client: RemotingClient,
    group: string,
    topic: string,
    options: { queueId?: number; offset?: number; subscription?: string; suspendMs?: number } = {},
  ): Promise<Response> {
    const { suspendMs = 0 } = options
    return this.call(client, RequestCode.PULL_MESSAGE, PullMessageRequestHeader, {
      consumerGroup: group,
      topic,
      queueId: options.queueId ?? 0,
      queueOffset: options.offset ?? 0,
      maxMsgNums: 32,
      sysFlag: 4 | (suspendMs > 0 ? 2 : 0),
      commitOffset: 0,
      suspendTimeoutMillis: suspendMs,
      subscription: options.subscription ?? '*',
      subVersion: 0,
    })
  }

  heartbeat(
    client: RemotingClient,
    clientID: string,
    group: string,
    topic: string,
  ): Promise<Response> {
    return this.callBody(client, RequestCode.HEART_BEAT, HeartbeatData, {
      clientID,
      heartbeatFingerprint: 0,
      withoutSub: false,
      producerDataSet: [{ groupName: 'p' }],
      consumerDataSet: [
        {
          groupName: group,
          consumeType: 'CONSUME_PASSIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          unitMode: false,
          subscriptionDataSet: [
            {
              classFilterMode: false,
              topic,
              subString: '*',
              tagsSet: [],
              codeSet: [],
              subVersion: 1,
              expressionType: 'TAG',
            },
          ],
        },
      ],
    })
  }
}
