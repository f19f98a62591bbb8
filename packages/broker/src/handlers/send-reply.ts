import {
  type ExtFields,
  encodeHeader,
  formatHost,
  formatOffsetMsgId,
  formatProperties,
  type HeaderInput,
  type Host,
  MessageConst,
  MessageSysFlag,
  parseProperties,
  ReplyMessageRequestHeader,
  RequestCode,
  ResponseCode,
  SendMessageRequestHeader,
  SendMessageRequestHeaderV2,
  SendMessageResponseHeader,
} from '@apogee/protocol'
import { type Answer, type Connection, type Handler, handler, type Request } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { ProducerManager } from '../client/producer-manager.ts'
import { SendRequest, type SendServices } from '../send/send-request.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import { StoredAppends } from '../transaction/stored-appends.ts'

export interface SendReplyDeps extends SendServices {
  store: MessageStore
  stats: BrokerStats
  producers: ProducerManager
  /** This broker's address, as message ids have it. */
  storeHost: Host
}

/** How long the requester may take to take its reply, ms. */
const PUSH_TIMEOUT_MS = 10_000

type ReplyHeader = Omit<SendMessageRequestHeader, 'brokerName'>

/**
 * SEND_REPLY_MESSAGE (324), SEND_REPLY_MESSAGE_V2 (325): the answer to a request is handed on at once to the producer that
 * asked, named by the property REPLY_TO_CLIENT, by PUSH_REPLY_MESSAGE_TO_CLIENT (326); it is stored as well unless
 * storeReplyMessageEnable=false. Answered when the requester has it. Java: ReplyMessageProcessor.
 */
export function sendReplyHandlers(deps: SendReplyDeps): Handler[] {
  const sender = new ReplySender(deps)
  const common = { lane: 'send', permission: 'client' } as const
  return [
    handler({
      ...common,
      code: RequestCode.SEND_REPLY_MESSAGE,
      header: SendMessageRequestHeader,
      handle: (request) => sender.handle(request, request.header),
    }),
    handler({
      ...common,
      code: RequestCode.SEND_REPLY_MESSAGE_V2,
      header: SendMessageRequestHeaderV2,
      handle: (request) => sender.handle(request, request.header),
    }),
  ]
}

class ReplySender {
  private readonly deps: SendReplyDeps
  private readonly request: SendRequest
  private readonly appends: StoredAppends

  constructor(deps: SendReplyDeps) {
    this.deps = deps
    this.request = new SendRequest(deps)
    this.appends = new StoredAppends(deps.store)
  }

  async handle(
    { body, connection, version }: Request<unknown>,
    header: ReplyHeader,
  ): Promise<Answer> {
    const { request } = this
    fill(request, header)
    if (!request.check(version, connection.remoteAddress)) {
      return this.answer(request.code, request.remark)
    }
    const { queueId } = request
    const properties = parseProperties(header.properties ?? '')
    const storing = this.store(header, properties, body, connection)
    const problem = await this.push(header, properties, body, connection)
    const stored = await storing
    const place = {
      // Java's clients fail on an id that is not there.
      msgId: stored?.msgId ?? '0',
      queueId,
      queueOffset: stored?.queueOffset ?? 0,
    }
    if (problem === null) return this.answer(ResponseCode.SUCCESS, null, place)
    return this.answer(ResponseCode.SYSTEM_ERROR, problem, place)
  }

  /** Why the requester did not get its reply; null when it did. */
  private push(
    header: ReplyHeader,
    properties: ReadonlyMap<string, string>,
    body: Buffer,
    from: Connection,
  ): Promise<string | null> | string {
    const { clock, producers, storeHost } = this.deps
    const clientId = properties.get(MessageConst.MESSAGE_REPLY_TO_CLIENT)
    if (clientId === undefined) {
      return `reply message properties[${MessageConst.MESSAGE_REPLY_TO_CLIENT}] is null`
    }
    const channel = producers.findChannel(clientId)
    if (channel === undefined) {
      return `push reply message fail, channel of <${clientId}> not found.`
    }
    const nowMs = clock.wallMs()
    const pushed = new Map(properties).set(MessageConst.PUSH_REPLY_TIME, String(nowMs))
    const fields = encodeHeader(ReplyMessageRequestHeader, {
      ...pushedFields(header),
      properties: formatProperties(pushed),
      bornHost: from.remoteAddress,
      storeHost: formatHost(storeHost),
      storeTimestamp: nowMs,
    })
    const code = RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT
    return new Promise((resolve) => {
      channel.connection.request(code, fields, body, PUSH_TIMEOUT_MS, (error, response) => {
        const isTaken = error === null && response?.code === ResponseCode.SUCCESS
        resolve(isTaken ? null : `push reply message to ${clientId} fail.`)
      })
    })
  }

