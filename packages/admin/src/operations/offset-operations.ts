import {
  CloneGroupOffsetRequestHeader,
  GetConsumerStatusBody,
  GetConsumerStatusRequestHeader,
  GetMaxOffsetRequestHeader,
  GetMaxOffsetResponseHeader,
  GetMinOffsetRequestHeader,
  GetMinOffsetResponseHeader,
  isReadable,
  type MessageQueue,
  QueryConsumerOffsetRequestHeader,
  QueryConsumerOffsetResponseHeader,
  RequestCode,
  ResetOffsetBody,
  ResetOffsetRequestHeader,
  ResponseCode,
  SearchOffsetRequestHeader,
  SearchOffsetResponseHeader,
  UpdateConsumerOffsetRequestHeader,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import { type AdminTransport, headerOf } from '../transport/admin-transport.ts'
import { type Answers, askEach, inParallel, orNull } from './answers.ts'
import { compare } from './cluster-operations.ts'
import type { TopicOperations } from './topic-operations.ts'
import type { BrokerTarget } from './where.ts'

/** A queue and the broker to ask about it. */
export interface QueueAt extends MessageQueue {
  readonly address: string
  /** Of the broker at this address: 0 is the master, others are asked while the route has none. */
  readonly brokerId: number
}

/** Where a group goes: the beginning, the end, the first message stored at or after a time, or an offset in one queue. */
export type ResetTarget =
  | 'earliest'
  | 'latest'
  | { readonly timestampMs: number }
  | { readonly offset: number }

export interface ResetRequest {
  readonly group: string
  readonly topic: string
  readonly to: ResetTarget
  /** Only this broker (by name) and queue; both are needed for an offset. */
  readonly brokerName?: string | undefined
  readonly queueId?: number | undefined
  /** Also forwards over messages that were not consumed, at brokers of 4.x and 5.0. Default true. */
  readonly isForce?: boolean | undefined
}

/** One queue of a reset, done or only planned. */
export interface ResetQueue extends MessageQueue {
  /** What the group had; null when it had none. */
  readonly from: number | null
  readonly to: number
  /** `to − from`: messages skipped, or, when negative, consumed again. Null without `from`. */
  readonly difference: number | null
}

/** Consumer offsets: read, moved, copied. */
export class OffsetOperations {
  private readonly transport: AdminTransport
  private readonly topics: TopicOperations

  constructor(transport: AdminTransport, topics: TopicOperations) {
    this.transport = transport
    this.topics = topics
  }

  /** The readable queues of a topic, sorted by broker and id. Rejects with ADMIN_TOPIC_NOT_FOUND. */
  async queues(topic: string, brokerName?: string): Promise<QueueAt[]> {
    const { queueDatas, brokerDatas } = await this.topics.route(topic)
    const queues: QueueAt[] = []
    for (const data of queueDatas) {
      if (brokerName !== undefined && data.brokerName !== brokerName) continue
      const broker = brokerDatas.find((one) => one.brokerName === data.brokerName)
      const [lowest] = [...(broker?.brokerAddrs ?? [])].sort(([a], [b]) => a - b)
      if (lowest === undefined || !isReadable(data.perm)) continue
      for (let queueId = 0; queueId < data.readQueueNums; queueId++) {
        const [brokerId, address] = lowest
        queues.push({ topic, brokerName: data.brokerName, queueId, address, brokerId })
      }
    }
    return queues.sort((a, b) => compare(a.brokerName, b.brokerName) || a.queueId - b.queueId)
  }

  /** One queue of a topic. Rejects with ADMIN_QUEUE_NOT_FOUND. */
  async queue(topic: string, brokerName: string, queueId: number): Promise<QueueAt> {
    const found = (await this.queues(topic, brokerName)).find((one) => one.queueId === queueId)
    if (found !== undefined) return found
    const message = `topic ${topic} has no readable queue ${queueId} on broker ${brokerName}`
    throw new AdminError(AdminErrorCode.QUEUE_NOT_FOUND, message, {
      hint: '`topic route` shows the queues of a topic',
    })
  }

  /** GET_MIN_OFFSET (31): offset of the oldest message. */
  async min({ address, topic, queueId }: QueueAt): Promise<number> {
    const response = await this.transport.call(address, {
      code: RequestCode.GET_MIN_OFFSET,
      header: GetMinOffsetRequestHeader,
      values: { topic, queueId },
    })
    return headerOf(GetMinOffsetResponseHeader, response, address).offset
  }

  /** GET_MAX_OFFSET (30): offset that the next message will have. */
  async max({ address, topic, queueId }: QueueAt): Promise<number> {
    const response = await this.transport.call(address, {
      code: RequestCode.GET_MAX_OFFSET,
      header: GetMaxOffsetRequestHeader,
      values: { topic, queueId },
    })
    return headerOf(GetMaxOffsetResponseHeader, response, address).offset
  }

  /** SEARCH_OFFSET_BY_TIMESTAMP (29): first message stored at or after the time. */
  async search({ address, topic, queueId }: QueueAt, timestampMs: number): Promise<number> {
    const response = await this.transport.call(address, {
      code: RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
      header: SearchOffsetRequestHeader,
      values: { topic, queueId, timestamp: timestampMs },
    })
    return headerOf(SearchOffsetResponseHeader, response, address).offset
  }

  /** QUERY_CONSUMER_OFFSET (14); null when the group has none in this queue. */
  async committed(group: string, { address, topic, queueId }: QueueAt): Promise<number | null> {
    const request = {
      code: RequestCode.QUERY_CONSUMER_OFFSET,
      header: QueryConsumerOffsetRequestHeader,
      values: { consumerGroup: group, topic, queueId, setZeroIfNotFound: false },
    }
    const response = await orNull(
      this.transport.call(address, request),
      ResponseCode.QUERY_NOT_FOUND,
    )
    if (response === null) return null
    return headerOf(QueryConsumerOffsetResponseHeader, response, address).offset
  }

  /** UPDATE_CONSUMER_OFFSET (15): sets an offset at the broker. A consumer that owns the queue overwrites it again. */
  async commit(group: string, queue: QueueAt, commitOffset: number): Promise<void> {
    const { address, topic, queueId } = queue
    await this.transport.call(address, {
      code: RequestCode.UPDATE_CONSUMER_OFFSET,
      header: UpdateConsumerOffsetRequestHeader,
      values: { consumerGroup: group, topic, queueId, commitOffset },
    })
  }

  /**
   * What `reset` would do: nothing is changed. Rejects with ADMIN_TOPIC_NOT_FOUND, ADMIN_QUEUE_NOT_FOUND; a broker that
   * fails is a problem.
   */
  async preview(request: ResetRequest): Promise<Answers<ResetQueue>> {
    return this.plan(request, await this.chosen(request))
  }

  /**
   * INVOKE_BROKER_TO_RESET_OFFSET (222) at each broker. Brokers that leave it to the clients refuse while none is online:
   * there the offsets are set by UPDATE_CONSUMER_OFFSET (15). Rejects with ADMIN_TOPIC_NOT_FOUND, ADMIN_GROUP_NOT_FOUND,
   * ADMIN_QUEUE_NOT_FOUND; a broker that fails is a problem.
   */
  async reset(request: ResetRequest): Promise<Answers<ResetQueue>> {
    const queues = await this.chosen(request)
    const plan = await this.plan(request, queues)
    const isPlanned = (queue: QueueAt): boolean =>
      plan.results.some((one) => isSameQueue(one, queue))
    const byAddress = Map.groupBy(queues.filter(isPlanned), ({ address }) => address)
    const { results, problems } = await askEach(
      [...byAddress],
      ([address]) => address,
      ([address, ours]) => this.resetAt(address, request, ours, plan.results),
    )
    return { results: results.flat(), problems: [...plan.problems, ...problems] }
  }

  /**
   * CLONE_GROUP_OFFSET (314) at each broker of the topic: the second group starts where the first one is. `isOffline`
   * also copies what the online consumers of the first do not subscribe.
   */
  async clone(
    srcGroup: string,
    destGroup: string,
    topic: string,
    isOffline = false,
  ): Promise<Answers<BrokerTarget>> {
    return askEach(
      await this.topics.brokersOf(topic),
      ({ address }) => address,
      async (broker) => {
        await this.transport.call(broker.address, {
          code: RequestCode.CLONE_GROUP_OFFSET,
          header: CloneGroupOffsetRequestHeader,
          values: { srcGroup, destGroup, topic, offline: isOffline },
        })
        return broker
      },
    )
  }

  /**
   * INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223): how far each consumer itself says it is, by client id. Rejects with
   * ADMIN_TOPIC_NOT_FOUND; a broker without online consumers is a problem.
   */
  async consumerStatus(
    group: string,
    topic: string,
    clientId?: string,
  ): Promise<Answers<{ clientId: string; queue: MessageQueue; offset: number }>> {
    const { results, problems } = await askEach(
      await this.topics.brokersOf(topic),
      ({ address }) => address,
      ({ address }) =>
        this.transport.callBody(
          address,
          {
            code: RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
            header: GetConsumerStatusRequestHeader,
            values: { topic, group, clientAddr: clientId ?? null },
            timeoutMs: 12_000,
          },
          GetConsumerStatusBody,
        ),
    )
    const rows = results.flatMap(({ consumerTable }) =>
      [...consumerTable].flatMap(([id, table]) =>
        table.map(({ key, value }) => ({ clientId: id, queue: key, offset: value })),
      ),
    )
    return { results: rows, problems }
  }

  private async chosen(request: ResetRequest): Promise<QueueAt[]> {
    const { topic, brokerName, queueId } = request
    if (queueId !== undefined) {
      if (brokerName === undefined) throw usage('a queue needs its broker')
      return [await this.queue(topic, brokerName, queueId)]
    }
    if (typeof request.to === 'object' && 'offset' in request.to) {
      throw usage('an offset needs a broker and a queue')
    }
    const queues = await this.queues(topic, brokerName)
    if (queues.length > 0) return queues
    const place = brokerName === undefined ? '' : ` on broker ${brokerName}`
    const message = `topic ${topic} has no readable queue${place}`
    throw new AdminError(AdminErrorCode.QUEUE_NOT_FOUND, message)
  }

  private async plan(
    { group, to }: ResetRequest,
    queues: readonly QueueAt[],
  ): Promise<Answers<ResetQueue>> {
    const { results, problems } = await askEach(
      [...Map.groupBy(queues, ({ address }) => address)],
      ([address]) => address,
      ([, ours]) =>
        inParallel(ours, async (queue) => {
          const from = await this.committed(group, queue)
          return resetQueue(queue, from, await this.destination(queue, to))
        }),
    )
    return { results: results.flat(), problems }
  }

  private async destination(queue: QueueAt, to: ResetTarget): Promise<number> {
    if (to === 'earliest') return this.min(queue)
    if (to === 'latest') return this.max(queue)
    return 'offset' in to ? to.offset : this.search(queue, to.timestampMs)
  }

  private async resetAt(
    address: string,
    request: ResetRequest,
    queues: readonly QueueAt[],
    plan: readonly ResetQueue[],
  ): Promise<ResetQueue[]> {
    const planned = (queue: MessageQueue): ResetQueue | undefined =>
      plan.find((one) => isSameQueue(one, queue))
    try {
      const { offsetTable } = await this.transport.callBody(
        address,
        {
          code: RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
          header: ResetOffsetRequestHeader,
          values: resetHeader(request),
          timeoutMs: 30_000,
        },
        ResetOffsetBody,
      )
      return offsetTable
        .map(({ key, value }) => resetQueue(key, planned(key)?.from ?? null, value))
        .sort((a, b) => a.queueId - b.queueId)
    } catch (error) {
      const isOffline =
        error instanceof AdminError && error.code === AdminErrorCode.CONSUMER_NOT_ONLINE
      if (!isOffline) throw error
    }
    return inParallel(queues, async (queue) => {
      const { from, to } = planned(queue) ?? { from: null, to: 0 }
      await this.commit(request.group, queue, to)
      return resetQueue(queue, from, to)
    })
  }
}

/** Java: a time of -1 means the end, 0 finds the first message there is. */
function resetHeader(request: ResetRequest): {
  group: string
  topic: string
  timestamp: number
  isForce: boolean
  queueId: number
  offset: number | null
} {
  const { group, topic, to, queueId = -1, isForce = true } = request
  let timestamp = -1
  let offset: number | null = null
  if (to === 'earliest') timestamp = 0
  else if (to !== 'latest' && 'offset' in to) offset = to.offset
  else if (to !== 'latest') timestamp = to.timestampMs
  return { group, topic, timestamp, isForce, queueId, offset }
}

function resetQueue(queue: MessageQueue, from: number | null, to: number): ResetQueue {
  const { topic, brokerName, queueId } = queue
  const difference = from === null ? null : to - from
  return { topic, brokerName, queueId, from, to, difference }
}

function isSameQueue(a: MessageQueue, b: MessageQueue): boolean {
  return a.brokerName === b.brokerName && a.queueId === b.queueId
}

function usage(message: string): AdminError {
  return new AdminError(AdminErrorCode.USAGE, message)
}
