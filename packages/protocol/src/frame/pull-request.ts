import type { Malformed } from '@apogee/base'
import { FieldKeys } from './field-keys.ts'
import { FieldValues } from './field-values.ts'
import { EMPTY, type Frame } from './frame.ts'

const NAMES = [
  'consumerGroup',
  'topic',
  'queueId',
  'queueOffset',
  'maxMsgNums',
  'sysFlag',
  'commitOffset',
  'suspendTimeoutMillis',
  'subscription',
  'subVersion',
  'expressionType',
  'maxMsgBytes',
  'requestSource',
]
const values = new FieldValues(
  new FieldKeys(Object.fromEntries(NAMES.map((name, slot) => [name, slot]))),
  NAMES,
)

/**
 * The header of a pull (Java: PullMessageRequestHeader), reused from one frame to the next. Texts are positions in
 * `buffer`, plain UTF-8, both −1 when absent.
 */
export class PullFields {
  buffer: Buffer = EMPTY
  consumerGroupStart = -1
  consumerGroupEnd = -1
  topicStart = -1
  topicEnd = -1
  subscriptionStart = -1
  subscriptionEnd = -1
  expressionTypeStart = -1
  expressionTypeEnd = -1
  queueId = 0
  queueOffset = 0
  maxMsgNums = 0
  sysFlag = 0
  commitOffset = 0
  suspendTimeoutMillis = 0
  subVersion = 0
  /** −1 when absent: the client sets no limit. */
  maxMsgBytes = -1
  /** −1 when absent. */
  requestSource = -1
}

/** Reads the header of PULL_MESSAGE (11) or LITE_PULL_MESSAGE (361). Codes: HEADER_FIELD_MISSING, HEADER_FIELD_INVALID. */
export function decodePull(frame: Frame, into: PullFields): Malformed | null {
  values.locate(frame)
  into.buffer = frame.buffer
  values.text(frame, 0)
  into.consumerGroupStart = values.textStart
  into.consumerGroupEnd = values.textEnd
  values.text(frame, 1)
  into.topicStart = values.textStart
  into.topicEnd = values.textEnd
  into.queueId = values.int(frame, 2)
  into.queueOffset = values.long(frame, 3)
  into.maxMsgNums = values.int(frame, 4)
  into.sysFlag = values.int(frame, 5)
  into.commitOffset = values.long(frame, 6)
  into.suspendTimeoutMillis = values.long(frame, 7)
  values.optionalText(frame, 8)
  into.subscriptionStart = values.textStart
  into.subscriptionEnd = values.textEnd
  into.subVersion = values.long(frame, 9)
  values.optionalText(frame, 10)
  into.expressionTypeStart = values.textStart
  into.expressionTypeEnd = values.textEnd
  into.maxMsgBytes = values.optionalInt(frame, 11, -1)
  into.requestSource = values.optionalInt(frame, 12, -1)
  return values.problem()
}
