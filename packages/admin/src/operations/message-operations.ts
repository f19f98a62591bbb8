import { isMalformed } from '@apogee/base'
import {
  ConsumeMessageDirectlyResult,
  ConsumeMessageDirectlyResultRequestHeader,
  formatHost,
  parseOffsetMsgId,
  parseUniqKey,
  QueryConsumeQueueRequestHeader,
  QueryConsumeQueueResponseBody,
  QueryMessageRequestHeader,
  RequestCode,
  ResponseCode,
  SystemTopic,
  ViewMessageRequestHeader,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import type { AdminTransport } from '../transport/admin-transport.ts'
import { type Answers, askEach, inParallel, orNull } from './answers.ts'
import { type ConnectedClient, notOnline } from './client-operations.ts'
import type { ClusterOperations } from './cluster-operations.ts'
import { type FoundMessage, foundMessages } from './found-message.ts'
import {
  MessageSender,
  type OutgoingMessage,
  type SendPlace,
  type SentMessage,
} from './message-sender.ts'
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

const KEY_MATCHES_MAX = 64
/** Java says Long.MAX_VALUE for "any time"; this is the largest that both sides read exactly. */
const ANY_TIME = Number.MAX_SAFE_INTEGER
/** Messages: found, read, handed to a consumer again, and sent. */
export class MessageOperations {
  private readonly transport: AdminTransport
  private readonly cluster: ClusterOperations
  private readonly topics: TopicOperations
  private readonly offsets: OffsetOperations
  private readonly sender: MessageSender

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
    this.sender = new MessageSender(transport, topics)
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
    const perQueue = await inParallel(await this.queuesOf(topic, {}), async (queue) => {
      const messages: FoundMessage[] = []
      const scan = scanQueues(this.transport, this.offsets, [queue], { ...range, max })
      for await (const message of scan) messages.push(message)
      return messages
    })
    const found = perQueue.flat().sort(byTime)
    if (found.length === 0) throw noMessage(`no message of ${topic} in this range of time`)
    return { results: found.slice(0, max), problems: [] }
  }

  /**
   * VIEW_MESSAGE_BY_ID (33) at the broker that the id names. Rejects with ADMIN_MESSAGE_NOT_FOUND when its log does not
   * have the place any more, ADMIN_USAGE when this is no offset id.
   */
  async byOffsetId(offsetMsgId: string): Promise<FoundMessage> {
    const id = parseOffsetMsgId(offsetMsgId)
    if (isMalformed(id)) throw notAnId(offsetMsgId)
    const address = formatHost(id.storeHost)
    const request = {
      code: RequestCode.VIEW_MESSAGE_BY_ID,
      header: ViewMessageRequestHeader,
      values: { offset: id.physicalOffset },
    }
    const answer = await orNull(this.transport.call(address, request), ResponseCode.SYSTEM_ERROR)
    if (answer !== null) {
      const brokerName = await this.brokerNameOf(address)
      const [message] = foundMessages(answer.body, address, brokerName)
      if (message !== undefined) return message
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
    const queues = await this.queuesOf(topic, options)
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

  /** See `MessageSender.send`: SEND_MESSAGE_V2 (310) to one queue. */
  send(message: OutgoingMessage, place: SendPlace): Promise<SentMessage> {
    return this.sender.send(message, place)
  }

  /** See `MessageSender.placeFor`: the queue that is named, or one of the topic's writable ones. */
  placeFor(topic: string, brokerName?: string, queueId?: number): Promise<SendPlace> {
    return this.sender.placeFor(topic, brokerName, queueId)
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
        const answer = await orNull(
          this.transport.call(address, request),
          ResponseCode.QUERY_NOT_FOUND,
        )
        return answer === null ? [] : foundMessages(answer.body, address, brokerName)
      },
    )
    // The index finds by hash: other keys with the same hash come along.
    const found = results.flat().filter((message) => hasKey(message, key, indexType))
    found.sort(byTime)
    if (found.length === 0 && problems.length === 0) {
      throw noMessage(`topic ${topic} has no message with ${INDEX_NAMES[indexType]} ${key}`)
    }
    return { results: found.slice(0, max), problems }
  }

  private async queuesOf(topic: string, options: ScanOptions): Promise<readonly QueueAt[]> {
    const { brokerName, queueId } = options
    const all = await this.offsets.queues(topic, brokerName)
    if (queueId === undefined) return all
    const found = all.filter((queue) => queue.queueId === queueId)
    if (found.length > 0) return found
    const message = `topic ${topic} has no readable queue ${queueId}`
    throw new AdminError(AdminErrorCode.QUEUE_NOT_FOUND, message)
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

function byTime(a: FoundMessage, b: FoundMessage): number {
  return a.storeMs - b.storeMs || a.queueOffset - b.queueOffset
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
