import { isMalformed } from '@apogee/base'
import {
  ConsumeMessageDirectlyResult,
  ConsumeMessageDirectlyResultRequestHeader,
  formatHost,
  formatProperties,
  type HeaderInput,
  isWriteable,
  MessageConst,
  parseOffsetMsgId,
  parseUniqKey,
  QueryConsumeQueueRequestHeader,
  QueryConsumeQueueResponseBody,
  QueryMessageRequestHeader,
  RequestCode,
  ResponseCode,
  SendMessageRequestHeaderV2,
  SendMessageResponseHeader,
  SystemTopic,
  type TopicRouteData,
  ViewMessageRequestHeader,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import { type AdminTransport, headerOf } from '../transport/admin-transport.ts'
import { type Answers, askEach } from './answers.ts'
import { type ConnectedClient, notOnline } from './client-operations.ts'
import type { ClusterOperations } from './cluster-operations.ts'
import { type FoundMessage, foundMessages } from './found-message.ts'
import { parseTraces, type TraceRecord } from './message-trace.ts'
import type { OffsetOperations, QueueAt } from './offset-operations.ts'
import { QueueReader, type ScanOptions, scanQueues } from './queue-reader.ts'
import type { TopicOperations } from './topic-operations.ts'

/** Which messages `find` looks for. A topic is needed for all but an offset id. */
export type MessageQuery =
  | { readonly id: string; readonly topic?: string | undefined }
  | ({ readonly key: string; readonly topic: string } & KeyRange)
  | ({ readonly uniqKey: string; readonly topic: string } & KeyRange)
  | {
      readonly topic: string
      readonly beginMs: number
      readonly endMs: number
      readonly max?: number | undefined
    }

/** When a message was stored, and how many of them at most. */
export interface KeyRange {
  readonly beginMs?: number | undefined
  readonly endMs?: number | undefined
  /** Default 64, which is what a broker gives at most in one answer. */
  readonly max?: number | undefined
}

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

const KEY_MATCHES_MAX = 64
const SEND_TIMEOUT_MS = 3_000
/** Java says Long.MAX_VALUE for "any time"; this is the largest that both sides read exactly. */
const ANY_TIME = Number.MAX_SAFE_INTEGER
const PRODUCER_GROUP = 'TOOLS_PRODUCER'

const STORED: Readonly<Record<number, SendStatus>> = {
  [ResponseCode.SUCCESS]: 'SEND_OK',
  [ResponseCode.FLUSH_DISK_TIMEOUT]: 'FLUSH_DISK_TIMEOUT',
  [ResponseCode.FLUSH_SLAVE_TIMEOUT]: 'FLUSH_SLAVE_TIMEOUT',
  [ResponseCode.SLAVE_NOT_AVAILABLE]: 'SLAVE_NOT_AVAILABLE',
}

/** Messages: found, read, handed to a consumer again, and sent. */
export class MessageOperations {
  private readonly transport: AdminTransport
  private readonly cluster: ClusterOperations
  private readonly topics: TopicOperations
  private readonly offsets: OffsetOperations

  constructor(
    transport: AdminTransport,
    cluster: ClusterOperations,
    topics: TopicOperations,
    offsets: OffsetOperations,
  ) {
    this.transport = transport
    this.cluster = cluster
    this.topics = topics
    this.offsets = offsets
  }

  /**
   * Finds messages by what is known of them. An `id` may be an offset id or, with its topic, a unique key. Rejects with
   * ADMIN_MESSAGE_NOT_FOUND, ADMIN_TOPIC_NOT_FOUND, ADMIN_USAGE for an id of neither form.
   */
  async find(query: MessageQuery): Promise<Answers<FoundMessage>> {
    if ('id' in query) return this.byId(query.id, query.topic)
    if ('key' in query) return this.byKey(query.topic, query.key, query)
    if ('uniqKey' in query) return this.byUniqKey(query.topic, query.uniqKey, query)
    const { topic, max = KEY_MATCHES_MAX, ...range } = query
    const results: FoundMessage[] = []
    for await (const message of this.scan(topic, { ...range, max })) results.push(message)
    if (results.length === 0) throw noMessage(`no message of ${topic} in this range of time`)
    return { results, problems: [] }
  }

  /**
   * VIEW_MESSAGE_BY_ID (33) at the broker that the id names. Rejects with ADMIN_MESSAGE_NOT_FOUND when its log does not
   * have the place any more, ADMIN_USAGE when this is no offset id.
   */
  async byOffsetId(offsetMsgId: string): Promise<FoundMessage> {
    const id = parseOffsetMsgId(offsetMsgId)
    if (isMalformed(id)) throw notAnId(offsetMsgId)
    const address = formatHost(id.storeHost)
    try {
      const { body } = await this.transport.call(address, {
        code: RequestCode.VIEW_MESSAGE_BY_ID,
        header: ViewMessageRequestHeader,
        values: { offset: id.physicalOffset },
      })
      const [message] = foundMessages(body, address, await this.brokerNameOf(address))
      if (message !== undefined) return message
    } catch (error) {
      const isGone = error instanceof AdminError && error.responseCode === ResponseCode.SYSTEM_ERROR
      if (!isGone) throw error
    }
    throw noMessage(`${address} has no message ${offsetMsgId}`)
  }

  /** QUERY_MESSAGE (12) at every broker of the topic: messages with this key, oldest first. */
  byKey(topic: string, key: string, range: KeyRange = {}): Promise<Answers<FoundMessage>> {
    return this.query(topic, key, range, 'K')
  }

  /** As `byKey`, by tag: only brokers whose index is in RocksDB (5.4 and later) know tags; others find nothing. */
  byTag(topic: string, tag: string, range: KeyRange = {}): Promise<Answers<FoundMessage>> {
    return this.query(topic, tag, range, 'T')
  }

  /** As `byKey`, by the UNIQ_KEY that the producer gave. Several are found when a send was repeated. */
  byUniqKey(topic: string, uniqKey: string, range: KeyRange = {}): Promise<Answers<FoundMessage>> {
    return this.query(topic, uniqKey, range, 'U')
  }

  /**
   * PULL_MESSAGE (11): the message at an offset of a queue. Rejects with ADMIN_MESSAGE_NOT_FOUND,
   * ADMIN_QUEUE_NOT_FOUND.
   */
  async byOffset(
    topic: string,
    brokerName: string,
    queueId: number,
    offset: number,
  ): Promise<FoundMessage> {
    const queue = await this.offsets.queue(topic, brokerName, queueId)
    const { messages } = await new QueueReader(this.transport, queue).read(offset, 1)
    const found = messages.find(({ queueOffset }) => queueOffset === offset)
    if (found !== undefined) return found
    throw noMessage(
      `no message at offset ${offset} of queue ${queueId} of ${topic} on ${brokerName}`,
    )
  }

  /**
   * PULL_MESSAGE (11), queue after queue: every message of a topic that fits. Nothing is committed and no consumer is
   * disturbed. Rejects with ADMIN_TOPIC_NOT_FOUND, ADMIN_BROKER_UNREACHABLE.
   */
  async *scan(topic: string, options: ScanOptions = {}): AsyncGenerator<FoundMessage> {
    const all = await this.offsets.queues(topic, options.brokerName)
    const queues =
      options.queueId === undefined
        ? all
        : [
            await this.offsets.queue(
              topic,
              options.brokerName ?? all[0]?.brokerName ?? '',
              options.queueId,
            ),
          ]
    yield* scanQueues(this.transport, this.offsets, queues, options)
  }

  /** QUERY_CONSUME_QUEUE (321): entries of one queue as they are on the broker's disk. */
  async consumeQueue(
    address: string,
    request: {
      topic: string
      queueId: number
      index: number
      count: number
      group?: string | undefined
    },
  ): Promise<QueryConsumeQueueResponseBody> {
    const { group, ...rest } = request
    return this.transport.callBody(
      address,
      {
        code: RequestCode.QUERY_CONSUME_QUEUE,
        header: QueryConsumeQueueRequestHeader,
        values: { ...rest, consumerGroup: group ?? null },
      },
      QueryConsumeQueueResponseBody,
    )
  }

  /**
   * CONSUME_MESSAGE_DIRECTLY (309): hands a stored message to one consumer of a group, now, and says what its handler
   * made of it. Offsets stay. Rejects with ADMIN_CONSUMER_NOT_ONLINE, ADMIN_REFUSED when the consumer does not answer
   * within ten seconds.
   */
  async consumeDirectly(
    group: string,
    client: ConnectedClient,
    message: FoundMessage,
  ): Promise<ConsumeMessageDirectlyResult> {
    // The broker that has the message hands it on, so the consumer must be connected to that one.
    const address = client.brokers.find((one) => one === message.storeHost) ?? client.brokers[0]
    if (address === undefined) throw notOnline(group, client.clientId)
    return this.transport.callBody(
      address,
      {
        code: RequestCode.CONSUME_MESSAGE_DIRECTLY,
        header: ConsumeMessageDirectlyResultRequestHeader,
        values: {
          consumerGroup: group,
          clientId: client.clientId,
          msgId: message.offsetMsgId,
          topic: message.topic,
        },
        timeoutMs: 12_000,
      },
      ConsumeMessageDirectlyResult,
    )
  }

  /** SEND_MESSAGE_V2 (310) to one queue. A queue id of -1 leaves the choice to the broker. */
  async send(
    message: OutgoingMessage,
    queue: Pick<QueueAt, 'address' | 'brokerName' | 'queueId'>,
  ): Promise<SentMessage> {
    const { clock } = this.transport
    const startedMs = clock.monotonicMs()
    const { address, brokerName, queueId } = queue
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
  async placeFor(
    topic: string,
    brokerName?: string,
    queueId?: number,
  ): Promise<Pick<QueueAt, 'address' | 'brokerName' | 'queueId'>> {
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

  /** What clients noted about a message in the trace topic: QUERY_MESSAGE (12) by its id. In the order of time. */
  async traces(
    msgId: string,
    traceTopic: string = SystemTopic.TRACE,
    range: KeyRange = {},
  ): Promise<Answers<TraceRecord>> {
    const { results, problems } = await this.byKey(traceTopic, msgId, range)
    const records = results.flatMap(({ body }) => parseTraces(Buffer.from(body).toString('utf8')))
    const ours = records.filter((record) => record.msgId === msgId)
    return { results: ours.sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0)), problems }
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

  private async byId(id: string, topic: string | undefined): Promise<Answers<FoundMessage>> {
    const isOffsetId = !isMalformed(parseOffsetMsgId(id))
    const isUniqKey = !isMalformed(parseUniqKey(id))
    if (!isOffsetId && !isUniqKey) throw notAnId(id)
    // Both are 32 hex digits: a unique key with its topic is the likelier one, and costs no call to a made-up address.
    if (topic !== undefined && isUniqKey) {
      try {
        return await this.byUniqKey(topic, id)
      } catch (error) {
        const isNone =
          error instanceof AdminError && error.code === AdminErrorCode.MESSAGE_NOT_FOUND
        if (!isNone || !isOffsetId) throw error
      }
    }
    return { results: [await this.byOffsetId(id)], problems: [] }
  }

  private async query(
    topic: string,
    key: string,
    range: KeyRange,
    indexType: IndexType,
  ): Promise<Answers<FoundMessage>> {
    const { beginMs = 0, endMs = ANY_TIME, max = KEY_MATCHES_MAX } = range
    const request = {
      code: RequestCode.QUERY_MESSAGE,
      header: QueryMessageRequestHeader,
      values: {
        topic,
        key,
        maxNum: max,
        beginTimestamp: beginMs,
        endTimestamp: endMs,
        // Which kind of key it is: the first is for brokers before 5.4, the second for later ones.
        uniqueKeyQuery: indexType === 'U',
        indexType,
      },
    }
    const { results, problems } = await askEach(
      await this.topics.brokersOf(topic),
      ({ address }) => address,
      async ({ address, brokerName }) => {
        try {
          const { body } = await this.transport.call(address, request)
          return foundMessages(body, address, brokerName)
        } catch (error) {
          const isNone =
            error instanceof AdminError && error.responseCode === ResponseCode.QUERY_NOT_FOUND
          if (!isNone) throw error
          return []
        }
      },
    )
    // The index finds by hash: other keys with the same hash come along.
    const found = results.flat().filter((message) => hasKey(message, key, indexType))
    found.sort((a, b) => a.storeMs - b.storeMs || a.queueOffset - b.queueOffset)
    if (found.length === 0 && problems.length === 0) {
      throw noMessage(`topic ${topic} has no message with ${INDEX_NAMES[indexType]} ${key}`)
    }
    return { results: found.slice(0, max), problems }
  }

  private async brokerNameOf(address: string): Promise<string> {
    const [target] = await this.cluster.targets({ brokerAddr: address })
    return target?.brokerName ?? ''
  }
}

/** What an index is by (Java: MessageConst.INDEX_…_TYPE): the UNIQ_KEY, keys or tags. */
type IndexType = 'U' | 'K' | 'T'
const INDEX_NAMES: Readonly<Record<IndexType, string>> = { U: 'id', K: 'key', T: 'tag' }

function hasKey(message: FoundMessage, key: string, indexType: IndexType): boolean {
  if (indexType === 'U') return message.msgId === key
  return indexType === 'T' ? message.tags === key : message.keys.includes(key)
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

function noMessage(message: string): AdminError {
  return new AdminError(AdminErrorCode.MESSAGE_NOT_FOUND, message, {
    hint: 'messages expire; `broker get-config` shows fileReservedTime',
  })
}

function notAnId(id: string): AdminError {
  const message = `${id.slice(0, 80)} is no message id: 32 hex digits, 56 with IPv6`
  return new AdminError(AdminErrorCode.USAGE, message)
}
