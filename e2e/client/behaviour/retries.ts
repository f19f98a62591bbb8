import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { RetryLater, Unrecoverable } from '@apogee/client'
import {
  type Behaviour,
  type BehaviourContext,
  deliveryOf,
  Inbox,
  numbered,
  until,
} from './scenario.ts'

async function ladder(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const producer = await mq.producer({ group })
  for (const body of numbered('m', 3)) {
    await producer.send({ topic, body, tag: 'red', keys: ['k'], properties: { p: 'v' } })
  }
  const inbox = new Inbox()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: 'red' }, from: 'first' })
  await consumer.run((message) => {
    inbox.take(message)
    if (message.reconsumeTimes < 3) throw new Error('not yet')
  })
  await inbox.exactly(12, 2000)
  const deliveries = inbox.messages.map(deliveryOf)
  const wanted = numbered('m', 3).flatMap((body) => [0, 1, 2, 3].map((n) => `${body} ${n}`))
  assert.deepEqual(deliveries.toSorted(), wanted.toSorted())
  for (const message of inbox.messages) {
    assert.equal(message.topic, topic, 'the original topic')
    assert.deepEqual([message.tag, message.keys], ['red', ['k']])
    assert.equal(message.properties['p'], 'v')
  }
  assert.equal(new Set(inbox.messages.map(({ messageId }) => messageId)).size, 3, 'ids stay')
}

async function later(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  await context.send('one', 'three')
  const arrivals = new Map<string, number[]>()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run((message) => {
    const body = message.body.toString()
    arrivals.set(body, [...(arrivals.get(body) ?? []), Date.now()])
    // The test's table: level 1 is one second, level 2 is three.
    if (message.reconsumeTimes === 0) throw new RetryLater({ delayLevel: body === 'one' ? 1 : 2 })
  })
  await until(() => [...arrivals.values()].flat().length >= 4, '4 deliveries')
  for (const [body, leastMs] of [
    ['one', 1000],
    ['three', 3000],
  ] as const) {
    const [first = 0, second = 0] = arrivals.get(body) ?? []
    const waitedMs = second - first
    assert.ok(waitedMs >= leastMs - 50 && waitedMs < leastMs + 2500, `${body}: ${waitedMs} ms`)
  }
}

async function deadLetters(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  await context.send('used up', 'at once', 'fine')
  const inbox = new Inbox()
  const consumer = await mq.consumer({
    group,
    subscriptions: { [topic]: '*' },
    from: 'first',
    maxRetries: 2,
  })
  await consumer.run((message) => {
    inbox.take(message)
    const body = message.body.toString()
    if (body === 'at once') throw new Unrecoverable('never')
    if (body === 'used up') throw new Error('not yet')
  })
  await inbox.exactly(5, 2500)
  const deliveries = inbox.messages.map(deliveryOf)
  const wanted = ['used up 0', 'used up 1', 'used up 2', 'at once 0', 'fine 0']
  assert.deepEqual(deliveries.toSorted(), wanted.toSorted())
  const dead = await context.readAll(2, `%DLQ%${group}`)
  assert.deepEqual(dead.map(({ body }) => body.toString()).toSorted(), ['at once', 'used up'])
  for (const { body, messageId, properties } of dead) {
    assert.equal(properties['RETRY_TOPIC'], topic)
    const before = inbox.messages.find((message) => message.body.equals(body))
    assert.equal(messageId, before?.messageId)
    assert.ok((properties['ORIGIN_MESSAGE_ID'] ?? '') !== '')
  }
}

async function timedOut(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  await context.send('stuck', 'fine')
  const deliveries: string[] = []
  let abortedWith: unknown = null
  const consumer = await mq.consumer({
    group,
    subscriptions: { [topic]: '*' },
    from: 'first',
    consumeTimeoutMs: 1000,
  })
  await consumer.run(async (message, { signal }) => {
    deliveries.push(deliveryOf(message))
    if (message.body.toString() === 'fine' || message.reconsumeTimes > 0) return
    await sleep(30_000, undefined, { signal }).catch(() => {
      abortedWith = signal.reason
    })
  })
  await until(() => deliveries.length >= 3, '3 deliveries')
  assert.deepEqual(deliveries.toSorted(), ['fine 0', 'stuck 0', 'stuck 1'])
  assert.ok(abortedWith !== null, 'its signal was aborted')
}

export const retries: readonly Behaviour[] = [
  { name: 'what a handler throws at comes again, the same message, later each time', run: ladder },
  { name: 'RetryLater names the delay', run: later },
  { name: 'dead letters: retries used up, and Unrecoverable at once', run: deadLetters },
  { name: 'a handler out of time is aborted, and its message comes again', run: timedOut },
]
