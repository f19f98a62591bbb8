import { isMalformed } from '@apogee/base'
import type { ConnectOptions } from '@apogee/env'
import { nodeEnv } from '@apogee/env/node'
import {
  decodeBody,
  decodeRecords,
  encodeHeader,
  formatProperties,
  GetRouteInfoRequestHeader,
  PullMessageRequestHeader,
  RequestCode,
  ResponseCode,
  SendMessageRequestHeaderV2,
  TopicRouteData,
  UpdateConsumerOffsetRequestHeader,
} from '@apogee/protocol'
import { RemotingClient, type Response, silentLogger } from '@apogee/remoting'

const TIMEOUT_MS = 10_000

/** The least of a client: requests by hand. */
export class RawClient {
  readonly remoting: RemotingClient

  constructor(tls?: NonNullable<ConnectOptions['tls']>) {
    const options = tls === undefined ? {} : { tls }
    this.remoting = new RemotingClient(options, { env: nodeEnv(), log: silentLogger })
  }

  send(address: string, topic: string, body: string): Promise<Response> {
    const fields = encodeHeader(SendMessageRequestHeaderV2, {
      producerGroup: 'p',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: formatProperties([]),
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
    })
    const request = { code: RequestCode.SEND_MESSAGE_V2, fields, body: Buffer.from(body) }
    return this.remoting.invoke(address, request, TIMEOUT_MS)
  }

  /** One pull from queue 0. */
  pull(address: string, topic: string, queueOffset: number, suspendMs: number): Promise<Response> {
    const fields = encodeHeader(PullMessageRequestHeader, {
      consumerGroup: 'g',
      topic,
      queueId: 0,
      queueOffset,
      maxMsgNums: 32,
      sysFlag: 4 | (suspendMs > 0 ? 2 : 0),
      commitOffset: 0,
      suspendTimeoutMillis: suspendMs,
      subscription: '*',
      subVersion: 0,
    })
    const request = { code: RequestCode.PULL_MESSAGE, fields }
    return this.remoting.invoke(address, request, suspendMs + TIMEOUT_MS)
  }

  /** How far group `g` has come in queue 0. */
  commit(address: string, topic: string, commitOffset: number): Promise<Response> {
    const fields = encodeHeader(UpdateConsumerOffsetRequestHeader, {
      consumerGroup: 'g',
      topic,
      queueId: 0,
      commitOffset,
    })
    const request = { code: RequestCode.UPDATE_CONSUMER_OFFSET, fields }
    return this.remoting.invoke(address, request, TIMEOUT_MS)
  }

  /** Bodies of all messages in queue 0. */
  async pullAll(address: string, topic: string): Promise<string[]> {
    const bodies: string[] = []
    for (let offset = 0; ; ) {
      const { body, code, fields } = await this.pull(address, topic, offset, 0)
      if (code !== ResponseCode.SUCCESS) return bodies
      const records = decodeRecords(body)
      if (isMalformed(records)) throw new Error(records.detail)
      bodies.push(...records.map((record) => Buffer.from(record.body).toString()))
      offset = Number(fields.get('nextBeginOffset'))
    }
  }

  /** Properties in the body: UPDATE_BROKER_CONFIG, UPDATE_NAMESRV_CONFIG. */
  update(address: string, code: number, properties: string): Promise<Response> {
    return this.remoting.invoke(address, { code, body: Buffer.from(properties) }, TIMEOUT_MS)
  }

  /** Properties that a configuration code answers: GET_BROKER_CONFIG, GET_NAMESRV_CONFIG. */
  async config(address: string, code: number): Promise<string> {
    return (await this.remoting.invoke(address, { code }, TIMEOUT_MS)).body.toString()
  }

  /** Addresses of the masters that have the topic. */
  async route(namesrv: string, topic: string): Promise<string[]> {
    const fields = encodeHeader(GetRouteInfoRequestHeader, { topic, acceptStandardJsonOnly: true })
    const request = { code: RequestCode.GET_ROUTEINFO_BY_TOPIC, fields }
    const response = await this.remoting.invoke(namesrv, request, TIMEOUT_MS)
    if (response.code === ResponseCode.TOPIC_NOT_EXIST) return []
    const route = decodeBody(TopicRouteData, response.body)
    if (isMalformed(route)) throw new Error(route.detail)
    return route.brokerDatas.map((broker) => broker.brokerAddrs.get(0)!)
  }

  async close(): Promise<void> {
    await this.remoting.close()
  }
}
