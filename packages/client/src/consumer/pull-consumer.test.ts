import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ReceivedMessage } from '../api/message.ts'
import type { PullConsumerOptions } from '../api/options.ts'
import { ConsumerWorld, texts } from '../testing/consumer-world.ts'
import type { PullConsumer } from './pull-consumer.ts'
import { startPullConsumer } from './start-pull-consumer.ts'

const SEED = 5500
const QUEUE = { topic: 'T', brokerName: 'broker-1', queueId: 0 }

async function worldOf(seed: number, queues = 1): Promise<ConsumerWorld> {
  const world = new ConsumerWorld(seed)
  await world.start()
  await world.makeTopic('T', queues)
  return world
}

function consumerOf(
  world: ConsumerWorld,
  number: number,
  options: Partial<PullConsumerOptions>,
): Promise<PullConsumer> {
  const all = { group: 'G', from: 'first', ...options } as const
  return world.settle(startPullConsumer(world.client(number), all))
}

function bodies(page: readonly ReceivedMessage[]): string[] {
  return page.map((message) => message.body.toString())
}

async function pollAll(world: ConsumerWorld, consumer: PullConsumer, count: number) {
  const all: string[] = []
  while (all.length < count) {
    const page = await world.settle(consumer.poll({ max: count - all.length }))
    assert.ok(page.length > 0, `${all.length} of ${count} came`)
    all.push(...bodies(page))
  }
  return all
}

test('an assigned queue is polled, sought and committed', async () => {
  const world = await worldOf(SEED)
  await world.send('T', texts(10))
  await world.pass(1_000)
  const middleMs = world.world.clock.wallMs()
  await world.pass(1_000)
  await world.send('T', texts(10, 'n'))
  const consumer = await consumerOf(world, 1, { assign: [QUEUE] })
  assert.deepEqual(await pollAll(world, consumer, 15), [...texts(10), ...texts(5, 'n')])
  assert.equal(consumer.position(QUEUE), 15)
  assert.equal(await world.settle(consumer.committed(QUEUE)), null)
  await world.settle(consumer.commit())
  assert.equal(await world.settle(consumer.committed(QUEUE)), 15)
  await world.settle(consumer.seek({ timestamp: middleMs }))
  assert.deepEqual(await pollAll(world, consumer, 10), texts(10, 'n'))
  await world.settle(consumer.seek(QUEUE, 3))
  assert.deepEqual(await pollAll(world, consumer, 2), ['m-3', 'm-4'])
  assert.equal(consumer.position(QUEUE), 5)
  await world.settle(consumer.seek('last'))
  assert.deepEqual(await world.settle(consumer.poll({ timeoutMs: 100 })), [])
  await world.settle(consumer.seek('first'))
  assert.deepEqual(await pollAll(world, consumer, 1), ['m-0'])
  await world.settle(consumer.close())
  // What was not committed by its owner is not committed by the end.
  assert.equal(await world.storedOffset('G', 'T'), 15)
  await assert.rejects(consumer.poll(), hasCode(ErrorCode.CLOSED))
})

test('a poll ends with its time, its signal, or the first message', async () => {
  const world = await worldOf(SEED + 1)
  const consumer = await consumerOf(world, 1, { assign: ['T'] })
  const startMs = world.world.clock.monotonicMs()
  assert.deepEqual(await world.settle(consumer.poll({ timeoutMs: 700 })), [])
  assert.ok(Math.abs(world.world.clock.monotonicMs() - startMs - 700) < 50)
  const stop = new AbortController()
  const aborted = assert.rejects(consumer.poll({ signal: stop.signal }), hasCode(ErrorCode.ABORTED))
  stop.abort()
  await world.settle(aborted)
  const page = consumer.poll({ timeoutMs: 20_000 })
  await world.pass(1_000)
  await world.send('T', ['now'])
  const sentMs = world.world.clock.monotonicMs()
  assert.deepEqual(bodies(await world.settle(page)), ['now'])
  assert.ok(world.world.clock.monotonicMs() - sentMs < 100)
  consumer.pause()
  await world.send('T', ['paused'])
  assert.deepEqual(await world.settle(consumer.poll({ timeoutMs: 500 })), [])
  consumer.resume()
  assert.deepEqual(bodies(await world.settle(consumer.poll())), ['paused'])
})

test('subscribed queues are shared, and positions are committed by themselves', async () => {
  const world = await worldOf(SEED + 2, 2)
  for (const queueId of [0, 1]) await world.send('T', texts(5, `q${queueId}`), { queueId })
  const options = { subscriptions: { T: '*' }, autoCommitIntervalMs: 1_000 }
  const first = await consumerOf(world, 1, options)
  assert.equal((await pollAll(world, first, 10)).length, 10)
  await world.pass(1_500)
  assert.equal(await world.storedOffset('G', 'T', 0), 5)
  const second = await consumerOf(world, 2, options)
  await world.until(() => first.queues().length === 1 && second.queues().length === 1)
  await world.send('T', ['x'], { queueId: 0 })
  await world.send('T', ['y'], { queueId: 1 })
  const got = [...(await pollAll(world, first, 1)), ...(await pollAll(world, second, 1))]
  assert.deepEqual(got.sort(), ['x', 'y'])
  await world.settle(Promise.all([first.close(), second.close()]))
  assert.equal(await world.storedOffset('G', 'T', 0), 6)
  assert.equal(await world.storedOffset('G', 'T', 1), 6)
})

test('a pull consumer needs either queues or subscriptions', async () => {
  const world = await worldOf(SEED + 3)
  const client = world.client(1)
  const rejected = hasCode(ErrorCode.INVALID_ARGUMENT)
  await assert.rejects(startPullConsumer(client, { group: 'G' }), rejected)
  await assert.rejects(
    startPullConsumer(client, { group: 'G', assign: ['T'], subscriptions: { T: '*' } }),
    rejected,
  )
  const unknown = startPullConsumer(client, { group: 'G', assign: ['Nowhere'] })
  await assert.rejects(world.settle(unknown), hasCode(ErrorCode.TOPIC_NOT_FOUND))
})

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof RocketMQError && error.code === code
}
