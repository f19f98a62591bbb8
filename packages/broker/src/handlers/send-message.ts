import { Malformed } from '@apogee/base'
import type { Clock } from '@apogee/env'
import {
  BATCH_OK,
  BatchEntryView,
  checkBatch,
  decodeSend,
  emptyReplySizeMax,
  type Frame,
  inspectBatchEntry,
  isRetryTopic,
  PropertySlot,
  RequestCode,
  ResponseCode,
  SystemTopic,
  type UniqKeySource,
  writeEmptyReply,
} from '@apogee/protocol'
import type { Connection, FrameHandler } from '@apogee/remoting'
import {
  APPEND_BUSY,
  APPEND_DISK_FULL,
  APPEND_OK,
  APPEND_PROPERTIES_TOO_LARGE,
  APPEND_TOO_LARGE,
  type AppendStatus,
  type MessageStore,
  type RecordDraft,
} from '@apogee/store'
import { PendingSends } from '../send/pending-sends.ts'
import { SendRequest, type SendServices } from '../send/send-request.ts'
import { PROPERTIES_SOURCE_SIZE_MAX, StoredProperties } from '../send/stored-properties.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { TopicConfig } from '../topic/topic-config.ts'

const EMPTY: Buffer = Buffer.alloc(0)

export interface SendDeps extends SendServices {
  store: MessageStore
  stats: BrokerStats
  clock: Clock
  /** This broker's address and port as message ids carry them: 8 or 20 bytes. */
  storeHost: Uint8Array
  uniqKeys: UniqKeySource
  delayLevelMax: number
}

/** SEND_MESSAGE (10), SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320); Java: SendMessageProcessor. */
export function sendHandlers(deps: SendDeps): FrameHandler[] {
  const sender = new Sender(deps)
  const codes = [
    RequestCode.SEND_MESSAGE,
    RequestCode.SEND_MESSAGE_V2,
    RequestCode.SEND_BATCH_MESSAGE,
  ]
  return codes.map((code) => ({
    code,
    lane: 'send',
    permission: 'client',
    handleFrame: (frame, connection) => sender.handle(frame, connection),
  }))
}

class Sender {
  private readonly deps: SendDeps
  private readonly request: SendRequest
  private readonly properties: StoredProperties
  private readonly pending: PendingSends
  private readonly entry = new BatchEntryView()

  constructor(deps: SendDeps) {
    const { regionId, traceOn, brokerClusterName } = deps.config.values
    this.deps = deps
    this.request = new SendRequest(deps)
    this.properties = new StoredProperties({
      region: regionId,
      traceOn,
      clusterName: brokerClusterName,
    })
    this.pending = new PendingSends({ storeHost: deps.storeHost, region: regionId, traceOn })
  }

  handle(frame: Frame, connection: Connection): void {
    const { request } = this
    const problem = decodeSend(frame, request.fields)
    const ok =
      problem === null
        ? request.check(frame.version, connection.remoteAddress) && this.fits(frame)
        : request.refuse(ResponseCode.SYSTEM_ERROR, `${problem.code}: ${problem.detail}`)
    const batch = request.fields.batch || frame.code === RequestCode.SEND_BATCH_MESSAGE
    const stored =
      ok && (batch ? this.storeBatch(frame, connection) : this.storeOne(frame, connection))
    request.fields.buffer = EMPTY
    if (!stored && !frame.isOneway) this.refuse(frame, connection)
  }

  private fits(frame: Frame): boolean {
    const { fields } = this.request
    if (fields.propertiesEnd - fields.propertiesStart > PROPERTIES_SOURCE_SIZE_MAX) {
      return this.refused(APPEND_PROPERTIES_TOO_LARGE)
    }
    return frame.bodySize > this.deps.config.values.maxMessageSize
      ? this.refused(APPEND_TOO_LARGE)
      : true
  }

