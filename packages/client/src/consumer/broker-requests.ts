import { isMalformed } from '@apogee/base'
import {
  CheckClientRequestBody,
  ConsumerSendMsgBackRequestHeader,
  decodeBody,
  decodeHeader,
  encodeBody,
  encodeHeader,
  GetConsumerListByGroupRequestHeader,
  GetConsumerListByGroupResponseBody,
  GetMaxOffsetRequestHeader,
  GetMinOffsetRequestHeader,
  type HeaderInput,
  type HeaderOf,
  type HeaderTable,
  LockBatchRequestBody,
  LockBatchResponseBody,
  QueryConsumerOffsetRequestHeader,
  QueryConsumerOffsetResponseHeader,
  RequestCode,
  ResponseCode,
  SearchOffsetRequestHeader,
  type SubscriptionData,
  UnlockBatchRequestBody,
  UpdateConsumerOffsetRequestHeader,
} from '@apogee/protocol'
import type { ClientRequest, Response } from '@apogee/remoting'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import type { Client, OnewayOutcome } from '../remote/contract.ts'

const OffsetAnswer = QueryConsumerOffsetResponseHeader

/** The requests that consumers make of brokers, besides pulling. Rejections are those of `Remote`. */
export class BrokerRequests {
  private readonly client: Client

  constructor(client: Client) {
    this.client = client
  }

  /**
   * QUERY_CONSUMER_OFFSET (14); null when the group has none for this queue. Of a young queue brokers then say 0, so that
   * a group that comes with a new topic misses nothing, unless `isExact`.
   */
  async storedOffset(
    address: string,
    group: string,
    queue: MessageQueue,
    isExact: boolean,
  ): Promise<number | null> {
    const { topic, queueId } = queue
    const request = requestOf(RequestCode.QUERY_CONSUMER_OFFSET, QueryConsumerOffsetRequestHeader, {
      consumerGroup: group,
      topic,
      queueId,
      ...(isExact ? { setZeroIfNotFound: false } : {}),
    })
    const { remote, requestTimeoutMs } = this.client
    const response = await remote.invoke(address, request, requestTimeoutMs)
    if (response.code === ResponseCode.QUERY_NOT_FOUND) return null
    return offsetOf(address, response)
  }

  /** UPDATE_CONSUMER_OFFSET (15), answered. */
  async storeOffset(
    address: string,
    group: string,
    queue: MessageQueue,
    offset: number,
  ): Promise<void> {
    const { remote, requestTimeoutMs } = this.client
    await remote.call(address, updateOffset(group, queue, offset), requestTimeoutMs)
  }

  /** UPDATE_CONSUMER_OFFSET (15), one-way. */
  storeOffsetOneway(
    address: string,
    group: string,
    queue: MessageQueue,
    offset: number,
  ): OnewayOutcome {
    return this.client.remote.oneway(address, updateOffset(group, queue, offset))
  }

  /** GET_MAX_OFFSET (30). */
  async maxOffset(address: string, queue: MessageQueue): Promise<number> {
    const { topic, queueId } = queue
    const header = { topic, queueId }
    return this.askOffset(
      address,
      requestOf(RequestCode.GET_MAX_OFFSET, GetMaxOffsetRequestHeader, header),
    )
  }

  /** GET_MIN_OFFSET (31). */
  async minOffset(address: string, queue: MessageQueue): Promise<number> {
    const { topic, queueId } = queue
    const header = { topic, queueId }
    return this.askOffset(
      address,
      requestOf(RequestCode.GET_MIN_OFFSET, GetMinOffsetRequestHeader, header),
    )
  }

  /** SEARCH_OFFSET_BY_TIMESTAMP (29): the first message stored at or after this time. */
  async searchOffset(address: string, queue: MessageQueue, timestamp: number): Promise<number> {
    const { topic, queueId } = queue
    const header = { topic, queueId, timestamp }
    return this.askOffset(
      address,
      requestOf(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, SearchOffsetRequestHeader, header),
    )
  }

  /** GET_CONSUMER_LIST_BY_GROUP (38): client ids. */
  async members(address: string, group: string): Promise<string[]> {
    const request = requestOf(
      RequestCode.GET_CONSUMER_LIST_BY_GROUP,
      GetConsumerListByGroupRequestHeader,
      { consumerGroup: group },
    )
    const { remote, requestTimeoutMs } = this.client
    const response = await remote.call(address, request, requestTimeoutMs)
    const body = decodeBody(GetConsumerListByGroupResponseBody, response.body)
    if (isMalformed(body)) throw malformed(address, body.detail)
    // Apache's broker names a client once for each of its connections, dead ones that it has not missed yet included.
    return [...new Set(body.consumerIdList)]
  }

