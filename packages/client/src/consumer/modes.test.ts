import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonMap } from '@apogee/protocol'
import type { AckableMessage } from '../api/consume.ts'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ConsumerOptions } from '../api/options.ts'
import { ConsumerWorld, TestLog, texts } from '../testing/consumer-world.ts'
import type { Consumer } from './consumer.ts'
import { startConsumer } from './start-consumer.ts'

const SEED = 5400

async function worldOf(seed: number, queues = 1): Promise<ConsumerWorld> {
  const world = new ConsumerWorld(seed)
  await world.start()
  await world.makeTopic('T', queues)
  return world
}

function consumerOf(
  world: ConsumerWorld,
  number: number,
  options: Partial<ConsumerOptions> = {},
  log = new TestLog(),
): Promise<Consumer> {
  const client = world.client(number, { logger: log })
  const all = { group: 'G', subscriptions: { T: '*' }, from: 'first', ...options } as const
  return world.settle(startConsumer(client, all))
}

test('`for await` gives messages one by one; what is not acknowledged comes again to the next member', async () => {
  const world = await worldOf(SEED)
  await world.send('T', texts(10))
  const first = await consumerOf(world, 1)
  const taken: AckableMessage[] = []
  const loop = (async () => {
    for await (const message of first.messages()) {
      taken.push(message)
      // The sixth is forgotten; two acknowledgements of one message are one.
      if (taken.length !== 6) await Promise.all([message.ack(), message.ack()])
      if (taken.length === 8) break
    }
  })()
  await world.settle(loop)
  await world.settle(first.close())
  assert.deepEqual(
    taken.map((message) => message.body.toString()),
    texts(8),
  )
  assert.equal(await world.storedOffset('G', 'T'), 5)
  await assert.rejects(taken[5]!.ack(), hasCode(ErrorCode.QUEUE_LOST))
  const second = await consumerOf(world, 2)
  const again: string[] = []
  await world.settle(second.run((message) => void again.push(message.body.toString())))
  await world.until(() => again.length === 5)
  assert.deepEqual(again, texts(10).slice(5))
})

test('`retryLater` hands a message back, and the loop ends with its signal', async () => {
  const world = await worldOf(SEED + 1)
  await world.send('T', ['once'])
  const consumer = await consumerOf(world, 1)
  const stop = new AbortController()
  const times: number[] = []
  const loop = (async () => {
    for await (const message of consumer.messages({ signal: stop.signal })) {
      times.push(message.reconsumeTimes)
      if (message.reconsumeTimes === 0) await message.retryLater({ delayLevel: 1 })
      else await message.ack()
    }
  })()
  await world.until(() => times.length === 2)
  stop.abort()
  await world.settle(loop)
  assert.deepEqual(times, [0, 1])
  await world.settle(consumer.close())
  assert.equal(await world.storedOffset('G', 'T'), 1)
})

test('a consumer has one way to give its messages, and none after it closed', async () => {
  const world = await worldOf(SEED + 2)
  const consumer = await consumerOf(world, 1)
  await world.settle(consumer.run(() => undefined))
  await assert.rejects(
    consumer.run(() => undefined),
    hasCode(ErrorCode.INVALID_ARGUMENT),
  )
  assert.throws(() => consumer.messages(), hasCode(ErrorCode.INVALID_ARGUMENT))
  await world.settle(consumer.close())
  await assert.rejects(
    consumer.run(() => undefined),
    hasCode(ErrorCode.CLOSED),
  )
})

test('a batch is acknowledged as far as its handler says, the rest comes again', async () => {
  const world = await worldOf(SEED + 3)
  await world.send('T', texts(10))
  const consumer = await consumerOf(world, 1)
  const calls: string[][] = []
  await world.settle(
    consumer.runBatch({ max: 10 }, (batch) => {
      const bodies = batch.messages.map((message) => message.body.toString())
      calls.push(bodies)
      if (bodies.includes('m-7') && batch.messages.every((one) => one.reconsumeTimes === 0)) {
        batch.ackUpTo(bodies.indexOf('m-7') - 1)
        throw new Error('no further')
      }
    }),
  )
  const handled = (): number => new Set(calls.flat()).size
  await world.until(() => handled() === 10 && calls.flat().length >= 13, 60_000)
  const count = (body: string): number => calls.flat().filter((one) => one === body).length
  for (const body of texts(7)) assert.equal(count(body), 1, body)
  for (const body of ['m-7', 'm-8', 'm-9']) assert.equal(count(body), 2, body)
})

test('a handler past its time hears of it, its message is sent back, its place is free', async () => {
  const world = await worldOf(SEED + 4)
  await world.send('T', ['stuck', 'next'])
  const consumer = await consumerOf(world, 1, { concurrency: 1, consumeTimeoutMs: 5_000 })
  const seen: string[] = []
  let reason: unknown = null
  await world.settle(
    consumer.run((message, { signal }) => {
      const body = message.body.toString()
      seen.push(`${body}-${message.reconsumeTimes}`)
      if (body !== 'stuck' || message.reconsumeTimes > 0) return undefined
      signal.addEventListener('abort', () => {
        reason = signal.reason
      })
      return new Promise(() => undefined)
    }),
  )
  await world.until(() => seen.includes('next-0'), 10_000)
  assert.ok(reason instanceof RocketMQError && reason.code === ErrorCode.TIMEOUT)
  await world.until(() => seen.includes('stuck-1'), 30_000)
  await world.settle(consumer.close())
  assert.equal(await world.storedOffset('G', 'T'), 2)
})

