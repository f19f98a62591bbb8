// Messages about messages, read as Apache's tools read them.
//
//     message body: record, U+0002 after each; a record: its kind and fields, U+0001 between them.
import assert from 'node:assert/strict'
import { type Behaviour, type BehaviourContext, Inbox, until, WAIT_LIMIT_MS } from './scenario.ts'

const TRACE_TOPIC = 'RMQ_SYS_TRACE_TOPIC'

async function traced(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const traces = new Inbox()
  const reader = await context.client().consumer({
    group: `${group}_traces`,
    subscriptions: { [TRACE_TOPIC]: '*' },
    from: 'first',
  })
  await reader.run(traces.take)

  const inbox = new Inbox()
  const subscriptions = { [topic]: '*' }
  const consumer = await mq.consumer({ group, subscriptions, from: 'first', trace: true })
  await consumer.run((message) => {
    inbox.take(message)
    if (message.reconsumeTimes === 0) throw new Error('not yet')
  })
  const senders = `${topic}_senders`
  const producer = await mq.producer({ group: senders, trace: true })
  const sent = await producer.send({ topic, body: '12345', tag: 'red', keys: ['k1', 'k2'] })
  await inbox.exactly(2)

  const ofKind = (kind: string): string[][] =>
    recordsOf(traces, sent.messageId).filter((fields) => fields[0] === kind)
  await until(
    () => ofKind('Pub').length > 0 && ofKind('SubAfter').length >= 2,
    'traces of the send and of both deliveries',
    WAIT_LIMIT_MS,
    () => JSON.stringify(recordsOf(traces, sent.messageId)),
  )
  assertPub(context, ofKind('Pub'), senders, sent)
  assertDeliveries(group, sent.messageId, ofKind('SubBefore'), ofKind('SubAfter'))
  const keyed = traces.messages.find(({ keys }) => keys.includes(sent.messageId))
  assert.ok(keyed?.keys.includes('k1') && keyed.keys.includes('k2'), 'found by the keys too')
}

function recordsOf(traces: Inbox, messageId: string): string[][] {
  return traces.messages
    .filter(({ keys }) => keys.includes(messageId))
    .flatMap(({ body }) => body.toString().split('\u0002'))
    .map((record) => record.split('\u0001'))
    .filter((fields) => fields.includes(messageId))
}

function columnOf(records: readonly string[][], index: number): string[] {
  return records.map((fields) => fields[index] ?? '').toSorted()
}

function assertDeliveries(
  group: string,
  messageId: string,
  before: readonly string[][],
  after: readonly string[][],
): void {
  assert.deepEqual([before.length, after.length], [2, 2])
  for (const fields of before) {
    assert.equal(fields[3], group)
    assert.equal(fields[5], messageId)
    assert.equal(fields[7], 'k1 k2')
  }
  assert.deepEqual(columnOf(before, 6), ['0', '1'])
  // One failed, one succeeded, each under the request id of its SubBefore.
  assert.deepEqual(columnOf(after, 4), ['false', 'true'])
  assert.deepEqual(columnOf(after, 1), columnOf(before, 4))
  for (const fields of after) assert.equal(fields[8], group)
}

function assertPub(
  context: BehaviourContext,
  pubs: readonly string[][],
  senders: string,
  sent: { messageId: string; offsetMessageId: string },
): void {
  assert.equal(pubs.length, 1)
  const fields = pubs[0] ?? []
  assert.equal(fields.length, 14)
  const [, timestamp, region, group, topic, messageId, tag, keys, storeHost, bodyLength] = fields
  const [costMs, messageType, offsetMessageId, isSuccess] = fields.slice(10)
  assert.ok(Math.abs(Number(timestamp) - Date.now()) < 60_000)
  assert.deepEqual([region, group, topic], ['DefaultRegion', senders, context.topic])
  assert.deepEqual([messageId, tag, keys], [sent.messageId, 'red', 'k1 k2'])
  assert.equal(storeHost, context.target.brokerAddr)
  assert.equal(bodyLength, '5')
  assert.ok(Number(costMs) >= 0 && Number(costMs) < 10_000)
  assert.deepEqual([messageType, offsetMessageId, isSuccess], ['0', sent.offsetMessageId, 'true'])
}

export const traces: readonly Behaviour[] = [
  { name: 'traces of a send and its deliveries, in the form that Apache tools read', run: traced },
]
