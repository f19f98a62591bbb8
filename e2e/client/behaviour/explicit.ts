// Consumers that are asked: for await, and pull.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PullConsumer } from '@apogee/client'
import {
  type Behaviour,
  type BehaviourContext,
  deliveryOf,
  numbered,
  until,
  WAIT_LIMIT_MS,
} from './scenario.ts'

async function forAwait(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  await context.send(...numbered('m', 6))
  const deliveries: string[] = []
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  const signal = AbortSignal.timeout(20_000)
  for await (const message of consumer.messages({ signal })) {
    deliveries.push(deliveryOf(message))
    const isLater = message.body.toString() === 'm-2' && message.reconsumeTimes === 0
    if (isLater) await message.retryLater({ delayLevel: 1 })
    else await message.ack()
    // Idempotent, as documented.
    await message.ack()
    if (deliveries.length === 7) break
  }
  const wanted = [...numbered('m', 6).map((body) => `${body} 0`), 'm-2 1']
  assert.deepEqual(deliveries.toSorted(), wanted.toSorted())
}

async function unacknowledged(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(1)
  await context.send(...numbered('m', 6))
  const read = async (acks: (body: string) => boolean, count: number): Promise<string[]> => {
    const mq = context.client()
    const bodies: string[] = []
    const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
    for await (const message of consumer.messages({ signal: AbortSignal.timeout(20_000) })) {
      bodies.push(message.body.toString())
      if (acks(message.body.toString())) await message.ack()
      if (bodies.length === count) break
    }
    await mq.close()
    return bodies
  }
  await read((body) => body !== 'm-3', 6)
  // The offset waits at the message without an answer: it and what lies above it come again.
  assert.deepEqual(await read(() => true, 3), ['m-3', 'm-4', 'm-5'])
}

async function pulled(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(2)
  await context.send(...numbered('m', 20))
  const poll = async (
    count: number,
    prepare: (pull: PullConsumer) => Promise<void>,
    isCommitting: boolean,
  ): Promise<string[]> => {
    const mq = context.client()
    const pull = await mq.pullConsumer({ group, assign: [topic], from: 'first' })
    await prepare(pull)
    const bodies: string[] = []
    const limit = Date.now() + 20_000
    while (bodies.length < count && Date.now() < limit) {
      const page = await pull.poll({ max: 7, timeoutMs: 1000 })
      assert.ok(page.length <= 7)
      bodies.push(...page.map((message) => message.body.toString()))
    }
    if (isCommitting) await pull.commit()
    await mq.close()
    return bodies.toSorted()
  }
  const nothing = async (): Promise<void> => {}
  const all = numbered('m', 20).toSorted()
  assert.deepEqual(await poll(20, nothing, false), all)
  assert.deepEqual(await poll(20, nothing, true), all, 'nothing was committed the first time')
  await context.send('more')
  assert.deepEqual(await poll(1, nothing, false), ['more'], 'it goes on after what was committed')
  const back = async (pull: PullConsumer): Promise<void> =>
    await pull.seek({ timestamp: Date.now() - 3_600_000 })
  assert.deepEqual(await poll(21, back, false), [...all, 'more'].toSorted())
}

async function pollTimesOut(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const pull = await mq.pullConsumer({ group, assign: [topic], from: 'first' })
  const startedMs = Date.now()
  assert.deepEqual(await pull.poll({ max: 10, timeoutMs: 500 }), [])
  const tookMs = Date.now() - startedMs
  assert.ok(tookMs >= 450 && tookMs < 3000, `took ${tookMs} ms`)
  const polling = pull.poll({ max: 10, timeoutMs: 15_000 })
  await sleep(300)
  await context.send('woken')
  const page = await polling
  assert.deepEqual(
    page.map((message) => message.body.toString()),
    ['woken'],
  )
}

async function oneQueue(context: BehaviourContext): Promise<void> {
  const { mq, topic, group, target } = context
  await context.createTopic(2)
  const { brokerName } = target
  const queue = { topic, brokerName, queueId: 1 }
  const producer = await mq.producer({ group: `${topic}_sender` })
  for (const body of numbered('m', 10)) await producer.send({ topic, body }, { queue })
  await producer.send({ topic, body: 'elsewhere' }, { queue: { ...queue, queueId: 0 } })
  const pull = await mq.pullConsumer({ group, assign: [queue], from: 'first' })
  assert.deepEqual(pull.queues(), [queue])
  const read = async (): Promise<string[]> =>
    (await pull.poll({ max: 3 })).map((message) => message.body.toString())
  assert.deepEqual(await read(), ['m-0', 'm-1', 'm-2'])
  assert.equal(pull.position(queue), 3)
  assert.equal(await pull.committed(queue), null)
  await pull.commit()
  assert.equal(await pull.committed(queue), 3)
  await pull.seek(queue, 8)
  assert.deepEqual(await read(), ['m-8', 'm-9'])
  await pull.seek(queue, 'first')
  assert.deepEqual(await read(), ['m-0', 'm-1', 'm-2'])
  await pull.seek(queue, 'last')
  assert.equal(pull.position(queue), 10)
  await producer.send({ topic, body: 'new' }, { queue })
  assert.deepEqual(await read(), ['new'])
}

async function sharedPulls(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(4)
  const pulls = await Promise.all(
    [0, 1].map(
      async () => await context.client().pullConsumer({ group, subscriptions: { [topic]: 'red' } }),
    ),
  )
  await until(() => pulls.every((pull) => pull.queues().length === 2), 'two queues each')
  const producer = await context.mq.producer({ group: `${topic}_sender` })
  for (const body of numbered('m', 20)) await producer.send({ topic, body, tag: 'red' })
  await producer.send({ topic, body: 'blue', tag: 'blue' })
  const got: string[][] = [[], []]
  const limit = Date.now() + WAIT_LIMIT_MS
  while (got.flat().length < 20 && Date.now() < limit) {
    for (const [index, pull] of pulls.entries()) {
      const page = await pull.poll({ max: 50, timeoutMs: 200 })
      got[index]?.push(...page.map((message) => message.body.toString()))
    }
  }
  assert.deepEqual(got.flat().toSorted(), numbered('m', 20).toSorted())
  assert.deepEqual([got[0]?.length, got[1]?.length], [10, 10])
}

export const explicit: readonly Behaviour[] = [
  { name: 'for await: acknowledged and later ones', run: forAwait },
  { name: 'for await: what was not acknowledged comes again', run: unacknowledged },
  { name: 'pull: poll, commit, and seek back in time', run: pulled },
  { name: 'pull: one queue, its position, and seek to offsets', run: oneQueue },
  { name: 'pull: members share the queues of a subscription', run: sharedPulls },
  { name: 'pull: an empty queue times out, and wakes when a message comes', run: pollTimesOut },
]
