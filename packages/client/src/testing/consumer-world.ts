import { isMalformed } from '@apogee/base'
import type { Env } from '@apogee/env'
import {
  decodeHeader,
  encodeHeader,
  formatProperties,
  QueryConsumerOffsetRequestHeader,
  QueryConsumerOffsetResponseHeader,
  RequestCode,
  ResponseCode,
  SendMessageRequestHeaderV2,
} from '@apogee/protocol'
import type { ClientLogger } from '../api/options.ts'
import { ClientInstance } from '../remote/client.ts'
import { BROKER_PORT, brokerHost, ClientWorld, clientHost } from './client-world.ts'

/** Collects what a client logs, so that a test can say what was told. */
export class TestLog implements ClientLogger {
  readonly events: { level: string; event: string; fields: Record<string, unknown> }[] = []

  debug(fields: object): void {
    this.add('debug', fields)
  }

  info(fields: object): void {
    this.add('info', fields)
  }

  warn(fields: object): void {
    this.add('warn', fields)
  }

  error(fields: object): void {
    this.add('error', fields)
  }

  count(event: string): number {
    return this.events.filter((one) => one.event === event).length
  }

  private add(level: string, fields: object): void {
    const all = fields as Record<string, unknown>
    this.events.push({ level, event: String(all['event']), fields: all })
  }
}

/** A ClientWorld with what tests of consumers need: topics, messages, stored offsets. */
export class ConsumerWorld extends ClientWorld {
  private sender: ClientInstance | null = null

  /** On every broker that runs. */
  async makeTopic(topic: string, queues: number): Promise<void> {
    await this.createTopic(this.tool, topic, queues)
  }

  /** A client whose ports the test has something to do with. */
  clientIn(env: Env, number: number): ClientInstance {
    const clientIp = clientHost(number)
    const around = { clientIp, processId: number, namesrvAddr: null, homeFolder: '/home' }
    return new ClientInstance(
      { nameservers: this.nameservers },
      { ...around, env, zoneOffsetMs: 0 },
    )
  }

  async send(
    topic: string,
    bodies: readonly string[],
    options: { queueId?: number; broker?: number; tag?: string } = {},
  ): Promise<void> {
    const { queueId = 0, broker = 1, tag } = options
    const sends = bodies.map((body) => {
      const properties = formatProperties(tag === undefined ? [] : [['TAGS', tag]])
      const fields = encodeHeader(SendMessageRequestHeaderV2, {
        producerGroup: 'P',
        topic,
        defaultTopic: 'TBW102',
        defaultTopicQueueNums: 4,
        queueId,
        sysFlag: 0,
        bornTimestamp: this.world.clock.wallMs(),
        flag: 0,
        properties,
        reconsumeTimes: 0,
        unitMode: false,
        batch: false,
      })
      const request = { code: RequestCode.SEND_MESSAGE_V2, fields, body: Buffer.from(body) }
      return this.tool.remote.call(address(broker), request, 10_000)
    })
    await this.settle(Promise.all(sends))
  }

  /** What the broker has stored for the group; null when nothing. */
  async storedOffset(
    group: string,
    topic: string,
    queueId = 0,
    broker = 1,
  ): Promise<number | null> {
    const header = { consumerGroup: group, topic, queueId, setZeroIfNotFound: false }
    const fields = encodeHeader(QueryConsumerOffsetRequestHeader, header)
    const request = { code: RequestCode.QUERY_CONSUMER_OFFSET, fields }
    const response = await this.settle(this.tool.remote.invoke(address(broker), request, 3_000))
    if (response.code === ResponseCode.QUERY_NOT_FOUND) return null
    const decoded = decodeHeader(QueryConsumerOffsetResponseHeader, response.fields)
    if (isMalformed(decoded)) throw new Error(decoded.detail)
    return decoded.offset
  }

  /** Lets time pass until `reached`; throws when that takes longer than `limitMs`. */
  async until(reached: () => boolean, limitMs = 60_000): Promise<void> {
    for (let passed = 0; passed < limitMs; passed += 5) {
      if (reached()) return
      await this.pass(5)
    }
    throw new Error(`not reached within ${limitMs} ms: ${reached.toString().slice(0, 200)}`)
  }

  /** A client that belongs to the test itself. */
  get tool(): ClientInstance {
    this.sender ??= this.client(250)
    return this.sender
  }
}

function address(broker: number): string {
  return `${brokerHost(broker)}:${BROKER_PORT}`
}

export function texts(count: number, prefix = 'm'): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
}
