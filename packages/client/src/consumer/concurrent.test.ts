import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { dlqTopicOf } from '@apogee/protocol'
import { RetryLater, Unrecoverable } from '../api/errors.ts'
import { ConsumerWorld, texts } from '../testing/consumer-world.ts'
import { startConsumer } from './start-consumer.ts'

const SEED = 5100

async function worldOf(seed: number, queues: number, brokers = 1): Promise<ConsumerWorld> {
  const world = new ConsumerWorld(seed)
  await world.start(brokers)
  await world.makeTopic('T', queues)
  return world
}

test('every message of every queue is handled once, and the offsets are at the broker after a drain', async () => {
  const world = await worldOf(SEED, 4)
  for (let queueId = 0; queueId < 4; queueId++) {
    await world.send('T', texts(100, `q${queueId}`), { queueId })
  }
  const options = { group: 'G', subscriptions: { T: '*' }, from: 'first' } as const
  const consumer = await world.settle(startConsumer(world.client(1), options))
  const seen: string[] = []
  await world.settle(consumer.run((message) => void seen.push(message.body.toString())))
  await world.until(() => seen.length >= 400)
  assert.equal(new Set(seen).size, 400)
  assert.equal(seen.length, 400)
  assert.equal(consumer.queues().filter(({ topic }) => topic === 'T').length, 4)
  await world.settle(consumer.drain())
  for (let queueId = 0; queueId < 4; queueId++) {
    assert.equal(await world.storedOffset('G', 'T', queueId), 100)
  }
})

test('a message that fails comes again by the ladder of delays, then lies among the dead letters', async () => {
  const world = await worldOf(SEED + 1, 1)
  await world.send('T', ['good', 'bad', 'hopeless', 'later'])
  const client = world.client(1)
  const options = { group: 'G', subscriptions: { T: '*' }, from: 'first', maxRetries: 2 } as const
  const consumer = await world.settle(startConsumer(client, options))
  const tries = new Map<string, number[]>()
  const dead: string[] = []
  void (async () => {
    for await (const status of client.status.iterate()) {
      if (status.type === 'dead-letter') dead.push(status.messageId)
    }
  })()
  await world.settle(
    consumer.run(async (message) => {
      const body = message.body.toString()
      tries.set(body, [...(tries.get(body) ?? []), message.reconsumeTimes])
      assert.equal(message.topic, 'T')
      if (body === 'bad') throw new Error('no')
      if (body === 'hopeless') throw new Unrecoverable('never')
      if (body === 'later' && message.reconsumeTimes === 0) throw new RetryLater({ delayLevel: 1 })
    }),
  )
  await world.until(
    () => tries.get('bad')?.length === 3 && tries.get('later')?.length === 2,
    120_000,
  )
  await world.pass(1_000)
  assert.deepEqual(tries.get('good'), [0])
  assert.deepEqual(tries.get('bad'), [0, 1, 2])
  assert.deepEqual(tries.get('hopeless'), [0])
  assert.deepEqual(tries.get('later'), [0, 1])
  assert.equal(dead.length, 2)
  await world.settle(consumer.close())
  const undertaker = await world.settle(
    startConsumer(world.client(2), {
      group: 'D',
      subscriptions: { [dlqTopicOf('G')]: '*' },
      from: 'first',
    }),
  )
  const buried: string[] = []
  await world.settle(undertaker.run((message) => void buried.push(message.body.toString())))
  await world.until(() => buried.length >= 2)
  assert.deepEqual(buried.sort(), ['bad', 'hopeless'])
  assert.equal(await world.storedOffset('G', 'T'), 4)
})

test('not more handlers run at once than `concurrency` says, over all queues', async () => {
  const world = await worldOf(SEED + 2, 4)
  for (let queueId = 0; queueId < 4; queueId++) {
    await world.send('T', texts(20, `q${queueId}`), { queueId })
  }
  const options = { group: 'G', subscriptions: { T: '*' }, from: 'first', concurrency: 3 } as const
  const consumer = await world.settle(startConsumer(world.client(1), options))
  let running = 0
  let most = 0
  let done = 0
  await world.settle(
    consumer.run(async () => {
      running++
      most = Math.max(most, running)
      await new Promise<void>((resolve) => world.world.clock.after(10, resolve))
      running--
      done++
    }),
  )
  await world.until(() => done === 80)
  assert.equal(most, 3)
  await world.settle(consumer.close())
})

test('what is consumed is traced, and told to whoever listens on the channels', async () => {
  const world = await worldOf(SEED + 3, 1)
  await world.send('T', ['fine', 'fails'])
  const told: string[] = []
  const note = (name: string) => () => void told.push(name)
  subscribe('tracing:rocketmq:process:start', note('process'))
  subscribe('tracing:rocketmq:process:error', note('error'))
  subscribe('tracing:rocketmq:receive:start', note('receive'))
  subscribe('tracing:rocketmq:ack:start', note('ack'))
  const options = { group: 'G', subscriptions: { T: '*' }, from: 'first', trace: true } as const
  const consumer = await world.settle(startConsumer(world.client(1), options))
  let calls = 0
  await world.settle(
    consumer.run(async (message) => {
      calls++
      if (message.body.toString() === 'fails' && message.reconsumeTimes === 0) throw new Error('no')
    }),
  )
  await world.until(() => calls === 3, 60_000)
  await world.settle(consumer.close())
  const count = (name: string): number => told.filter((one) => one === name).length
  assert.deepEqual([count('process'), count('error'), count('ack')], [3, 1, 1])
  assert.ok(count('receive') >= 1)
  const reader = await world.settle(
    startConsumer(world.client(2), {
      group: 'R',
      subscriptions: { RMQ_SYS_TRACE_TOPIC: '*' },
      from: 'first',
    }),
  )
  const bodies: string[] = []
  await world.settle(reader.run((message) => void bodies.push(message.body.toString())))
  const records = (kind: string): number => bodies.join('').split(kind).length - 1
  await world.until(() => records('SubAfter') === 3, 60_000)
  assert.equal(records('SubBefore'), 3)
})
