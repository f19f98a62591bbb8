import type { Malformed } from '@apogee/base'
import { FieldKeys } from './field-keys.ts'
import { FieldValues } from './field-values.ts'
import { EMPTY, type Frame } from './frame.ts'

// Slots in the order of the one-letter names a…n of SendMessageRequestHeaderV2. The long names of SendMessageRequestHeader
// lead to the same slots, so that one decoder serves 10, 310, 320, 324 and 325.
const NAMES = [
  'producerGroup',
  'topic',
  'defaultTopic',
  'defaultTopicQueueNums',
  'queueId',
  'sysFlag',
  'bornTimestamp',
  'flag',
  'properties',
  'reconsumeTimes',
  'unitMode',
  'maxReconsumeTimes',
  'batch',
  'bname',
]

const slots: Record<string, number> = {}
for (const [slot, name] of NAMES.entries()) {
  slots[name] = slot
  slots[String.fromCharCode(0x61 + slot)] = slot
}
const values = new FieldValues(new FieldKeys(slots), NAMES)

/**
 * The header of a send (Java: SendMessageRequestHeader and V2), reused from one frame to the next. Texts are positions in
 * `buffer`, plain UTF-8, both −1 when absent.
 */
export class SendFields {
  buffer: Buffer = EMPTY
  producerGroupStart = -1
  producerGroupEnd = -1
  topicStart = -1
  topicEnd = -1
  defaultTopicStart = -1
  defaultTopicEnd = -1
  propertiesStart = -1
  propertiesEnd = -1
  defaultTopicQueueNums = 0
  queueId = 0
  sysFlag = 0
  bornTimestamp = 0
  flag = 0
  /** 0 when absent. */
  reconsumeTimes = 0
  /** −1 when absent. */
  maxReconsumeTimes = -1
  unitMode = false
  batch = false
}

/**
 * Reads the header of SEND_MESSAGE (10), SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320) or the reply sends (324, 325).
 * Values with JSON escapes are made plain in place. Codes: HEADER_FIELD_MISSING, HEADER_FIELD_INVALID.
 */
export function decodeSend(frame: Frame, into: SendFields): Malformed | null {
  values.locate(frame)
  into.buffer = frame.buffer
  values.text(frame, 0)
  into.producerGroupStart = values.textStart
  into.producerGroupEnd = values.textEnd
  values.text(frame, 1)
  into.topicStart = values.textStart
  into.topicEnd = values.textEnd
  values.text(frame, 2)
  into.defaultTopicStart = values.textStart
  into.defaultTopicEnd = values.textEnd
  into.defaultTopicQueueNums = values.int(frame, 3)
  into.queueId = values.int(frame, 4)
  into.sysFlag = values.int(frame, 5)
  into.bornTimestamp = values.long(frame, 6)
  into.flag = values.int(frame, 7)
  values.optionalText(frame, 8)
  into.propertiesStart = values.textStart
  into.propertiesEnd = values.textEnd
  into.reconsumeTimes = values.optionalInt(frame, 9, 0)
  into.unitMode = values.optionalBoolean(frame, 10, false)
  into.maxReconsumeTimes = values.optionalInt(frame, 11, -1)
  into.batch = values.optionalBoolean(frame, 12, false)
  return values.problem()
}
