import {
  findProperty,
  inspectRecord,
  MessageConst,
  PropertySpan,
  RECORD_OK,
  RecordView,
} from '@apogee/protocol'
import { AckedMessage } from './acked-message.ts'
import type { MessagePage } from './message-page.ts'
import { PulledMessage } from './pulled-message.ts'

const TAGS = Buffer.from(MessageConst.TAGS)
const VIEW = new RecordView()
const SPAN = new PropertySpan()

/**
 * The messages of a pull response's body, in its order, without those whose tag is not wanted. Returns false when
 * the bytes are not records to the end; what came before is in `into` then.
 */
export function readRecords<T>(
  page: MessagePage<T>,
  tags: ReadonlySet<string> | null,
  into: PulledMessage<T>[],
): boolean {
  const { bytes } = page
  const isAcked = page.acknowledger !== null
  for (let at = 0; at < bytes.length; at += VIEW.totalSize) {
    if (inspectRecord(bytes, at, bytes.length, VIEW) !== RECORD_OK) return false
    if (!Number.isSafeInteger(VIEW.queueOffset)) return false
    if (tags !== null && !hasTag(bytes, tags)) continue
    const { totalSize, queueOffset, reconsumeTimes, propertiesStart } = VIEW
    into.push(
      isAcked
        ? new AckedMessage(page, at, totalSize, queueOffset, reconsumeTimes, propertiesStart)
        : new PulledMessage(page, at, totalSize, queueOffset, reconsumeTimes, propertiesStart),
    )
  }
  return true
}

function hasTag(bytes: Buffer, tags: ReadonlySet<string>): boolean {
  if (!findProperty(bytes, VIEW.propertiesStart, VIEW.propertiesEnd, TAGS, SPAN)) return false
  return tags.has(bytes.toString('utf8', SPAN.start, SPAN.end))
}
