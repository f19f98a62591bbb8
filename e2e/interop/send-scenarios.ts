// Sending and plain consuming, whatever the version of the Java client.
import assert from 'node:assert/strict'
import type { ReceivedMessage } from '../harness/client-program.ts'
import {
  assertAcknowledged,
  assertDelivered,
  assertQueueOrder,
  assertSameBodies,
  bodies,
  bodiesOf,
  decodeOffsetMessageId,
} from '../harness/expect.ts'
import type { Scenario, ScenarioContext } from './scenario.ts'

/** Starts a consumer, waits for `expected` messages and a moment longer, stops it, gives what came. */
export async function consume(
  context: ScenarioContext,
  args: Readonly<Record<string, string | number | boolean>> & { group: string; expected: number },
): Promise<ReceivedMessage[]> {
  const { expected, settleMs = 300, ...rest } = args
  const name = `${args.group}-${context.unique()}`
  await context.client.run('start-consumer', { name, topic: context.topic, ...rest })
  await context.client.run('await-consumer', { name, expected, settleMs })
  return (await context.client.run('stop-consumer', { name })).received
}

export async function sync(context: ScenarioContext): Promise<void> {
  const { client, topic, target } = context
  await client.run('create-topic', { topic, queues: 4 })
  const args = { topic, count: 40, keys: 'key', tags: 'red,blue', 'property.colour': 'c-#' }
  const { sent } = await client.run('send', args)
  assertAcknowledged(sent, 40)
  for (const message of sent) {
    const place = decodeOffsetMessageId(message.offsetMsgId)
    assert.equal(`${place.host}:${place.port}`, target.brokerAddr)
    assert.equal(message.brokerName, target.brokerName)
  }
  const received = await consume(context, { group: `${topic}_group`, expected: 40 })
  assertDelivered(received, sent)
  for (const message of received) {
    const index = message.body.split('-')[1] ?? ''
    assert.equal(message.topic, topic)
    assert.equal(message.tags, Number(index) % 2 === 0 ? 'red' : 'blue')
    assert.equal(message.keys, `key-${index} key-all`)
    assert.equal(message.properties['colour'], `c-${index}`)
    assert.equal(message.properties['CLUSTER'], target.clusterName)
    assert.equal(message.reconsumeTimes, 0)
    assert.equal(message.storeHost.replace('/', ''), target.brokerAddr)
    assert.ok(message.storeTimestamp >= message.bornTimestamp - 1000)
  }
}

export async function async(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 4 })
  const { sent } = await client.run('send', { topic, count: 100, mode: 'async' })
  assertAcknowledged(sent, 100)
  assertDelivered(await consume(context, { group: `${topic}_group`, expected: 100 }), sent)
}

export async function oneway(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  await client.run('send', { topic, count: 20, mode: 'oneway' })
  const received = await consume(context, { group: `${topic}_group`, expected: 20 })
  assertSameBodies(received, bodies('message', 20))
}

/** The Go client tells the sender only one id of a batch. */
export async function batch(context: ScenarioContext, idsTold = 10): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 4 })
  const args = { topic, count: 10, mode: 'batch', tags: 'red', keys: 'batch' }
  const first = (await client.run('send', args)).sent[0]
  const second = (await client.run('send', { ...args, prefix: 'second' })).sent[0]
  assert.ok(first !== undefined && second !== undefined)
  const received = await consume(context, { group: `${topic}_group`, expected: 20 })
  for (const [acknowledged, prefix] of [[first, 'message'] as const, [second, 'second'] as const]) {
    assert.equal(acknowledged.status, 'SEND_OK')
    const ids = acknowledged.msgId.split(',')
    assert.equal(ids.length, idsTold)
    assert.equal(acknowledged.offsetMsgId.split(',').length, 10)
    const own = received.filter((message) => message.body.startsWith(prefix))
    const inOrder = own.toSorted((a, b) => a.queueOffset - b.queueOffset)
    assert.deepEqual(bodiesOf(inOrder), bodies(prefix, 10))
    if (idsTold > 1)
      assert.deepEqual(
        inOrder.map((message) => message.msgId),
        ids,
      )
    inOrder.forEach((message, index) => {
      assert.equal(message.queueId, acknowledged.queueId)
      assert.equal(message.queueOffset, acknowledged.queueOffset + index)
      assert.equal(message.tags, 'red')
    })
  }
}

