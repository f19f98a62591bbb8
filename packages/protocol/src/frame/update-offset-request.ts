import type { Malformed } from '@apogee/base'
import { FieldKeys } from './field-keys.ts'
import { FieldValues } from './field-values.ts'
import { EMPTY, type Frame } from './frame.ts'

const NAMES = ['consumerGroup', 'topic', 'queueId', 'commitOffset']
const values = new FieldValues(
  new FieldKeys(Object.fromEntries(NAMES.map((name, slot) => [name, slot]))),
  NAMES,
)

/** The header of an offset commit (Java: UpdateConsumerOffsetRequestHeader), reused; texts are positions in `buffer`. */
export class UpdateOffsetFields {
  buffer: Buffer = EMPTY
  consumerGroupStart = -1
  consumerGroupEnd = -1
  topicStart = -1
  topicEnd = -1
  queueId = 0
  commitOffset = 0
}

/** Reads the header of UPDATE_CONSUMER_OFFSET (15). Codes: HEADER_FIELD_MISSING, HEADER_FIELD_INVALID. */
export function decodeUpdateOffset(frame: Frame, into: UpdateOffsetFields): Malformed | null {
  values.locate(frame)
  into.buffer = frame.buffer
  values.text(frame, 0)
  into.consumerGroupStart = values.textStart
  into.consumerGroupEnd = values.textEnd
  values.text(frame, 1)
  into.topicStart = values.textStart
  into.topicEnd = values.textEnd
  into.queueId = values.int(frame, 2)
  into.commitOffset = values.long(frame, 3)
  return values.problem()
}