  private storeOne(frame: Frame, connection: Connection): boolean {
    const { request, properties } = this
    const { fields } = request
    const topic = request.topic!
    const { propertiesStart, propertiesEnd } = fields
    if (request.dead) properties.writeDead(fields.buffer, propertiesStart, propertiesEnd)
    else properties.write(fields.buffer, propertiesStart, propertiesEnd)
    if (!this.storable()) return false
    const draft = this.draft(connection)
    draft.topic = topic.topicName
    draft.topicBytes = topic.topicBytes
    draft.queueId = request.queueId
    draft.flag = fields.flag
    draft.body = frame.buffer
    draft.bodyStart = frame.bodyStart
    draft.bodyEnd = frame.end
    draft.waitStore = !properties.isFalse(fields.buffer, PropertySlot.WAIT)
    const level = request.dead ? 0 : properties.delayLevel(fields.buffer)
    if (level > 0) this.delay(draft, topic, level)
    if (!properties.spans.has(PropertySlot.UNIQ_KEY))
      properties.addUniqKey(this.deps.uniqKeys.next(this.deps.clock.wallMs()))
    this.useProperties(draft)
    return this.append(frame, connection, topic)
  }

  /** What needs a part of the broker that is not there is refused, never stored as something else. */
  private storable(): boolean {
    const { properties, request } = this
    if (properties.isTrue(request.fields.buffer, PropertySlot.TRAN_MSG)) {
      const remark = 'transaction messages are not supported by this version'
      return request.refuse(ResponseCode.NO_PERMISSION, remark)
    }
    if (properties.isTimer() && properties.delayLevel(request.fields.buffer) === 0) {
      const remark = 'accurate timer message is not enabled, timerWheelEnable is false'
      return request.refuse(ResponseCode.SYSTEM_ERROR, remark)
    }
    return true
  }

  private draft(connection: Connection): RecordDraft {
    const { fields } = this.request
    const { draft } = this.deps.store
    draft.sysFlag = this.request.sysFlag
    draft.bornTimestamp = fields.bornTimestamp
    draft.bornHost = connection.remoteHost
    draft.bornPort = connection.remotePort
    draft.reconsumeTimes = fields.reconsumeTimes
    draft.preparedTransactionOffset = 0
    return draft
  }

  private useProperties(draft: RecordDraft): void {
    draft.properties = this.properties.bytes
    draft.propertiesStart = 0
    draft.propertiesEnd = this.properties.end
  }

  /** The message waits in the schedule topic; the queue there is its level (HookUtils.transformDelayLevelMessage). */
  private delay(draft: RecordDraft, topic: TopicConfig, level: number): void {
    const { fields, queueId } = this.request
    const capped = Math.min(level, this.deps.delayLevelMax)
    const { propertiesStart, propertiesEnd } = fields
    this.properties.writeDelayed(
      fields.buffer,
      propertiesStart,
      propertiesEnd,
      capped,
      topic.topicName,
      queueId,
    )
    draft.topic = SystemTopic.SCHEDULE
    draft.topicBytes = SCHEDULE_BYTES
    draft.queueId = capped - 1
  }

  private append(frame: Frame, connection: Connection, topic: TopicConfig): boolean {
    const { deps, pending, properties, request } = this
    const { draft } = deps.store
    if (frame.isOneway) {
      const status = deps.store.append(null, 0)
      if (status === APPEND_OK) deps.stats.messagePut(topic, 1, draft.size)
      return status === APPEND_OK
    }
    const token = pending.open(connection, frame.opaque, frame.serializeType)
    const status = deps.store.append(pending, token)
    if (status !== APPEND_OK) {
      pending.drop(token)
      return this.refused(status)
    }
    pending.placed(token, request.queueId, draft.queueOffset, draft.physicalOffset)
    pending.uniqKey(token, properties.uniqKeySource, properties.uniqKeyStart, properties.uniqKeyEnd)
    deps.stats.messagePut(topic, 1, draft.size)
    return true
  }