  /** LOCK_BATCH_MQ (41): the queues of those that are now locked for this client. */
  async lock(address: string, group: string, queues: MessageQueue[]): Promise<MessageQueue[]> {
    const body = encodeBody(LockBatchRequestBody, this.lockBody(group, queues))
    const request = { code: RequestCode.LOCK_BATCH_MQ, body }
    const { remote, requestTimeoutMs } = this.client
    const response = await remote.call(address, request, requestTimeoutMs)
    const answer = decodeBody(LockBatchResponseBody, response.body)
    if (isMalformed(answer)) throw malformed(address, answer.detail)
    return answer.lockOKMQSet
  }

  /** UNLOCK_BATCH_MQ (42), answered. */
  async unlock(address: string, group: string, queues: MessageQueue[]): Promise<void> {
    const body = encodeBody(UnlockBatchRequestBody, this.lockBody(group, queues))
    const request = { code: RequestCode.UNLOCK_BATCH_MQ, body }
    await this.client.remote.call(address, request, this.client.requestTimeoutMs)
  }

  /** CONSUMER_SEND_MSG_BACK (36). */
  async sendBack(
    address: string,
    header: HeaderInput<typeof ConsumerSendMsgBackRequestHeader>,
    timeoutMs: number,
  ): Promise<void> {
    const code = RequestCode.CONSUMER_SEND_MSG_BACK
    const request = requestOf(code, ConsumerSendMsgBackRequestHeader, header)
    await this.client.remote.call(address, request, timeoutMs)
  }

  /** CHECK_CLIENT_CONFIG (46): the broker compiles the expression. Rejects with RMQ_BAD_EXPRESSION. */
  async checkSubscription(
    address: string,
    group: string,
    subscriptionData: SubscriptionData,
  ): Promise<void> {
    const { remote, requestTimeoutMs, clientId } = this.client
    const body = encodeBody(CheckClientRequestBody, {
      clientId,
      group,
      subscriptionData,
      namespace: null,
    })
    const request = { code: RequestCode.CHECK_CLIENT_CONFIG, body }
    const { code, remark } = await remote.invoke(address, request, requestTimeoutMs)
    if (code === ResponseCode.SUBSCRIPTION_PARSE_FAILED) {
      const text = `${subscriptionData.topic}: ${remark ?? subscriptionData.subString}`
      throw new RocketMQError(ErrorCode.BAD_EXPRESSION, text, { responseCode: code })
    }
  }

  private async askOffset(address: string, request: ClientRequest): Promise<number> {
    const { remote, requestTimeoutMs } = this.client
    return offsetOf(address, await remote.call(address, request, requestTimeoutMs))
  }

  private lockBody(consumerGroup: string, mqSet: MessageQueue[]): LockBatchRequestBody {
    return { consumerGroup, clientId: this.client.clientId, onlyThisBroker: false, mqSet }
  }
}

function requestOf<T extends HeaderTable>(
  code: number,
  table: T,
  header: HeaderInput<T>,
): ClientRequest {
  return { code, fields: encodeHeader(table, header) }
}

function updateOffset(group: string, queue: MessageQueue, commitOffset: number): ClientRequest {
  const { topic, queueId } = queue
  const header = { consumerGroup: group, topic, queueId, commitOffset }
  const code = RequestCode.UPDATE_CONSUMER_OFFSET
  return requestOf(code, UpdateConsumerOffsetRequestHeader, header)
}

/** The header of a response that succeeded. Throws RMQ_BROKER_REFUSED, RMQ_PROTOCOL. */
export function headerOf<T extends HeaderTable>(
  address: string,
  response: Response,
  table: T,
): HeaderOf<T> {
  if (response.code !== ResponseCode.SUCCESS) {
    const { code, remark } = response
    const text = `${address} answered ${code}: ${remark ?? ''}`
    throw new RocketMQError(ErrorCode.BROKER_REFUSED, text, { responseCode: code, broker: address })
  }
  const header = decodeHeader(table, response.fields)
  if (isMalformed(header)) throw malformed(address, header.detail)
  return header
}

function offsetOf(address: string, response: Response): number {
  return headerOf(address, response, OffsetAnswer).offset
}

export function malformed(address: string, detail: string): RocketMQError {
  const text = `${address} sent an answer that cannot be read: ${detail}`
  return new RocketMQError(ErrorCode.PROTOCOL, text, { broker: address })
}