test('not more than the prefetch allows waits in memory', async () => {
  const world = await worldOf(SEED + 5)
  await world.send('T', texts(400))
  const prefetch = { messages: 50, bytes: 1_000_000, span: 2_000 }
  const client = world.client(1)
  const options = { group: 'G', subscriptions: { T: '*' }, from: 'first' } as const
  const consumer = await world.settle(
    startConsumer(client, { ...options, concurrency: 1, prefetch, pullBatchSize: 16 }),
  )
  const release: (() => void)[] = []
  let handled = 0
  await world.settle(
    consumer.run(async () => {
      await new Promise<void>((resolve) => release.push(resolve))
      handled++
    }),
  )
  await world.pass(2_000)
  const cached = (): number => {
    const table = client.members.consumers.get('G')!.runningInfo().get('mqTable') as JsonMap
    const counts = table.pairs.map(({ value }) => (value as JsonMap).get('cachedMsgCount'))
    return counts.reduce<number>((sum, count) => sum + Number(count), 0)
  }
  assert.ok(cached() > 50 && cached() <= 50 + 16, `${cached()} wait`)
  let most = 0
  while (handled < 400) {
    release.shift()?.()
    await world.pass(1)
    most = Math.max(most, cached())
  }
  assert.ok(most <= 50 + 16, `${most} waited`)
  await world.settle(consumer.close())
})

test('an offset that a tool resets is where reading goes on', async () => {
  const world = await worldOf(SEED + 6)
  await world.send('T', texts(20))
  const client = world.client(1)
  const consumer = await world.settle(
    startConsumer(client, { group: 'G', subscriptions: { T: '*' }, from: 'first' }),
  )
  const seen: string[] = []
  await world.settle(consumer.run((message) => void seen.push(message.body.toString())))
  await world.until(() => seen.length === 20)
  const queue = { topic: 'T', brokerName: 'broker-1', queueId: 0 }
  const member = client.members.consumers.get('G')!
  member.resetOffsets('T', [[queue, 5]])
  await world.until(() => seen.length === 35, 10_000)
  assert.deepEqual(seen.slice(20), texts(20).slice(5))
  assert.deepEqual(member.consumerStatus('T'), [[queue, 20]])
  await world.settle(consumer.close())
  assert.equal(await world.storedOffset('G', 'T'), 20)
})

test('broadcasting members each get everything, and go on from their own files', async () => {
  const world = await worldOf(SEED + 7)
  await world.send('T', texts(5))
  const options = { model: 'broadcasting', offsetStore: '/offsets' } as const
  const seen: string[][] = [[], [], []]
  const start = async (index: number): Promise<Consumer> => {
    const client = world.client(1, { instanceName: 'one' })
    const consumer = await world.settle(
      startConsumer(client, {
        group: 'B',
        subscriptions: { T: '*' },
        from: 'first',
        ...options,
      }),
    )
    await world.settle(
      consumer.run((message) => {
        seen[index]!.push(message.body.toString())
        if (message.body.toString() === 'm-3') throw new Error('dropped')
      }),
    )
    return consumer
  }
  const first = await start(0)
  const other = await consumerOf(world, 2, options)
  const others: string[] = []
  await world.settle(other.run((message) => void others.push(message.body.toString())))
  await world.until(() => seen[0]!.length === 5 && others.length === 5)
  await world.settle(first.close())
  await world.send('T', texts(5, 'n'))
  await start(1)
  await world.until(() => seen[1]!.length === 5)
  await world.pass(1_000)
  assert.deepEqual(seen[1], texts(5, 'n'))
})

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof RocketMQError && error.code === code
}

test('a message at hand when its queue goes to another member may still be acknowledged for a moment', async () => {
  const world = await worldOf(SEED + 8, 2)
  await world.send('T', ['mine'], { queueId: 1 })
  const first = await consumerOf(world, 1)
  const taken: AckableMessage[] = []
  void (async () => {
    for await (const message of first.messages()) taken.push(message)
  })()
  await world.until(() => taken.length === 1)
  await world.pass(2_000)
  const second = await consumerOf(world, 2)
  const again: string[] = []
  void second.run((message) => void again.push(message.body.toString()))
  const owned = (): number => first.queues().filter(({ topic }) => topic === 'T').length
  await world.until(() => owned() === 1)
  await world.settle(taken[0]!.ack())
  await world.pass(5_000)
  assert.equal(await world.storedOffset('G', 'T', 1), 1)
  await world.settle(first.close())
  await world.settle(second.close())
})
