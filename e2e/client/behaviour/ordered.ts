import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { RetryLater } from '@apogee/client'
import {
  type Behaviour,
  type BehaviourContext,
  deliveryOf,
  Inbox,
  numbered,
  owning,
  until,
} from './scenario.ts'

const KEYS = ['a', 'b', 'c']

async function sendSharded(context: BehaviourContext, count: number): Promise<void> {
  const producer = await context.mq.producer({ group: `${context.topic}_sender` })
  for (let index = 0; index < count; index++) {
    for (const shardingKey of KEYS) {
      const body = `${shardingKey}-${index}`
      await producer.send({ topic: context.topic, body }, { shardingKey })
    }
  }
}

function assertOrdered(bodies: readonly string[], count: number): void {
  for (const key of KEYS) {
    const own = bodies.filter((body) => body.startsWith(`${key}-`))
    assert.deepEqual(own, numbered(key, count))
  }
}

async function inOrder(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(4)
  // All of it waits, more than one pull of each queue, so that an order that is not kept shows.
  await sendSharded(context, 100)
  const inbox = new Inbox()
  const running = new Map<number, number>()
  let most = 0
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.runOrdered(async (message) => {
    const { queueId } = message.queue
    const now = (running.get(queueId) ?? 0) + 1
    running.set(queueId, now)
    most = Math.max(most, now)
    await sleep(message.queueOffset % 3)
    running.set(queueId, (running.get(queueId) ?? 0) - 1)
    inbox.take(message)
  })
  await inbox.exactly(300)
  assertOrdered(inbox.bodies, 100)
  assert.equal(most, 1, 'one in flight for each queue')
}

async function suspended(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  await context.send(...numbered('m', 5))
  const deliveries: { text: string; atMs: number }[] = []
  const consumer = await mq.consumer({
    group,
    subscriptions: { [topic]: '*' },
    from: 'first',
    suspendMs: 400,
  })
  await consumer.runOrdered((message) => {
    deliveries.push({ text: deliveryOf(message), atMs: Date.now() })
    if (message.body.toString() === 'm-1' && message.reconsumeTimes < 2) throw new Error('not yet')
    if (message.body.toString() === 'm-3' && message.reconsumeTimes < 1) {
      throw new RetryLater({ suspendMs: 50 })
    }
  })
  await until(() => deliveries.length >= 8, '8 deliveries')
  await sleep(700)
  assert.deepEqual(
    deliveries.map(({ text }) => text),
    ['m-0 0', 'm-1 0', 'm-1 1', 'm-1 2', 'm-2 0', 'm-3 0', 'm-3 1', 'm-4 0'],
  )
  const rest = (index: number): number => deliveries[index]!.atMs - deliveries[index - 1]!.atMs
  assert.ok(rest(2) >= 390 && rest(3) >= 390, `rested ${rest(2)} and ${rest(3)} ms`)
  assert.ok(rest(6) >= 45 && rest(6) < 390, `rested ${rest(6)} ms`)
}

async function usedUp(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  await context.send(...numbered('m', 3))
  const deliveries: string[] = []
  const consumer = await mq.consumer({
    group,
    subscriptions: { [topic]: '*' },
    from: 'first',
    suspendMs: 50,
    maxRetries: 2,
  })
  await consumer.runOrdered((message) => {
    deliveries.push(deliveryOf(message))
    if (message.body.toString() === 'm-1') throw new Error('never')
  })
  await until(() => deliveries.length >= 5, '5 deliveries')
  await sleep(700)
  assert.deepEqual(deliveries, ['m-0 0', 'm-1 0', 'm-1 1', 'm-1 2', 'm-2 0'])
  const dead = await context.readAll(1, `%DLQ%${group}`)
  assert.deepEqual(
    dead.map(({ body, properties }) => [body.toString(), properties['RETRY_TOPIC']]),
    [['m-1', topic]],
  )
}

async function handedOver(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(4)
  const bodies: string[] = []
  const join = async () => {
    const mq = context.client()
    const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
    await consumer.runOrdered(async (message) => {
      await sleep(2)
      bodies.push(message.body.toString())
    })
    return consumer
  }
  const first = await join()
  await owning(first, 4)
  const sending = sendSharded(context, 60)
  const second = await join()
  await owning(second, 2)
  await sending
  await first.close()
  await owning(second, 4)
  await until(
    () => bodies.length >= 180,
    '180 messages',
    30_000,
    () => String(bodies.length),
  )
  assertOrdered(bodies, 60)
}

export const ordered: readonly Behaviour[] = [
  { name: 'ordered: one at a time in each queue, in the order of sending', run: inOrder },
  {
    name: 'ordered: a failure rests its queue, and the message comes again in its place',
    run: suspended,
  },
  { name: 'ordered: retries used up end in the dead letters, and the queue goes on', run: usedUp },
  { name: 'ordered: queues change hands without a message out of order', run: handedOver },
]
