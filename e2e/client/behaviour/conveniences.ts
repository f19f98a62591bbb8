// What the client adds to RocketMQ's own ways: namespaces, codecs, header forms, subscriptions that change, status.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientStatus, json } from '@apogee/client'
import {
  type Behaviour,
  type BehaviourContext,
  deliveryOf,
  Inbox,
  numbered,
  owning,
  until,
} from './scenario.ts'

async function namespaced(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(1, `dev%${topic}`)
  const mq = context.client({ namespace: 'dev' })
  const inbox = new Inbox()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run((message) => {
    inbox.take(message)
    if (message.reconsumeTimes === 0) throw new Error('not yet')
  })
  const producer = await mq.producer({ group: `${topic}_sender` })
  const { queue } = await producer.send({ topic, body: 'm' })
  assert.equal(queue.topic, topic)
  await inbox.exactly(2)
  assert.deepEqual(inbox.messages.map(deliveryOf), ['m 0', 'm 1'])
  for (const message of inbox.messages) assert.equal(message.topic, topic)
  // Who does not live in the namespace sees the names as they are.
  const [plain] = await context.readAll(1, `dev%${topic}`)
  assert.equal(plain?.body.toString(), 'm')
}

async function jsonHeaders(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(1)
  const mq = context.client({ headers: 'json' })
  const producer = await mq.producer({ group: `${topic}_sender` })
  const properties = { p: '值 "quoted" \\' }
  for (const body of numbered('m', 10)) await producer.send({ topic, body, properties })
  const inbox = new Inbox()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run((message) => {
    inbox.take(message)
    if (message.reconsumeTimes === 0 && message.body.toString() === 'm-0') throw new Error('again')
  })
  await inbox.exactly(11)
  for (const message of inbox.messages) assert.equal(message.properties['p'], properties.p)
}

interface Order {
  id: number
  text: string
}

async function codecs(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const orders = mq.topic(topic, { codec: json<Order>() })
  const producer = await mq.producer({ group: `${topic}_sender` })
  await producer.send(orders.message({ body: { id: 7, text: 'größe' }, tag: 'created' }))
  await producer.send({ topic, body: '{broken' })
  const got: Order[] = []
  const consumer = await mq.consumer({
    group,
    subscriptions: { [topic]: '*' },
    from: 'first',
    codec: json<Order>(),
    maxRetries: 1,
  })
  await consumer.run((message) => {
    got.push(message.body)
  })
  // What cannot be decoded counts as failed, and does not stop its queue.
  const dead = new Inbox()
  const reader = await context.client().consumer({
    group: `${group}_dead`,
    subscriptions: { [`%DLQ%${group}`]: '*' },
    from: 'first',
  })
  await reader.run(dead.take)
  await dead.exactly(1)
  assert.deepEqual(dead.bodies, ['{broken'])
  assert.deepEqual(got, [{ id: 7, text: 'größe' }])
}

async function changedSubscriptions(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  const other = `${topic}_other`
  await context.createTopic(1)
  await context.createTopic(1, other)
  const inbox = new Inbox()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run(inbox.take)
  const producer = await mq.producer({ group: `${topic}_sender` })
  await producer.send({ topic: other, body: 'before' })
  await producer.send({ topic, body: 'one' })
  await inbox.exactly(1)
  consumer.subscribe(other, 'red')
  await owning(consumer, 2)
  await producer.send({ topic: other, body: 'red', tag: 'red' })
  await producer.send({ topic: other, body: 'blue', tag: 'blue' })
  await inbox.exactly(2)
  consumer.unsubscribe(topic)
  await owning(consumer, 1)
  await producer.send({ topic, body: 'unheard' })
  await producer.send({ topic: other, body: 'red again', tag: 'red' })
  await inbox.exactly(3)
  assert.deepEqual(inbox.bodies, ['one', 'red', 'red again'])
}

async function paused(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const inbox = new Inbox()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run(inbox.take)
  await context.send('one')
  await inbox.exactly(1)
  consumer.pause()
  await context.send('two')
  await sleep(1500)
  assert.deepEqual(inbox.bodies, ['one'])
  consumer.resume()
  await inbox.exactly(2)
}

async function status(context: BehaviourContext): Promise<void> {
  const { mq, topic, group, target } = context
  await context.createTopic(1)
  const seen: ClientStatus[] = []
  const watching = (async () => {
    for await (const one of mq.status()) seen.push(one)
  })()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run(() => {})
  await context.send('m')
  const rebalanced = (): boolean =>
    seen.some((one) => one.type === 'rebalanced' && one.topic === topic && one.queues.length === 1)
  await until(rebalanced, 'rebalance', 10_000, () => JSON.stringify(seen))
  const connected = seen.filter((one) => one.type === 'connected').map(({ address }) => address)
  assert.ok(connected.includes(target.brokerAddr), connected.join())
  await mq.close()
  await watching
  assert.equal(seen.at(-1)?.type, 'closed')
}

export const conveniences: readonly Behaviour[] = [
  { name: 'a namespace, retries included', run: namespaced },
  { name: 'headers in JSON', run: jsonHeaders },
  { name: 'bodies through a codec, and those that it cannot read', run: codecs },
  { name: 'subscriptions that change while the consumer runs', run: changedSubscriptions },
  { name: 'a consumer that pauses', run: paused },
  { name: 'status tells of connections and rebalances, and ends', run: status },
]
