import {
  BATCH_ENTRY_MIN_SIZE,
  type BatchMessage,
  encodeBatch,
  MessageConst,
  parseProperties,
} from '@apogee/protocol'
import type { SendResult } from '../api/message.ts'
import { splitBatch } from '../core/batch-split.ts'
import type { PreparedMessage } from './prepare-message.ts'
import type { MessageFields } from './send-frame.ts'
import type { Stored } from './send-job.ts'

/** Messages that share frames: of one topic, and with one wish about waiting. `indexes` are their places in the call. */
interface Row {
  readonly topicName: string
  readonly waitStoreOk: boolean
  readonly indexes: number[]
}

/** One frame of a batch, with the places of its messages in the call. */
export interface BatchFrame {
  readonly topicName: string
  readonly content: MessageFields
  readonly indexes: readonly number[]
}

/** The frames of a batch. Messages of one topic keep their order, in one frame or in several that follow each other. */
export function batchFrames(
  messages: readonly PreparedMessage[],
  maxBatchSize: number,
): BatchFrame[] {
  const frames: BatchFrame[] = []
  for (const row of rowsOf(messages)) {
    const sizes = row.indexes.map((index) => entrySize(messages[index]!))
    for (const [from, to] of splitBatch(sizes, maxBatchSize)) {
      const indexes = row.indexes.slice(from, to)
      frames.push({ topicName: row.topicName, content: frameOf(row, indexes, messages), indexes })
    }
  }
  return frames
}

function rowsOf(messages: readonly PreparedMessage[]): Row[] {
  const rows = new Map<string, Row>()
  messages.forEach(({ message }, index) => {
    const waitStoreOk = message.waitStoreOk !== false
    const key = `${waitStoreOk} ${message.topic}`
    let row = rows.get(key)
    if (row === undefined) {
      row = { topicName: message.topic, waitStoreOk, indexes: [] }
      rows.set(key, row)
    }
    row.indexes.push(index)
  })
  return [...rows.values()]
}

function entrySize(message: PreparedMessage): number {
  return BATCH_ENTRY_MIN_SIZE + message.body.length + message.propertiesSize
}

function frameOf(
  row: Row,
  indexes: readonly number[],
  messages: readonly PreparedMessage[],
): MessageFields {
  const entries: BatchMessage[] = indexes.map((index) => {
    const { flag, body, properties } = messages[index]!
    return { flag, body, properties: parseProperties(properties) }
  })
  const properties = row.waitStoreOk ? '' : `${MessageConst.WAIT_STORE_MSG_OK}\x01false\x02`
  return {
    sysFlag: 0,
    flag: 0,
    properties,
    propertiesSize: properties.length,
    body: encodeBatch(entries),
  }
}

/** What each message of a stored frame came to, in the frame's order. */
export function batchResults(stored: Stored, messageIds: readonly string[]): SendResult[] {
  const offsetIds = stored.offsetMessageId.split(',')
  return messageIds.map((messageId, i) => ({
    status: stored.status,
    messageId,
    offsetMessageId: offsetIds[i] ?? '',
    queue: stored.queue,
    queueOffset: stored.queueOffset + i,
    transactionId: null,
    regionId: stored.regionId,
    recallHandle: null,
  }))
}
