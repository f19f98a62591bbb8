import { isMalformed } from '@apogee/base'
import type { Env } from '@apogee/env'
import { nodeEnv } from '@apogee/env/node'
import {
  decodeBody,
  decodeRecords,
  encodeBody,
  encodeHeader,
  formatProperties,
  GetRouteInfoRequestHeader,
  type HeaderInput,
  type HeaderTable,
  HeartbeatData,
  PullMessageRequestHeader,
  RequestCode,
  SendMessageRequestHeaderV2,
  TopicRouteData,
  UpdateConsumerOffsetRequestHeader,
} from '@apogee/protocol'
import { RemotingClient, type Response, silentLogger } from '@apogee/remoting'

const TIMEOUT_MS = 3000

export interface SendOptions {
  queueId?: number
  properties?: [string, string][]
  sysFlag?: number
  timeoutMs?: number
}

/** A RocketMQ client by hand, one call each: what tests of the embedded cluster talk with. */
export class ClusterClient {
  private readonly client: RemotingClient

  constructor(env: Pick<Env, 'clock' | 'net'> = nodeEnv()) {
    this.client = new RemotingClient({}, { env, log: silentLogger })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close()
  }

  call<T extends HeaderTable>(
    address: string,
    code: number,
    table: T,
    header: HeaderInput<T>,
    body?: Buffer,
    timeoutMs: number = TIMEOUT_MS,
  ): Promise<Response> {
    const fields = encodeHeader(table, header)
    const request = body === undefined ? { code, fields } : { code, fields, body }
    return this.client.invoke(address, request, timeoutMs)
  }

  send(
    address: string,
    topic: string,
    body: string,
    { properties = [], queueId = 0, sysFlag = 0, timeoutMs = TIMEOUT_MS }: SendOptions = {},
  ): Promise<Response> {
    const header: HeaderInput<typeof SendMessageRequestHeaderV2> = {
      producerGroup: 'producers',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId,
      sysFlag,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: formatProperties(properties),
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
    }
    const code = RequestCode.SEND_MESSAGE_V2
    const bytes = Buffer.from(body)
    return this.call(address, code, SendMessageRequestHeaderV2, header, bytes, timeoutMs)
  }

  /** Bodies of one pull. */
  async pull(
    address: string,
    topic: string,
    {
      offset = 0,
      queueId = 0,
      suspendMs = 0,
    }: { [K in 'offset' | 'queueId' | 'suspendMs']?: number },
  ): Promise<string[]> {
    const response = await this.call(
      address,
      RequestCode.PULL_MESSAGE,
      PullMessageRequestHeader,
      {
        consumerGroup: 'consumers',
        topic,
        queueId,
        queueOffset: offset,
        maxMsgNums: 32,
        sysFlag: 4 | (suspendMs > 0 ? 2 : 0),
        commitOffset: 0,
        suspendTimeoutMillis: suspendMs,
        subscription: '*',
        subVersion: 0,
      },
      undefined,
      suspendMs + TIMEOUT_MS,
    )
    const records = decodeRecords(response.body)
    if (isMalformed(records)) throw new Error(records.detail)
    return records.map(({ body }) => Buffer.from(body).toString())
  }

  commit(address: string, topic: string, queueId: number, commitOffset: number): Promise<Response> {
    const header = { consumerGroup: 'consumers', topic, queueId, commitOffset }
    const code = RequestCode.UPDATE_CONSUMER_OFFSET
    return this.call(address, code, UpdateConsumerOffsetRequestHeader, header)
  }

  heartbeat(address: string, clientID: string, topic: string): Promise<Response> {
    const subscription = {
      classFilterMode: false,
      topic,
      subString: '*',
      tagsSet: [],
      codeSet: [],
      subVersion: 1,
      expressionType: 'TAG',
    }
    const body = encodeBody(HeartbeatData, {
      clientID,
      heartbeatFingerprint: 0,
      withoutSub: false,
      producerDataSet: [{ groupName: 'producers' }],
      consumerDataSet: [
        {
          groupName: 'consumers',
          consumeType: 'CONSUME_PASSIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          unitMode: false,
          subscriptionDataSet: [subscription],
        },
      ],
    })
    return this.call(address, RequestCode.HEART_BEAT, {}, {}, body)
  }

  /** Write queues of a topic by broker address, as a NameServer says; empty for a topic that it does not know. */
  async route(nameserver: string, topic: string): Promise<Record<string, number>> {
    const code = RequestCode.GET_ROUTEINFO_BY_TOPIC
    const header = { topic, acceptStandardJsonOnly: true }
    const response = await this.call(nameserver, code, GetRouteInfoRequestHeader, header)
    if (response.code !== 0) return {}
    const route = decodeBody(TopicRouteData, response.body)
    if (isMalformed(route)) throw new Error(route.detail)
    const queues = new Map(route.queueDatas.map((data) => [data.brokerName, data.writeQueueNums]))
    return Object.fromEntries(
      route.brokerDatas.map(({ brokerAddrs, brokerName }) => [
        brokerAddrs.get(0) ?? '',
        queues.get(brokerName) ?? 0,
      ]),
    )
  }
}
