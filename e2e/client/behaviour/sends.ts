// What producers can do, and what of it arrives.
import assert from 'node:assert/strict'
import type { Message, ReceivedMessage, SendResult } from '@apogee/client'
import { assertSameBodies, decodeOffsetMessageId } from '../../harness/expect.ts'
import { type Behaviour, type BehaviourContext, Inbox, numbered } from './scenario.ts'

const placeOfResult = ({ messageId, offsetMessageId, queue, queueOffset }: SendResult): string =>
  `${queue.brokerName}/${queue.queueId}/${queueOffset} ${messageId} ${offsetMessageId}`
const placeOfMessage = (message: ReceivedMessage): string => {
  const { messageId, offsetMessageId, queue, queueOffset } = message
  return `${queue.brokerName}/${queue.queueId}/${queueOffset} ${messageId} ${offsetMessageId}`
}

/** Everything was acknowledged, and lies where, and has the ids that, the acknowledgements say. */
async function assertStored(
  context: BehaviourContext,
  results: readonly SendResult[],
): Promise<ReceivedMessage[]> {
  for (const { status } of results) assert.equal(status, 'SEND_OK')
  const messages = await context.readAll(results.length)
  assert.deepEqual(messages.map(placeOfMessage).toSorted(), results.map(placeOfResult).toSorted())
  return messages
}

async function oneByOne(context: BehaviourContext): Promise<void> {
  const { mq, topic, group, target } = context
  await context.createTopic(4)
  const producer = await mq.producer({ group })
  const results: SendResult[] = []
  for (const body of numbered('m', 12)) results.push(await producer.send({ topic, body }))
  const ids = new Set(results.map(({ queue }) => queue.queueId))
  assert.equal(ids.size, 4, 'all queues are used')
  for (const result of results) {
    assert.match(result.messageId, /^[0-9A-F]{32}$/)
    const { host, port } = decodeOffsetMessageId(result.offsetMessageId)
    assert.equal(`${host}:${port}`, target.brokerAddr)
    assert.equal(result.queue.topic, topic)
    assert.equal(result.regionId, 'DefaultRegion')
  }
  assertSameBodies(
    (await assertStored(context, results)).map((message) => ({ body: message.body.toString() })),
    numbered('m', 12),
  )
}

async function manyInFlight(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(4)
  const producer = await mq.producer({ group })
  const bodies = numbered('m', 500)
  const results = await Promise.all(bodies.map((body) => producer.send({ topic, body })))
  await assertStored(context, results)
}

async function oneWay(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(2)
  const producer = await mq.producer({ group })
  for (const body of numbered('m', 300)) {
    if (!producer.sendOneway({ topic, body })) await producer.flushed()
  }
  await producer.flushed()
  const messages = await context.readAll(300)
  assert.equal(new Set(messages.map(({ messageId }) => messageId)).size, 300)
}

async function batchSplit(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(2)
  const producer = await mq.producer({ group, maxBatchSize: 4096 })
  const batch = numbered('m', 60).map((body): Message => {
    return { topic, body: body.padEnd(300, '.'), tag: 'red', keys: ['k'], properties: { p: body } }
  })
  const results = await producer.send(batch)
  assert.equal(results.length, 60)
  const messages = await assertStored(context, results)
  for (const message of messages) {
    const name = message.properties['p'] ?? ''
    assert.equal(message.body.toString(), name.padEnd(300, '.'))
    assert.deepEqual([message.tag, message.keys], ['red', ['k']])
  }
  // Each frame of some ten messages goes to one queue, which gives them offsets in a row.
  const frames = results.filter(({ queue, queueOffset }, index) => {
    const before = results[index - 1]
    return before?.queue.queueId !== queue.queueId || before.queueOffset + 1 !== queueOffset
  })
  assert.ok(frames.length > 1 && frames.length < 30, `${frames.length} frames`)
}

async function sharded(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(4)
  const producer = await mq.producer({ group })
  const keys = ['Ann', 'Bo', 'Çem', '李', '😀']
  for (const body of numbered('m', 50)) {
    const shardingKey = keys[Number(body.slice(2)) % keys.length] ?? ''
    await producer.send({ topic, body }, { shardingKey })
  }
  const messages = await context.readAll(50)
  for (const key of keys) {
    const own = messages.filter(({ shardingKey }) => shardingKey === key)
    assert.equal(own.length, 10, key)
    assert.equal(new Set(own.map(({ queue }) => queue.queueId)).size, 1, 'one queue for a key')
    const byOffset = own.toSorted((a, b) => a.queueOffset - b.queueOffset)
    const sent = byOffset.map(({ body }) => Number(body.toString().slice(2)))
    assert.deepEqual(
      sent,
      sent.toSorted((a, b) => a - b),
    )
  }
}

async function selected(context: BehaviourContext): Promise<void> {
  const { mq, topic, group, target } = context
  await context.createTopic(4)
  const producer = await mq.producer({ group })
  const { brokerName } = target
  const fixed = { topic, brokerName, queueId: 3 }
  const first = await producer.send({ topic, body: 'fixed' }, { queue: fixed })
  assert.deepEqual(first.queue, fixed)
  const second = await producer.send(
    { topic, body: 'chosen' },
    { queue: (queues) => queues.find(({ queueId }) => queueId === 1)! },
  )
  assert.deepEqual(second.queue, { ...fixed, queueId: 1 })
  await assertStored(context, [first, second])
}

