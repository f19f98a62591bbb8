import { readInt32 } from '@apogee/base'
import {
  copyProperties,
  inspectRecord,
  MessageConst,
  MessageSysFlag,
  PropertyNameSet,
  PropertySlot,
  PropertySpans,
  RECORD_OK,
  RecordView,
  SystemTopic,
} from '@apogee/protocol'
import type { RecordDraft } from '@apogee/store'

/** Properties of a delayed message that the delivered copy does not have. */
const DROPPED = new PropertyNameSet([
  MessageConst.DELAY_TIME_LEVEL,
  MessageConst.TIMER_DELIVER_MS,
  MessageConst.TIMER_DELAY_SEC,
])

/** Topics by name, in UTF-8: a few are delivered to again and again. */
const TOPIC_BYTES_MAX = 4096

/**
 * Turns a record of the schedule topic into the draft of what is delivered: topic and queue are those that the producer
 * named (REAL_TOPIC, REAL_QID, which stay), the delay is taken away, all else is the same. Java: messageTimeUp.
 */
export class DueMessage {
  private readonly view = new RecordView()
  private readonly spans = new PropertySpans()
  private properties = Buffer.alloc(4096)
  private readonly topicBytes = new Map<string, Uint8Array>()

  /** Fills the draft; false when the record does not say where it is to go. */
  fill(draft: RecordDraft, record: Buffer): boolean {
    const { view, spans } = this
    if (inspectRecord(record, 0, record.length, view) !== RECORD_OK) return false
    const { propertiesStart, propertiesEnd } = view
    const size = propertiesEnd - propertiesStart + 1
    if (this.properties.length < size) this.properties = Buffer.alloc(size * 2)
    const into = this.properties
    const end = copyProperties(record, propertiesStart, propertiesEnd, into, 0, DROPPED, spans)
    const topic = this.valueOf(record, PropertySlot.REAL_TOPIC)
    const queueId = Number(this.valueOf(record, PropertySlot.REAL_QID) ?? Number.NaN)
    if (topic === null || !Number.isInteger(queueId)) return false
    // A prepared message of a transaction must never become visible this way.
    if (topic === SystemTopic.TRANS_HALF) return false
    draft.topic = topic
    draft.topicBytes = this.bytesOf(topic)
    draft.queueId = queueId
    draft.flag = view.flag
    // The store sets the bits of host versions by what it writes.
    draft.sysFlag = view.sysFlag & ~MessageSysFlag.STORE_HOST_V6
    draft.bornTimestamp = view.bornTimestamp
    // bornHost is address and port, 4 bytes.
    const portAt = view.bornHostStart + view.bornHostLength - 4
    draft.bornHost = record.subarray(view.bornHostStart, portAt)
    draft.bornPort = readInt32(record, portAt)
    draft.reconsumeTimes = view.reconsumeTimes
    draft.preparedTransactionOffset = 0
    draft.body = record
    draft.bodyStart = view.bodyStart
    draft.bodyEnd = view.bodyEnd
    draft.properties = into
    draft.propertiesStart = 0
    draft.propertiesEnd = end
    // Progress moves only once the copy is as safe as the flush mode promises.
    draft.waitStore = true
    return true
  }

  private valueOf(record: Buffer, slot: PropertySlot): string | null {
    if (!this.spans.has(slot)) return null
    return record.toString('utf8', this.spans.start(slot), this.spans.end(slot))
  }

  private bytesOf(topic: string): Uint8Array {
    const known = this.topicBytes.get(topic)
    if (known !== undefined) return known
    const bytes = new Uint8Array(Buffer.from(topic, 'utf8'))
    if (this.topicBytes.size < TOPIC_BYTES_MAX) this.topicBytes.set(topic, bytes)
    return bytes
  }
}