  /** Each message of a batch becomes a record of its own; the acknowledgement follows the last one. */
  private storeBatch(frame: Frame, connection: Connection): boolean {
    const { request } = this
    const topic = request.topic!
    if (isRetryTopic(topic.topicName)) {
      const remark = `batch request does not support retry group ${topic.topicName}`
      return request.refuse(ResponseCode.MESSAGE_ILLEGAL, remark)
    }
    const count = checkBatch(frame.buffer, frame.bodyStart, frame.end)
    if (count instanceof Malformed) {
      return request.refuse(ResponseCode.MESSAGE_ILLEGAL, `${count.code}: ${count.detail}`)
    }
    // Whole or not at all, as far as that can be known before: a part that was stored would come twice after a retry.
    if (this.deps.store.isBusy(frame.bodySize * 2)) return this.refused(APPEND_BUSY)
    const token = this.pending.open(connection, frame.opaque, frame.serializeType)
    const status = this.appendBatch(frame, connection, topic, token, count)
    if (status === APPEND_OK) {
      if (frame.isOneway) this.pending.drop(token)
      return true
    }
    this.pending.drop(token)
    return this.refused(status)
  }

  private appendBatch(
    frame: Frame,
    connection: Connection,
    topic: TopicConfig,
    token: number,
    count: number,
  ): AppendStatus {
    const { entry, pending, properties, request, deps } = this
    const { store } = deps
    const offsets: number[] = []
    const draft = this.draft(connection)
    draft.topic = topic.topicName
    draft.topicBytes = topic.topicBytes
    draft.queueId = request.queueId
    draft.body = frame.buffer
    draft.waitStore = true
    for (let at = frame.bodyStart; at < frame.end; at += entry.totalSize) {
      if (inspectBatchEntry(frame.buffer, at, frame.end, entry) !== BATCH_OK) break
      properties.write(frame.buffer, entry.propertiesStart, entry.propertiesEnd)
      draft.flag = entry.flag
      draft.bodyStart = entry.bodyStart
      draft.bodyEnd = entry.bodyEnd
      this.useProperties(draft)
      const last = offsets.length === count - 1 && !frame.isOneway
      const status = store.append(last ? pending : null, token)
      if (status !== APPEND_OK) return status
      if (offsets.length === 0) pending.placed(token, request.queueId, draft.queueOffset, 0)
      offsets.push(draft.physicalOffset)
      deps.stats.messagePut(topic, 1, draft.size)
    }
    pending.placedBatch(token, offsets)
    pending.uniqKey(token, EMPTY, -1, -1)
    return APPEND_OK
  }

  /** Why the store did not take it, as handlePutMessageResult says it. */
  private refused(status: AppendStatus): false {
    const { request } = this
    switch (status) {
      case APPEND_TOO_LARGE:
      case APPEND_PROPERTIES_TOO_LARGE:
        return request.refuse(
          ResponseCode.MESSAGE_ILLEGAL,
          `the message is illegal, maybe msg body or properties length not matched. msg body length limit ${this.deps.config.values.maxMessageSize}B, msg properties length limit 32KB.`,
        )
      case APPEND_BUSY:
        return request.refuse(
          ResponseCode.SYSTEM_BUSY,
          '[PC_SYNCHRONIZED]broker busy, start flow control for a while',
        )
      case APPEND_DISK_FULL:
        return request.refuse(
          ResponseCode.SERVICE_NOT_AVAILABLE,
          'the disk is full: messages are refused until it has space',
        )
      default:
        return request.refuse(
          ResponseCode.SERVICE_NOT_AVAILABLE,
          'the store is closed or has failed',
        )
    }
  }

  private refuse(frame: Frame, connection: Connection): void {
    const remark = Buffer.from(this.request.remark)
    const buffer = connection.reserve(emptyReplySizeMax(remark))
    const at = connection.outputEnd
    const { code } = this.request
    const end = writeEmptyReply(buffer, at, frame.serializeType, code, frame.opaque, remark)
    connection.commit(end - at)
  }
}

const SCHEDULE_BYTES: Uint8Array = Buffer.from(SystemTopic.SCHEDULE)
