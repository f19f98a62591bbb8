import { encodeRecord, inspectRecord, type MessageExt, RecordView } from '@apogee/protocol'
import { MessagePage, type MessageSource } from './message-page.ts'
import { PulledMessage } from './pulled-message.ts'

/** A message that did not come by a pull, in the form that handlers know. */
export function messageOf<T>(
  message: MessageExt,
  brokerName: string,
  source: MessageSource<T>,
): PulledMessage<T> {
  const bytes = encodeRecord(message)
  const view = new RecordView()
  inspectRecord(bytes, 0, bytes.length, view)
  const { topic, queueId } = message
  const page = new MessagePage<T>(bytes, { topic, brokerName, queueId }, source)
  const { totalSize, queueOffset, reconsumeTimes, propertiesStart } = view
  return new PulledMessage(page, 0, totalSize, queueOffset, reconsumeTimes, propertiesStart)
}
