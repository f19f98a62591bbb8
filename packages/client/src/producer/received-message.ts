import { isMalformed } from '@apogee/base'
import {
  formatHost,
  KEY_SEPARATOR,
  MessageConst,
  type MessageExt,
  MessageSysFlag,
  offsetMsgIdOf,
  plainBody,
} from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ReceivedMessage } from '../api/message.ts'
import { withoutNamespace } from '../consumer/names.ts'

/** A body that grows beyond this when it is inflated is refused. */
const INFLATED_BODY_MAX_SIZE = 64 * 1024 * 1024

/**
 * A message that a broker has handed to a producer, a reply or a transaction in doubt, as users see messages. Throws
 * RMQ_CODEC when its body is compressed and damaged.
 */
export function receivedMessage(
  message: MessageExt,
  brokerName: string,
  namespace: string | null,
): ReceivedMessage {
  const plain = plainBody(message.sysFlag, message.body, INFLATED_BODY_MAX_SIZE)
  if (isMalformed(plain)) throw new RocketMQError(ErrorCode.CODEC, `${plain.code}: ${plain.detail}`)
  const rawBody = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  const { properties } = message
  const offsetMessageId = offsetMsgIdOf(message)
  const messageId = properties.get(MessageConst.UNIQ_KEY) ?? offsetMessageId
  const topic = withoutNamespace(
    namespace,
    properties.get(MessageConst.REAL_TOPIC) ?? message.topic,
  )
  const keys = properties.get(MessageConst.KEYS) ?? ''
  const isTransaction = (message.sysFlag & MessageSysFlag.TRANSACTION_MASK) !== 0
  return {
    topic,
    body: rawBody,
    rawBody,
    tag: properties.get(MessageConst.TAGS) ?? null,
    keys: keys.split(KEY_SEPARATOR).filter((key) => key !== ''),
    properties: Object.fromEntries(properties),
    messageId,
    offsetMessageId,
    queue: { topic, brokerName, queueId: message.queueId },
    queueOffset: message.queueOffset,
    reconsumeTimes: message.reconsumeTimes,
    bornTimestamp: message.bornTimestamp,
    bornHost: formatHost(message.bornHost),
    storeTimestamp: message.storeTimestamp,
    storeHost: formatHost(message.storeHost),
    flag: message.flag,
    sysFlag: message.sysFlag,
    physicalOffset: message.physicalOffset,
    shardingKey: properties.get(MessageConst.SHARDING_KEY) ?? null,
    transactionId: isTransaction ? messageId : null,
  }
}
