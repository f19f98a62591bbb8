import { isMalformed } from '@apogee/base'
import {
  decodeRecords,
  formatHost,
  MessageConst,
  type MessageExt,
  offsetMsgIdOf,
  shownBody,
  splitKeys,
} from '@apogee/protocol'
import { invalidAnswer } from '../transport/admin-transport.ts'

/** A stored message as tools see it. Times are milliseconds since 1970. */
export interface FoundMessage {
  /** The producer's UNIQ_KEY, or the offset id when it has none. */
  readonly msgId: string
  /** Where it is stored: names the broker's address and the place in its log. */
  readonly offsetMsgId: string
  readonly topic: string
  /** Empty when only the address is known. */
  readonly brokerName: string
  readonly queueId: number
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly tags: string
  readonly keys: readonly string[]
  readonly bornMs: number
  readonly bornHost: string
  readonly storeMs: number
  readonly storeHost: string
  readonly reconsumeTimes: number
  readonly flag: number
  readonly sysFlag: number
  /** Decompressed. */
  readonly body: Uint8Array
  readonly properties: ReadonlyMap<string, string>
}

export function foundMessage(message: MessageExt, brokerName = ''): FoundMessage {
  const { properties } = message
  const offsetMsgId = offsetMsgIdOf(message)
  return {
    msgId: properties.get(MessageConst.UNIQ_KEY) ?? offsetMsgId,
    offsetMsgId,
    topic: message.topic,
    brokerName,
    queueId: message.queueId,
    queueOffset: message.queueOffset,
    physicalOffset: message.physicalOffset,
    tags: properties.get(MessageConst.TAGS) ?? '',
    keys: splitKeys(properties.get(MessageConst.KEYS)),
    bornMs: message.bornTimestamp,
    bornHost: formatHost(message.bornHost),
    storeMs: message.storeTimestamp,
    storeHost: formatHost(message.storeHost),
    reconsumeTimes: message.reconsumeTimes,
    flag: message.flag,
    sysFlag: message.sysFlag,
    body: shownBody(message.sysFlag, message.body),
    properties,
  }
}

/** Records that follow each other; throws ADMIN_ANSWER_INVALID. */
export function foundMessages(
  records: Uint8Array,
  address: string,
  brokerName: string,
): FoundMessage[] {
  const messages = decodeRecords(records)
  if (isMalformed(messages)) throw invalidAnswer(address, `${messages.code} ${messages.detail}`)
  return messages.map((message) => foundMessage(message, brokerName))
}
