// What consumers with handlers get.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql, tags } from '@apogee/client'
import { type Behaviour, type BehaviourContext, Inbox, numbered, owning } from './scenario.ts'

async function concurrent(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(4)
  const inbox = new Inbox()
  let running = 0
  let most = 0
  const consumer = await mq.consumer({
    group,
    subscriptions: { [topic]: '*' },
    from: 'first',
    concurrency: 5,
  })
  await consumer.run(async (message) => {
    most = Math.max(most, ++running)
    await sleep(10)
    running--
    inbox.take(message)
  })
  await context.send(...numbered('m', 100))
  await inbox.exactly(100)
  assert.deepEqual(inbox.bodies.toSorted(), numbered('m', 100).toSorted())
  assert.ok(most > 1 && most <= 5, `${most} handlers at once`)
}

async function batches(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  await context.send(...numbered('m', 40))
  const sizes: number[] = []
  const consumed: string[] = []
  const deliveries: string[] = []
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.runBatch({ max: 8 }, (batch) => {
    sizes.push(batch.messages.length)
    const bodies = batch.messages.map(({ body }) => body.toString())
    deliveries.push(...bodies)
    const isFirstTime = batch.messages.every(({ reconsumeTimes }) => reconsumeTimes === 0)
    // The second half of every batch fails, once.
    const until = isFirstTime ? Math.ceil(bodies.length / 2) - 1 : bodies.length - 1
    batch.ackUpTo(until)
    consumed.push(...bodies.slice(0, until + 1))
  })
  const inbox = {
    get length() {
      return consumed.length
    },
  }
  const limit = Date.now() + 20_000
  while (inbox.length < 40 && Date.now() < limit) await sleep(20)
  await sleep(500)
  assert.deepEqual(consumed.toSorted(), numbered('m', 40).toSorted())
  assert.ok(Math.max(...sizes) > 1 && Math.max(...sizes) <= 8, `batches of ${sizes.join()}`)
  assert.ok(deliveries.length > 40, 'the rest of a batch comes again')
}

async function tagged(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(2)
  const producer = await mq.producer({ group })
  // AaAa and BBBB have one Java hash: the broker lets both pass, the client must not.
  for (const tag of ['red', 'blue', 'green', 'AaAa', 'BBBB']) {
    for (const body of numbered(tag, 3)) await producer.send({ topic, body, tag })
  }
  await producer.send({ topic, body: 'untagged' })
  const rows: [string | ReturnType<typeof tags>, string[]][] = [
    [tags('red', 'green'), [...numbered('red', 3), ...numbered('green', 3)]],
    ['blue || AaAa', [...numbered('blue', 3), ...numbered('AaAa', 3)]],
    [tags('grey'), []],
  ]
  for (const [index, [subscription, wanted]] of rows.entries()) {
    const inbox = new Inbox()
    const consumer = await mq.consumer({
      group: `${group}_${index}`,
      subscriptions: { [topic]: subscription },
      from: 'first',
    })
    await consumer.run(inbox.take)
    await inbox.exactly(wanted.length, 1200)
    assert.deepEqual(inbox.bodies.toSorted(), wanted.toSorted())
    await consumer.close()
  }
}

async function sql92(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(2)
  const producer = await mq.producer({ group })
  for (const colour of ['red', "o'blue"]) {
    for (const body of numbered(colour, 10)) {
      const properties = { colour, number: body.slice(body.lastIndexOf('-') + 1) }
      await producer.send({ topic, body, properties, tag: 'x' })
    }
  }
  for (const body of numbered('bare', 3)) await producer.send({ topic, body })
  const rows: [ReturnType<typeof sql>, string[]][] = [
    [sql`colour = ${'red'} AND number BETWEEN ${3} AND ${5}`, ['red-3', 'red-4', 'red-5']],
    [sql`colour = ${"o'blue"} AND number > 8`, ["o'blue-9"]],
    [sql`colour IS NULL`, numbered('bare', 3)],
    [sql`TAGS = 'x' AND NOT (number < 9)`, ['red-9', "o'blue-9"]],
  ]
  for (const [index, [subscription, wanted]] of rows.entries()) {
    const inbox = new Inbox()
    const consumer = await mq.consumer({
      group: `${group}_${index}`,
      subscriptions: { [topic]: subscription },
      from: 'first',
    })
    await consumer.run(inbox.take)
    await inbox.exactly(wanted.length)
    assert.deepEqual(inbox.bodies.toSorted(), wanted.toSorted())
    await consumer.close()
  }
}

