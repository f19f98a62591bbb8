import { MessageConst, type MessageExt } from '@apogee/protocol'
import type { ReceivedMessage } from '../api/message.ts'
import { messageOf } from '../consumer/direct-message.ts'
import { withoutNamespace } from '../consumer/names.ts'

/**
 * A message that a broker has handed to a producer, a reply or a transaction in doubt, as consumers see messages. Throws
 * RMQ_CODEC when its body is compressed and damaged.
 */
export function receivedMessage(
  message: MessageExt,
  brokerName: string,
  namespace: string | null,
): ReceivedMessage {
  const topic = message.properties.get(MessageConst.REAL_TOPIC) ?? message.topic
  const topicName = (name: string): string => withoutNamespace(namespace, name)
  const received = messageOf<Buffer>({ ...message, topic }, brokerName, { codec: null, topicName })
  // Whoever waits hears of a damaged body now, and not where it is read.
  void received.rawBody
  return received
}
