import { Malformed } from '@apogee/base'
import {
  BATCH_OK,
  BatchEntryView,
  type BatchLimits,
  checkBatch,
  decodeSend,
  emptyReplySizeMax,
  type Frame,
  inspectBatchEntry,
  isRetryTopic,
  MessageSysFlag,
  PROPERTIES_MAX_SIZE,
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
  APPEND_OK,
  APPEND_PROPERTIES_TOO_LARGE,
  APPEND_TOO_LARGE,
  type AppendStatus,
  type MessageStore,
  type RecordDraft,
} from '@apogee/store'
import { EventTime } from '../metrics/event-time.ts'
import type { RequestMetrics } from '../metrics/request-metrics.ts'
import { appendRefusal } from '../send/append-refusal.ts'
import { PendingSends } from '../send/pending-sends.ts'
import { SendRequest, type SendServices } from '../send/send-request.ts'
import { PROPERTIES_SOURCE_SIZE_MAX, StoredProperties } from '../send/stored-properties.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { TopicConfig } from '../topic/topic-config.ts'

const EMPTY: Buffer = Buffer.alloc(0)
/** Bytes of a record besides topic, body and properties, at most: with IPv6 hosts. */
const RECORD_HEAD_SIZE_MAX = 120
/** New copies of a half message carry two numbers more. */
const HALF_PROPERTIES_MAX = PROPERTIES_MAX_SIZE - 128

export interface SendDeps extends SendServices {
  store: MessageStore
  stats: BrokerStats
  requests: RequestMetrics
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
  private readonly batchLimits: BatchLimits
  private readonly time: EventTime
  /** Delay level of the message at hand; 0: none. */
  private level = 0
  /** The message at hand is the half message of a transaction. */
  private isHalf = false

  constructor(deps: SendDeps) {
    const { regionId, traceOn, brokerClusterName, maxMessageSize } = deps.config.values
    this.deps = deps
    this.batchLimits = { maxBodySize: maxMessageSize }
    this.time = new EventTime(deps.clock)
    this.request = new SendRequest(deps)
    this.properties = new StoredProperties({
      region: regionId,
      traceOn,
      clusterName: brokerClusterName,
    })
    this.pending = new PendingSends(
      { storeHost: deps.storeHost, region: regionId, traceOn },
      { ...deps, time: this.time },
    )
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
    // Others are done when they are acknowledged.
    if (!stored || frame.isOneway) this.count(frame, connection, stored)
  }

  private count(frame: Frame, connection: Connection, stored: boolean): void {
    const micros = (this.time.nowMs() - connection.receivedMs) * 1000
    const code = stored ? ResponseCode.SUCCESS : this.request.code
    this.deps.requests.requestDone(frame.code, code, micros)
  }

  private fits(frame: Frame): boolean {
    const { fields } = this.request
    if (frame.bodySize === 0) return this.refused(APPEND_TOO_LARGE)
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
    if (this.isHalf) this.prepare(draft, topic)
    else if (this.level > 0) this.delay(draft, topic, this.level)
    if (!properties.spans.has(PropertySlot.UNIQ_KEY))
      properties.addUniqKey(this.deps.uniqKeys.next(this.deps.clock.wallMs()))
    if (this.isHalf) {
      properties.addTransactionId()
      if (properties.end > HALF_PROPERTIES_MAX) return this.refused(APPEND_PROPERTIES_TOO_LARGE)
    }
    this.useProperties(draft)
    return this.append(frame, connection, topic)
  }

  /** What needs a part of the broker that is not there is refused, never stored as something else. */
  private storable(): boolean {
    const { properties, request } = this
    this.level = request.dead ? 0 : properties.delayLevel(request.fields.buffer)
    if (Number.isNaN(this.level)) {
      const remark = 'the message is illegal: its delay level is no number'
      return request.refuse(ResponseCode.MESSAGE_ILLEGAL, remark)
    }
    this.isHalf = this.isTransaction()
    if (this.isHalf && this.deps.config.values.rejectTransactionMessage) {
      const { brokerIP1 } = this.deps.config.values
      const remark = `the broker[${brokerIP1}] sending transaction message is forbidden`
      return request.refuse(ResponseCode.NO_PERMISSION, remark)
    }
    const isInnerBatch = (request.sysFlag & MessageSysFlag.INNER_BATCH) !== 0
    if (isInnerBatch || properties.spans.has(PropertySlot.INNER_NUM)) {
      const remark = 'the message is illegal: inner batches need a topic of batch queues'
      return request.refuse(ResponseCode.MESSAGE_ILLEGAL, remark)
    }
    if (properties.isTimer() && this.level <= 0) {
      const remark = 'accurate timer message is not enabled, timerWheelEnable is false'
      return request.refuse(ResponseCode.SYSTEM_ERROR, remark)
    }
    return true
  }