  /** Null when replies are not stored, or this one was refused: that alone does not fail a reply. */
  private async store(
    header: ReplyHeader,
    properties: Map<string, string>,
    body: Buffer,
    from: Connection,
  ): Promise<{ msgId: string; queueOffset: number } | null> {
    const { config, stats, store, storeHost } = this.deps
    if (!config.values.storeReplyMessageEnable) return null
    const { topic, queueId } = this.request
    const kept = new Map(properties)
    kept.delete(MessageConst.WAIT_STORE_MSG_OK)
    const text = Buffer.from(formatProperties(kept), 'utf8')
    const { draft } = store
    draft.topic = topic!.topicName
    draft.topicBytes = topic!.topicBytes
    draft.queueId = queueId
    draft.flag = header.flag
    draft.sysFlag = header.sysFlag & ~MessageSysFlag.TRANSACTION_MASK
    draft.bornTimestamp = header.bornTimestamp
    draft.bornHost = from.remoteHost
    draft.bornPort = from.remotePort
    draft.reconsumeTimes = header.reconsumeTimes ?? 0
    draft.preparedTransactionOffset = 0
    draft.body = body
    draft.bodyStart = 0
    draft.bodyEnd = body.length
    draft.properties = text
    draft.propertiesStart = 0
    draft.propertiesEnd = text.length
    draft.waitStore = properties.get(MessageConst.WAIT_STORE_MSG_OK) !== 'false'
    const { isStored, physicalOffset, queueOffset, size } = await this.appends.append()
    if (!isStored) {
      stats.putFailed++
      return null
    }
    stats.messagePut(topic!, 1, size)
    return { msgId: formatOffsetMsgId(storeHost, physicalOffset), queueOffset }
  }

  private answer(
    code: number,
    remark: string | null,
    place?: HeaderInput<typeof SendMessageResponseHeader>,
  ): Answer {
    const { regionId, traceOn } = this.deps.config.values
    const fields: ExtFields =
      place === undefined ? new Map() : encodeHeader(SendMessageResponseHeader, place)
    fields.set(MessageConst.MSG_REGION, regionId)
    fields.set(MessageConst.TRACE_SWITCH, String(traceOn))
    return remark === null ? { code, fields } : { code, remark, fields }
  }
}

/** Gives a decoded header to the checks of sends, which read texts as positions in a buffer. */
function fill({ fields }: SendRequest, header: ReplyHeader): void {
  const topic = Buffer.from(header.topic)
  fields.buffer = Buffer.concat([topic, Buffer.from(header.defaultTopic)])
  fields.topicStart = 0
  fields.topicEnd = topic.length
  fields.defaultTopicStart = topic.length
  fields.defaultTopicEnd = fields.buffer.length
  fields.defaultTopicQueueNums = header.defaultTopicQueueNums
  fields.queueId = header.queueId
  fields.sysFlag = header.sysFlag
  fields.bornTimestamp = header.bornTimestamp
  fields.flag = header.flag
  fields.reconsumeTimes = header.reconsumeTimes ?? 0
  fields.maxReconsumeTimes = header.maxReconsumeTimes ?? -1
  fields.unitMode = header.unitMode ?? false
}

/** What of the reply's header its requester gets as it was. */
function pushedFields(
  header: ReplyHeader,
): Omit<ReplyMessageRequestHeader, 'properties' | 'bornHost' | 'storeHost' | 'storeTimestamp'> {
  return {
    producerGroup: header.producerGroup,
    topic: header.topic,
    defaultTopic: header.defaultTopic,
    defaultTopicQueueNums: header.defaultTopicQueueNums,
    queueId: header.queueId,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    flag: header.flag,
    reconsumeTimes: header.reconsumeTimes,
    unitMode: header.unitMode ?? false,
  }
}