export async function compressed(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 1 })
  const { sent } = await client.run('send', { topic, count: 3, size: 20_000 })
  assertAcknowledged(sent, 3)
  const received = await consume(context, { group: `${topic}_group`, expected: 3 })
  assertDelivered(received, sent)
  for (const message of received) assert.equal(message.body.length, 20_000)
}

async function large(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 1 })
  const args = { topic, count: 2, size: 3 << 20, mode: 'oneway' }
  await client.run('send', args)
  const received = await consume(context, { group: `${topic}_group`, expected: 2 })
  assert.deepEqual(
    received.map((message) => message.body.length),
    [3 << 20, 3 << 20],
  )
  assert.notEqual(received[0]?.body, received[1]?.body)
}

/** Only Java's tag hash is defined outside of ASCII; the Go client computes another one. */
export async function unicode(context: ScenarioContext, tag = 'été'): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 1 })
  const text = 'größe 漢字 🚀'
  const { sent } = await client.run('send', {
    topic,
    prefix: text,
    tags: tag,
    'property.name': text,
  })
  const received = await consume(context, {
    group: `${topic}_group`,
    expected: 1,
    expression: tag,
  })
  assertDelivered(received, sent)
  assert.equal(received[0]?.body, `${text}-0`)
  assert.equal(received[0]?.properties['name'], text)
}

async function automaticTopic(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  const { sent } = await client.run('send', { topic, count: 12 })
  assertAcknowledged(sent, 12)
  const queues = new Set(sent.map((message) => message.queueId))
  assert.equal(queues.size, 4)
  assertDelivered(await consume(context, { group: `${topic}_group`, expected: 12 }), sent)
}

export async function ordered(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 4 })
  const { sent } = await client.run('send', { topic, count: 40, mode: 'ordered', shards: 4 })
  assertAcknowledged(sent, 40)
  for (const message of sent) {
    assert.equal(message.queueId, Number(message.body.split('-')[1]) % 4)
  }
  const received = await consume(context, { group: `${topic}_group`, expected: 40, orderly: true })
  assertDelivered(received, sent)
  assertQueueOrder(received)
}

async function orderedWithRefusals(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  await client.run('send', { topic, count: 8, mode: 'ordered', shards: 2 })
  const refusing = { group: `${topic}_group`, expected: 16, orderly: true, fail: 1 }
  const received = await consume(context, refusing)
  assert.equal(received.length, 16)
  for (const queueId of [0, 1]) {
    const own = bodiesOf(received.filter((message) => message.queueId === queueId))
    const wanted = bodies('message', 8).filter((_, index) => index % 2 === queueId)
    assert.deepEqual(
      own,
      wanted.flatMap((body) => [body, body]),
    )
  }
}

export const sendScenarios: readonly Scenario[] = [
  { name: 'synchronous sends arrive where their acknowledgement says', run: sync },
  { name: 'asynchronous sends arrive', run: async },
  { name: 'one-way sends arrive', run: oneway },
  { name: 'a batch lands in one queue, in order, under its ids', run: (context) => batch(context) },
  { name: 'compressed bodies arrive whole', run: compressed },
  { name: 'bodies of 3 MiB arrive whole', run: large },
  {
    name: 'text outside of ASCII survives in body, tag and property',
    run: (context) => unicode(context),
  },
  { name: 'a topic nobody created gets four queues', run: automaticTopic },
  { name: 'messages of one shard are consumed in order', run: ordered },
  { name: 'a refused message holds its queue until it is consumed', run: orderedWithRefusals },
]