  private isTransaction(): boolean {
    const { properties, request } = this
    const { buffer, reconsumeTimes } = request.fields
    // Set for roll-backs as well: such records are never consumed.
    const marked = (request.sysFlag & MessageSysFlag.TRANSACTION_PREPARED) !== 0
    if (!marked && !properties.isTrue(buffer, PropertySlot.TRAN_MSG)) return false
    // Clients before 4.6.1 leave the marks on a message that they send back to their group.
    if (reconsumeTimes === 0 || (this.level <= 0 && !request.dead)) return true
    request.sysFlag &= ~MessageSysFlag.TRANSACTION_MASK
    return false
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

  /** The message waits for its producer's decision, seen by nobody (TransactionalMessageBridge.parseHalfMessageInner). */
  private prepare(draft: RecordDraft, topic: TopicConfig): void {
    const { fields, queueId } = this.request
    const { buffer, producerGroupEnd, producerGroupStart, propertiesEnd, propertiesStart } = fields
    const group = buffer.toString('utf8', producerGroupStart, producerGroupEnd)
    const { topicName } = topic
    const { properties } = this
    properties.writeHalf(buffer, propertiesStart, propertiesEnd, topicName, queueId, group)
    draft.topic = SystemTopic.TRANS_HALF
    draft.topicBytes = HALF_BYTES
    draft.queueId = 0
    // A record with these bits would be in no queue.
    draft.sysFlag &= ~MessageSysFlag.TRANSACTION_MASK
  }

  private append(frame: Frame, connection: Connection, topic: TopicConfig): boolean {
    const { deps, pending, properties, request } = this
    const { draft } = deps.store
    if (frame.isOneway) {
      const status = deps.store.append(null, 0)
      if (status !== APPEND_OK) return this.refused(status)
      this.counted(topic, draft)
      return true
    }
    const token = pending.open(connection, frame)
    const status = deps.store.append(pending, token)
    if (status !== APPEND_OK) {
      pending.drop(token)
      return this.refused(status)
    }
    pending.placed(token, request.queueId, draft.queueOffset, draft.physicalOffset)
    pending.uniqKey(token, properties.uniqKeySource, properties.uniqKeyStart, properties.uniqKeyEnd)
    this.counted(topic, draft)
    return true
  }

  private counted(topic: TopicConfig, draft: RecordDraft): void {
    const { stats, topics } = this.deps
    // A delayed message counts for its own topic when it is delivered, a half message when it is committed.
    const isElsewhere = this.isHalf || this.level > 0
    const into = isElsewhere ? (topics.select(draft.topic) ?? topic) : topic
    stats.messagePut(into, 1, draft.size)
    if (this.request.dead) stats.sentToDlq++
  }

  /** Each message of a batch becomes a record of its own; the acknowledgement follows the last one. */
  private storeBatch(frame: Frame, connection: Connection): boolean {
    const { request, properties } = this
    const { fields } = request
    const topic = request.topic!
    if (isRetryTopic(topic.topicName)) {
      const remark = `batch request does not support retry group ${topic.topicName}`
      return request.refuse(ResponseCode.MESSAGE_ILLEGAL, remark)
    }
    properties.write(fields.buffer, fields.propertiesStart, fields.propertiesEnd)
    if (!this.storable()) return false
    if (this.isHalf) {
      const remark = 'a batch cannot be part of a transaction'
      return request.refuse(ResponseCode.MESSAGE_ILLEGAL, remark)
    }
    if (this.level > 0) {
      return request.refuse(ResponseCode.MESSAGE_ILLEGAL, 'a batch cannot be delayed')
    }
    const count = checkBatch(frame.buffer, frame.bodyStart, frame.end, this.batchLimits)
    if (count instanceof Malformed) {
      return request.refuse(ResponseCode.MESSAGE_ILLEGAL, `${count.code}: ${count.detail}`)
    }
    // Whole or not at all, as far as that can be known before: a part that was stored would come twice after a retry.
    if (!this.batchFits(frame)) return this.refused(APPEND_PROPERTIES_TOO_LARGE)
    const overhead = RECORD_HEAD_SIZE_MAX + topic.topicBytes.length + properties.addedSizeMax
    const sizeMax = frame.bodySize + count * overhead
    if (this.deps.store.isBusy(sizeMax)) return this.refused(APPEND_BUSY)
    const token = this.pending.open(connection, frame)
    const status = this.appendBatch(frame, this.draft(connection), topic, token, count)
    if (status === APPEND_OK) {
      if (frame.isOneway) this.pending.drop(token)
      return true
    }
    this.pending.drop(token)
    return this.refused(status)
  }

  private batchFits(frame: Frame): boolean {
    const { entry, properties } = this
    const sizeMax = PROPERTIES_MAX_SIZE - properties.addedSizeMax
    for (let at = frame.bodyStart; at < frame.end; at += entry.totalSize) {
      if (inspectBatchEntry(frame.buffer, at, frame.end, entry) !== BATCH_OK) return false
      if (entry.propertiesEnd - entry.propertiesStart > sizeMax) return false
    }
    return true
  }

  private appendBatch(
    frame: Frame,
    draft: RecordDraft,
    topic: TopicConfig,
    token: number,
    count: number,
  ): AppendStatus {
    const { entry, pending, properties, request, deps } = this
    const { store } = deps
    const offsets: number[] = []
    draft.topic = topic.topicName
    draft.topicBytes = topic.topicBytes
    draft.queueId = request.queueId
    draft.body = frame.buffer
    draft.waitStore = !properties.isFalse(request.fields.buffer, PropertySlot.WAIT)
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
      this.counted(topic, draft)
    }
    pending.placedBatch(token, offsets)
    pending.uniqKey(token, EMPTY, -1, -1)
    return APPEND_OK
  }

  /** Why the store did not take it, as handlePutMessageResult says it. */
  private refused(status: AppendStatus): false {
    const { request } = this
    this.deps.stats.putFailed++
    const { code, remark } = appendRefusal(status, this.deps.config.values.maxMessageSize)
    return request.refuse(code, remark)
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
const HALF_BYTES: Uint8Array = Buffer.from(SystemTopic.TRANS_HALF)