async function startingPoints(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  await context.send(...numbered('old', 3))
  await sleep(1100)
  const between = Date.now()
  await sleep(100)
  await context.send(...numbered('new', 3))
  const rows = [
    ['first', [...numbered('old', 3), ...numbered('new', 3), 'later']],
    [{ timestamp: between }, [...numbered('new', 3), 'later']],
    [{ timestamp: new Date(between) }, [...numbered('new', 3), 'later']],
    // Brokers say that a group has consumed nothing yet of a queue that is young, so that the first members of a group
    // miss nothing.
    ['last', [...numbered('old', 3), ...numbered('new', 3), 'later']],
  ] as const
  const inboxes: Inbox[] = []
  for (const [index, [from]] of rows.entries()) {
    const inbox = new Inbox()
    inboxes.push(inbox)
    const subscriptions = { [topic]: '*' }
    const consumer = await mq.consumer({ group: `${group}_${index}`, subscriptions, from })
    await consumer.run(inbox.take)
    await owning(consumer, 1)
  }
  // A queue's start is looked up before it counts as owned; one more look for the reader to be at the end.
  await sleep(700)
  await context.send('later')
  for (const [index, [from, wanted]] of rows.entries()) {
    await inboxes[index]?.exactly(wanted.length)
    assert.deepEqual(inboxes[index]?.bodies, wanted, JSON.stringify(from))
  }
}

async function goesOn(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(2)
  for (const round of ['one', 'two', 'three']) {
    await context.send(...numbered(round, 10))
    const inbox = new Inbox()
    const mq = context.client()
    const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
    const startedMs = Date.now()
    await consumer.run(inbox.take)
    assert.ok(Date.now() - startedMs < 5000, `run took ${Date.now() - startedMs} ms`)
    await inbox.exactly(10)
    assert.deepEqual(inbox.bodies.toSorted(), numbered(round, 10).toSorted())
    await mq.close()
  }
}

async function shared(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(4)
  const inboxes = [new Inbox(), new Inbox()]
  const consumers = await Promise.all(
    inboxes.map(async (inbox) => {
      const mq = context.client()
      const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
      await consumer.run(inbox.take)
      return consumer
    }),
  )
  for (const consumer of consumers) await owning(consumer, 2)
  await context.send(...numbered('m', 40))
  for (const inbox of inboxes) await inbox.exactly(20)
  const all = inboxes.flatMap((inbox) => inbox.bodies)
  assert.deepEqual(all.toSorted(), numbered('m', 40).toSorted())
  // One leaves: the other gets its queues without waiting for an interval.
  const leftMs = Date.now()
  await consumers[0]?.close()
  await owning(consumers[1]!, 4)
  assert.ok(Date.now() - leftMs < 10_000, `${Date.now() - leftMs} ms without an owner`)
}

async function severalTopics(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  const other = `${topic}_other`
  await context.createTopic(1)
  await context.createTopic(1, other)
  const inbox = new Inbox()
  const subscriptions = { [topic]: '*', [other]: tags('red') }
  const consumer = await mq.consumer({ group, subscriptions, from: 'first' })
  await consumer.run(inbox.take)
  const producer = await mq.producer({ group })
  await producer.send({ topic, body: 'one' })
  await producer.send({ topic: other, body: 'two', tag: 'red' })
  await producer.send({ topic: other, body: 'three', tag: 'blue' })
  await inbox.exactly(2)
  const got = inbox.messages.map(({ topic, body }) => `${topic} ${body.toString()}`)
  assert.deepEqual(got.toSorted(), [`${topic} one`, `${other} two`])
}

export const consumption: readonly Behaviour[] = [
  { name: 'handlers at once, each message once', run: concurrent },
  { name: 'batches, of which a part is acknowledged', run: batches },
  { name: 'subscriptions by tag, also where hashes meet', run: tagged },
  { name: 'subscriptions by SQL92', run: sql92 },
  { name: 'a new group begins first, last or at a time', run: startingPoints },
  { name: 'a group goes on where it stopped', run: goesOn },
  { name: 'two members share the queues; one that leaves hands them over', run: shared },
  { name: 'two topics in one consumer', run: severalTopics },
]
