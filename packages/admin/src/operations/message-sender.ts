import {
  formatProperties,
  type HeaderInput,
  isWriteable,
  MessageConst,
  propertyFits,
  RequestCode,
  ResponseCode,
  SendMessageRequestHeaderV2,
  SendMessageResponseHeader,
  SystemTopic,
  type TopicRouteData,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import { type AdminTransport, headerOf } from '../transport/admin-transport.ts'
import type { QueueAt } from './offset-operations.ts'
import type { TopicOperations } from './topic-operations.ts'

/** A message to store for a test or by hand. */
export interface OutgoingMessage {
  readonly topic: string
  readonly body: Uint8Array
  readonly tags?: string | undefined
  readonly keys?: string | undefined
  readonly properties?: ReadonlyMap<string, string> | undefined
}

/** `FLUSH_…` and `SLAVE_…`: stored, but the promise of the flush or replication mode did not come in time. */
export type SendStatus =
  | 'SEND_OK'
  | 'FLUSH_DISK_TIMEOUT'
  | 'FLUSH_SLAVE_TIMEOUT'
  | 'SLAVE_NOT_AVAILABLE'

export interface SentMessage {
  readonly status: SendStatus
  readonly offsetMsgId: string
  readonly brokerName: string
  readonly queueId: number
  readonly queueOffset: number
  /** From request to answer, milliseconds. */
  readonly elapsedMs: number
}

/** Where a message goes. A queue id of -1 leaves the choice to the broker. */
export type SendPlace = Pick<QueueAt, 'address' | 'brokerName' | 'queueId'>

const SEND_TIMEOUT_MS = 3_000
const PRODUCER_GROUP = 'TOOLS_PRODUCER'

const STORED: Readonly<Record<number, SendStatus>> = {
  [ResponseCode.SUCCESS]: 'SEND_OK',
  [ResponseCode.FLUSH_DISK_TIMEOUT]: 'FLUSH_DISK_TIMEOUT',
  [ResponseCode.FLUSH_SLAVE_TIMEOUT]: 'FLUSH_SLAVE_TIMEOUT',
  [ResponseCode.SLAVE_NOT_AVAILABLE]: 'SLAVE_NOT_AVAILABLE',
}

/** Sends single messages, by hand or to measure. */
export class MessageSender {
  private readonly transport: AdminTransport
  private readonly topics: TopicOperations

  constructor(transport: AdminTransport, topics: TopicOperations) {
    this.transport = transport
    this.topics = topics
  }

  /** SEND_MESSAGE_V2 (310) to one queue. A queue id of -1 leaves the choice to the broker. */
  async send(message: OutgoingMessage, place: SendPlace): Promise<SentMessage> {
    const { clock } = this.transport
    const startedMs = clock.monotonicMs()
    const { address, brokerName, queueId } = place
    const fields = sendHeader(message, brokerName, queueId, clock.wallMs())
    const response = await this.transport.callFor(
      address,
      {
        code: RequestCode.SEND_MESSAGE_V2,
        header: SendMessageRequestHeaderV2,
        values: fields,
        body: Buffer.from(message.body),
        timeoutMs: SEND_TIMEOUT_MS,
      },
      STORED,
    )
    const header = headerOf(SendMessageResponseHeader, response, address)
    return {
      status: STORED[response.code] ?? 'SEND_OK',
      offsetMsgId: header.msgId,
      brokerName,
      queueId: header.queueId,
      queueOffset: header.queueOffset,
      elapsedMs: clock.monotonicMs() - startedMs,
    }
  }

  /**
   * The queue to send to: the one that is named, or one of the topic's writable ones. A topic that does not exist yet
   * gets the place where the broker would make it by itself. Rejects with ADMIN_TOPIC_NOT_FOUND, ADMIN_QUEUE_NOT_FOUND.
   */
  async placeFor(topic: string, brokerName?: string, queueId?: number): Promise<SendPlace> {
    const { queueDatas, brokerDatas } = await this.routeForSend(topic)
    const places = queueDatas
      .filter(({ perm }) => isWriteable(perm))
      .filter((one) => brokerName === undefined || one.brokerName === brokerName)
      .flatMap((one) => {
        const broker = brokerDatas.find((data) => data.brokerName === one.brokerName)
        const address = broker?.brokerAddrs.get(0)
        if (address === undefined) return []
        return Array.from({ length: one.writeQueueNums }, (_, id) => {
          return { address, brokerName: one.brokerName, queueId: id }
        })
      })
    const fitting = places.filter((one) => queueId === undefined || one.queueId === queueId)
    const place = fitting[this.transport.clock.wallMs() % Math.max(1, fitting.length)]
    if (place !== undefined) return place
    const where = `${brokerName === undefined ? '' : ` on ${brokerName}`}`
    const which = queueId === undefined ? 'queue' : `queue ${queueId}`
    const message = `topic ${topic} has no writable ${which}${where}`
    throw new AdminError(AdminErrorCode.QUEUE_NOT_FOUND, message, {
      hint: '`topic route` shows the queues of a topic and their permission',
    })
  }

  private async routeForSend(topic: string): Promise<TopicRouteData> {
    try {
      return await this.topics.route(topic)
    } catch (error) {
      const isUnknown = error instanceof AdminError && error.code === AdminErrorCode.TOPIC_NOT_FOUND
      if (!isUnknown) throw error
      try {
        return await this.topics.route(SystemTopic.AUTO_CREATE_TOPIC_KEY)
      } catch {
        // Brokers that make no topics by themselves: then the missing topic is what is wrong.
        throw error
      }
    }
  }
}

function sendHeader(
  message: OutgoingMessage,
  brokerName: string,
  queueId: number,
  nowMs: number,
): HeaderInput<typeof SendMessageRequestHeaderV2> {
  const properties = new Map(message.properties ?? [])
  if (message.tags !== undefined) properties.set(MessageConst.TAGS, message.tags)
  if (message.keys !== undefined) properties.set(MessageConst.KEYS, message.keys)
  for (const [name, value] of properties) {
    if (value === '' || propertyFits(name, value)) continue
    const what = `property ${name.slice(0, 80)}: a separator (\\x01 or \\x02) inside`
    throw new AdminError(AdminErrorCode.USAGE, what)
  }
  return {
    producerGroup: PRODUCER_GROUP,
    topic: message.topic,
    defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
    defaultTopicQueueNums: 4,
    queueId,
    sysFlag: 0,
    bornTimestamp: nowMs,
    flag: 0,
    properties: formatProperties(properties),
    reconsumeTimes: 0,
    unitMode: false,
    batch: false,
    brokerName,
  }
}
