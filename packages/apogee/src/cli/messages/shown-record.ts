import {
  formatHost,
  MessageConst,
  type MessageExt,
  offsetMsgIdOf,
  shownBody,
  splitKeys,
} from '@apogee/protocol'
import type { ShownMessage } from '../output/message-view.ts'

/** A record of a broker as it is shown. */
export function shownRecord(record: MessageExt, brokerName: string): ShownMessage {
  const { properties } = record
  const offsetMessageId = offsetMsgIdOf(record)
  const body = shownBody(record.sysFlag, record.body)
  return {
    topic: record.topic,
    rawBody: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    tag: properties.get(MessageConst.TAGS) ?? null,
    keys: splitKeys(properties.get(MessageConst.KEYS)),
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
