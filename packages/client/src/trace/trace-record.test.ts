import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { type GoldenTrace, goldenOf } from '../testing/java-golden.ts'
import {
  ConsumeReturn,
  consumeAfterRecord,
  consumeBeforeRecord,
  endTransactionRecord,
  publishRecord,
  recallRecord,
  TraceMessageType,
  type TraceRecord,
} from './trace-record.ts'

const common = { atMs: 1_700_000_000_123, regionId: 'region', group: 'group' }
const sent = {
  ...common,
  topic: 'topic',
  messageId: 'msgId',
  tag: 'tag',
  keys: 'k1 k2',
  storeHost: '10.0.0.1:10911',
}
const start = { ...common, requestId: 'requestId' }
const consumed = { messageId: 'msgId', keys: 'k1 k2', reconsumeTimes: 3 }

test('every kind of record is the text that the Java client writes, found by the same words', () => {
  const records: Record<string, TraceRecord> = {
    Pub: publishRecord({
      ...sent,
      bodySize: 5,
      costMs: 17,
      messageType: TraceMessageType.ORDER,
      offsetMessageId: 'offsetMsgId',
      isSuccess: true,
    }),
    SubBefore: consumeBeforeRecord(start, consumed),
    SubAfter: consumeAfterRecord(
      { ...start, costMs: 17, isSuccess: false, contextCode: ConsumeReturn.FAILED },
      consumed,
    ),
    EndTransaction: endTransactionRecord({
      ...sent,
      transactionId: 'transactionId',
      state: 'COMMIT_MESSAGE',
      fromCheck: true,
    }),
    Recall: recallRecord({ ...common, topic: 'topic', messageId: 'msgId', isSuccess: true }),
  }
  const golden = goldenOf<GoldenTrace>('trace')
  equal(golden.length, 5)
  for (const { type, text, keys } of golden) {
    equal(records[type]?.text, text)
    deepEqual(records[type]?.keys.toSorted(), keys, type)
  }
})

test('a consumed message without keys has a last field that Java does not lose', () => {
  const start = { atMs: 1, regionId: 'r', group: 'g', requestId: 'q' }
  const { text } = consumeBeforeRecord(start, { messageId: 'm', reconsumeTimes: 0, keys: '' })
  equal(text, ['SubBefore', '1', 'r', 'g', 'q', 'm', '0', 'null'].join('\u0001').concat('\u0002'))
})
