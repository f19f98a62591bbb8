import { isMalformed } from '@apogee/base'
import { decodeRecord, MessageConst, type MessageExt, SystemTopic } from '@apogee/protocol'
import type { Half } from './core/half.ts'

/** The half message in a record; `null` when the record is not one that can be decided over. */
export function readHalf(message: MessageExt): Half | null {
  const { properties, queueOffset } = message
  const topic = properties.get(MessageConst.REAL_TOPIC)
  if (message.topic !== SystemTopic.TRANS_HALF || topic === undefined) return null
  if (realQueueIdOf(message) < 0) return null
  return {
    offset: queueOffset,
    physicalOffset: message.physicalOffset,
    identity: number(properties.get(MessageConst.TRANSACTION_PREPARED_QUEUE_OFFSET), queueOffset),
    bornMs: Math.min(message.bornTimestamp, message.storeTimestamp),
    immunityMs: immunityOf(message),
    checkTimes: number(properties.get(MessageConst.TRANSACTION_CHECK_TIMES), 0),
    group: properties.get(MessageConst.PRODUCER_GROUP) ?? '',
    topic,
  }
}

/** The message that `bytes` hold, `null` when they are damaged. */
export function readMessage(bytes: Buffer | null): MessageExt | null {
  const message = bytes === null ? null : decodeRecord(bytes)
  return message === null || isMalformed(message) ? null : message
}

/** The queue that the message is for; −1 when it does not say. */
export function realQueueIdOf(message: MessageExt): number {
  return number(message.properties.get(MessageConst.REAL_QUEUE_ID), -1)
}

/** CHECK_IMMUNITY_TIME_IN_SECONDS, in ms; −1 when there is none that can be read. */
export function immunityOf(message: MessageExt): number {
  const seconds = number(message.properties.get(MessageConst.CHECK_IMMUNITY_TIME_IN_SECONDS), -1)
  return seconds < 0 ? -1 : seconds * 1000
}

function number(text: string | undefined, otherwise: number): number {
  const value = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : -1
  return value >= 0 ? value : otherwise
}
