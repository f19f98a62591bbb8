// Consumers that are asked: for await, and pull.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Behaviour, type BehaviourContext, deliveryOf, numbered } from './scenario.ts'

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
    prepare: (pull: Awaited<ReturnType<typeof context.mq.pullConsumer>>) => Promise<void>,
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
  const back = async (pull: Awaited<ReturnType<typeof context.mq.pullConsumer>>): Promise<void> =>
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

export const explicit: readonly Behaviour[] = [
  { name: 'for await: acknowledged and later ones', run: forAwait },
  { name: 'for await: what was not acknowledged comes again', run: unacknowledged },
  { name: 'pull: poll, commit, and seek back in time', run: pulled },
  { name: 'pull: an empty queue times out, and wakes when a message comes', run: pollTimesOut },
]
