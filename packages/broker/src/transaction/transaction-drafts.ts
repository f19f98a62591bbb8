import {
  addressBytes,
  formatProperties,
  MessageConst,
  type MessageExt,
  MessageSysFlag,
  SystemTopic,
} from '@apogee/protocol'
import type { RecordDraft } from '@apogee/store'
import type { TopicConfig } from '../topic/topic-config.ts'
import { OP_TAG } from './core/op-body.ts'
import { realQueueIdOf } from './half-record.ts'

const NO_ADDRESS: Uint8Array = new Uint8Array(4)
const HALF_BYTES: Uint8Array = new Uint8Array(Buffer.from(SystemTopic.TRANS_HALF))
const OP_BYTES: Uint8Array = new Uint8Array(Buffer.from(SystemTopic.TRANS_OP_HALF))
const SCHEDULE_BYTES: Uint8Array = new Uint8Array(Buffer.from(SystemTopic.SCHEDULE))
const OP_PROPERTIES: Uint8Array = new Uint8Array(
  Buffer.from(formatProperties([[MessageConst.TAGS, OP_TAG]])),
)

/**
 * The message that becomes visible by a commit (Java: endMessageTransaction). Its properties are the half message's, all
 * of them: clients take the transaction's id from UNIQ_KEY when TRAN_MSG is there. A delay level counts from the commit.
 */
export function draftCommitted(
  draft: RecordDraft,
  half: MessageExt,
  topic: TopicConfig,
  delayLevelMax: number,
): void {
  const level = Math.min(delayLevelOf(half), delayLevelMax)
  const properties = new Map(half.properties)
  properties.delete(MessageConst.WAIT_STORE_MSG_OK)
  if (level > 0) {
    properties.set(MessageConst.DELAY_TIME_LEVEL, String(level))
    properties.delete(MessageConst.TRANSACTION_PREPARED)
  }
  copy(draft, half, properties)
  draft.topic = level > 0 ? SystemTopic.SCHEDULE : topic.topicName
  draft.topicBytes = level > 0 ? SCHEDULE_BYTES : topic.topicBytes
  draft.queueId = level > 0 ? level - 1 : realQueueIdOf(half)
  draft.sysFlag |= MessageSysFlag.TRANSACTION_COMMIT
  draft.preparedTransactionOffset = half.physicalOffset
}

/** A new copy of a half message (Java: renewHalfMessageInner). It knows which place the first copy had. */
export function draftRenewed(
  draft: RecordDraft,
  half: MessageExt,
  identity: number,
  checkTimes: number,
): void {
  const properties = new Map(half.properties)
  properties.set(MessageConst.TRANSACTION_CHECK_TIMES, String(checkTimes))
  if (identity >= 0) {
    properties.set(MessageConst.TRANSACTION_PREPARED_QUEUE_OFFSET, String(identity))
  } else properties.delete(MessageConst.TRANSACTION_PREPARED_QUEUE_OFFSET)
  copy(draft, half, properties)
  draft.topic = SystemTopic.TRANS_HALF
  draft.topicBytes = HALF_BYTES
  draft.queueId = 0
}

/** A half message that is given up: it waits in TRANS_CHECK_MAX_TIME_TOPIC for an operator. */
export function draftDiscarded(draft: RecordDraft, half: MessageExt, topic: TopicConfig): void {
  copy(draft, half, half.properties)
  draft.topic = topic.topicName
  draft.topicBytes = topic.topicBytes
  draft.queueId = 0
}

/** An op message: the half messages at the offsets in `body` are decided. */
export function draftOp(
  draft: RecordDraft,
  body: string,
  host: { address: Uint8Array; port: number },
  nowMs: number,
): void {
  const bytes = Buffer.from(body, 'latin1')
  draft.topic = SystemTopic.TRANS_OP_HALF
  draft.topicBytes = OP_BYTES
  draft.queueId = 0
  draft.flag = 0
  draft.sysFlag = 0
  draft.bornTimestamp = nowMs
  draft.bornHost = host.address
  draft.bornPort = host.port
  draft.reconsumeTimes = 0
  draft.preparedTransactionOffset = 0
  setBody(draft, bytes)
  setProperties(draft, OP_PROPERTIES)
  draft.waitStore = true
}

/** The delay level of a half message; 0 for none. */
export function delayLevelOf(half: MessageExt): number {
  const level = Number(half.properties.get(MessageConst.DELAY_TIME_LEVEL) ?? 0)
  return Number.isInteger(level) && level > 0 ? level : 0
}

function copy(
  draft: RecordDraft,
  message: MessageExt,
  properties: ReadonlyMap<string, string>,
): void {
  draft.flag = message.flag
  const mask = MessageSysFlag.STORE_HOST_V6 | MessageSysFlag.TRANSACTION_MASK
  draft.sysFlag = message.sysFlag & ~mask
  draft.bornTimestamp = message.bornTimestamp
  draft.bornHost = addressBytes(message.bornHost.address) ?? NO_ADDRESS
  draft.bornPort = message.bornHost.port
  draft.reconsumeTimes = message.reconsumeTimes
  draft.preparedTransactionOffset = 0
  setBody(draft, message.body)
  setProperties(draft, Buffer.from(formatProperties(properties), 'utf8'))
  // A decision counts once what it asked for is as safe as the flush mode promises.
  draft.waitStore = true
}

function setBody(draft: RecordDraft, body: Uint8Array): void {
  draft.body = body
  draft.bodyStart = 0
  draft.bodyEnd = body.length
}

function setProperties(draft: RecordDraft, properties: Uint8Array): void {
  draft.properties = properties
  draft.propertiesStart = 0
  draft.propertiesEnd = properties.length
}
