import { isMalformed } from '@apogee/base'
import {
  formatHost,
  KEY_SEPARATOR,
  MessageConst,
  type MessageExt,
  offsetMsgIdOf,
  plainBody,
} from '@apogee/protocol'
import type { ShownMessage } from '../output/message-view.ts'

/** Longest body that is decompressed; a longer one is shown as it was stored. */
const BODY_MAX_BYTES = 64 * 1024 * 1024

/** A record of a broker as it is shown. */
export function shownRecord(record: MessageExt, brokerName: string): ShownMessage {
  const { properties } = record
  const offsetMessageId = offsetMsgIdOf(record)
  const plain = plainBody(record.sysFlag, record.body, BODY_MAX_BYTES)
  const body = isMalformed(plain) ? record.body : plain
  const keys = properties.get(MessageConst.KEYS) ?? ''
  return {
    topic: record.topic,
    rawBody: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    tag: properties.get(MessageConst.TAGS) ?? null,
    keys: keys.split(KEY_SEPARATOR).filter((key) => key !== ''),
    properties: Object.fromEntries(properties),
    messageId: properties.get(MessageConst.UNIQ_KEY) ?? offsetMessageId,
    offsetMessageId,
    queue: { brokerName, queueId: record.queueId },
    queueOffset: record.queueOffset,
    reconsumeTimes: record.reconsumeTimes,
    bornTimestamp: record.bornTimestamp,
    bornHost: formatHost(record.bornHost),
    storeTimestamp: record.storeTimestamp,
    storeHost: formatHost(record.storeHost),
    shardingKey: properties.get(MessageConst.SHARDING_KEY) ?? null,
  }
}