async function delayed(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const inbox = new Inbox()
  const arrivals: number[] = []
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run((message) => {
    arrivals.push(Date.now())
    inbox.take(message)
  })
  const producer = await mq.producer({ group })
  // The test's table: level 1 is one second, level 2 is three.
  await producer.send({ topic, body: 'three', delayLevel: 2 })
  await producer.send({ topic, body: 'one', delayLevel: 1 })
  await producer.send({ topic, body: 'now' })
  await inbox.exactly(3)
  assert.deepEqual(inbox.bodies, ['now', 'one', 'three'])
  for (const [index, leastMs] of [0, 1000, 3000].entries()) {
    const waitedMs = (arrivals[index] ?? 0) - (inbox.messages[index]?.bornTimestamp ?? 0)
    assert.ok(waitedMs >= leastMs && waitedMs < leastMs + 2500, `waited ${waitedMs} ms`)
    assert.equal(inbox.messages[index]?.topic, topic)
  }
}

async function timed(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const inbox = new Inbox()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run(inbox.take)
  const producer = await mq.producer({ group })
  const outcome = await producer.send({ topic, body: 'timed', delayMs: 2000 }).then(
    async () => {
      await inbox.exactly(1)
      const [message] = inbox.messages
      const waitedMs = Date.now() - (message?.bornTimestamp ?? 0)
      return waitedMs >= 2000 ? 'delivered after its time' : `delivered after ${waitedMs} ms`
    },
    () => 'refused',
  )
  assert.equal(outcome, context.expected('timers'))
}

/** Bit 0: compressed; bits 8 to 10: by what. */
const COMPRESSED_FLAG = { zlib: 0x301, lz4: 0x101, zstd: 0x201 } as const

async function compressed(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const body = Buffer.from(JSON.stringify(numbered('compressible', 3000)))
  const types = ['zlib', 'lz4', 'zstd'] as const
  for (const type of types) {
    const producer = await mq.producer({
      group: `${group}_${type}`,
      compress: { over: 1000, type },
    })
    await producer.send({ topic, body, tag: type })
    await producer.send({ topic, body: 'short', tag: 'plain' })
  }
  const plain = await mq.producer({ group: `${group}_plain`, compress: false })
  await plain.send({ topic, body, tag: 'plain' })
  for (const message of await context.readAll(7)) {
    const type = types.find((name) => name === message.tag)
    assert.equal(message.sysFlag & 0x701, type === undefined ? 0 : COMPRESSED_FLAG[type])
    const wanted = message.rawBody.length === 5 ? Buffer.from('short') : body
    assert.ok(message.body.equals(wanted), message.tag ?? '')
  }
}

async function automaticTopic(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  const producer = await mq.producer({ group, defaultTopicQueueNums: 3 })
  const results: SendResult[] = []
  for (const body of numbered('m', 9)) results.push(await producer.send({ topic, body }))
  const queues = new Set(results.map(({ queue }) => queue.queueId))
  assert.deepEqual(queues, new Set([0, 1, 2]))
  await assertStored(context, results)
}

const QUERY_MESSAGE = 12
const UNUSUAL = 'größe 数量 😀 a=b&c;d "quoted" \\ \n\ttab é'

async function unusualText(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const producer = await mq.producer({ group })
  const keys = ['schlüssel', '钥匙', '😀', 'a=b']
  const properties = { [UNUSUAL.replaceAll('\n', '')]: UNUSUAL, 名: '值' }
  await producer.send({ topic, body: UNUSUAL, tag: 'größe😀', keys, properties, flag: -7 })
  const [message] = await context.readAll(1)
  assert.ok(message !== undefined)
  assert.equal(message.body.toString(), UNUSUAL)
  assert.equal(message.tag, 'größe😀')
  assert.deepEqual(message.keys, keys)
  assert.equal(message.flag, -7)
  assert.equal(message.properties[UNUSUAL.replaceAll('\n', '')], UNUSUAL)
  assert.equal(message.properties['名'], '值')
  // Tools find it by each of its keys.
  const times = { beginTimestamp: 0, endTimestamp: Date.now() + 60_000 }
  for (const key of keys) {
    const answer = await context.admin(QUERY_MESSAGE, { topic, key, maxNum: 10, ...times })
    assert.ok(answer.body.includes(message.messageId), key)
  }
}

async function neverRight(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const producer = await mq.producer({ group })
  const bad: Message[] = [
    { topic, body: 'x', properties: { a: 'with\u0001' } },
    { topic, body: 'x', properties: { 'b\u0002': 'v' } },
    { topic, body: 'x', properties: { UNIQ_KEY: 'mine' } },
    { topic, body: 'x', keys: ['two words'] },
    { topic, body: 'x', delayLevel: 19 },
    { topic: '', body: 'x' },
    { topic: 'bad topic!', body: 'x' },
  ]
  for (const message of bad) {
    await assert.rejects(
      async () => await producer.send(message),
      { code: 'RMQ_INVALID_ARGUMENT' },
      JSON.stringify(message),
    )
  }
}

export const sends: readonly Behaviour[] = [
  { name: 'each send is acknowledged with its place and ids', run: oneByOne },
  { name: 'hundreds of sends in flight', run: manyInFlight },
  { name: 'one-way sends arrive', run: oneWay },
  { name: 'a batch is split at its limit, and every message has its own result', run: batchSplit },
  { name: 'equal sharding keys: one queue, in order', run: sharded },
  { name: 'a queue chosen by the sender', run: selected },
  { name: 'delay levels', run: delayed },
  { name: 'a delay of any length', run: timed },
  { name: 'bodies compressed by zlib, LZ4 and ZSTD', run: compressed },
  { name: 'a topic made by the first send to it', run: automaticTopic },
  { name: 'keys, tags and properties of unusual text', run: unusualText },
  { name: 'what can never be right is refused before it is sent', run: neverRight },
]
