import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import type { Clock } from '@apogee/env'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import { brokerHost, clientHost } from '../testing/client-world.ts'
import { ConsumerWorld, TestLog, texts } from '../testing/consumer-world.ts'
import type { Consumer } from './consumer.ts'
import { startConsumer } from './start-consumer.ts'

const SEED = 5700
const OPTIONS = { group: 'G', subscriptions: { T: '*' }, from: 'first' } as const

async function worldOf(seed: number, brokers = 1): Promise<ConsumerWorld> {
  const world = new ConsumerWorld(seed)
  await world.start(brokers)
  await world.makeTopic('T', 1)
  return world
}

function sleep(world: ConsumerWorld, ms: number): Promise<void> {
  return new Promise((resolve) => world.world.clock.after(ms, resolve))
}

test('a member that is cut off stops handling an ordered queue before another member may begin', async () => {
  const world = await worldOf(SEED)
  await world.send('T', texts(200))
  const handled: { member: number; atMs: number; body: string }[] = []
  const join = async (member: number): Promise<Consumer> => {
    const consumer = await world.settle(startConsumer(world.client(member), OPTIONS))
    await world.settle(
      consumer.runOrdered(async (message) => {
        const atMs = world.world.clock.monotonicMs()
        handled.push({ member, atMs, body: message.body.toString() })
        await sleep(world, 500)
      }),
    )
    return consumer
  }
  await join(1)
  await world.pass(5_000)
  const cutMs = world.world.clock.monotonicMs()
  world.world.network.partition([clientHost(1)], [brokerHost(1), '10.0.1.1'])
  await join(2)
  await world.until(() => handled.some(({ member }) => member === 2), 200_000)
  const lastOfFirst = handled.filter(({ member }) => member === 1).at(-1)!
  const firstOfSecond = handled.find(({ member }) => member === 2)!
  assert.ok(lastOfFirst.atMs > cutMs + 5_000, 'it had enough to do')
  assert.ok(lastOfFirst.atMs <= cutMs + 30_000, 'its lock is not trusted for longer')
  assert.ok(firstOfSecond.atMs > lastOfFirst.atMs + 500, 'never two at a time')
  // When the first is back it gets the queue again, and does not handle anew what waited in its memory.
  await world.until(() => handled.filter(({ member }) => member === 2).length > 40, 60_000)
  world.world.network.heal()
  for (let i = 0; i < 10; i++) {
    await world.pass(1_000)
    const stored = await world.storedOffset('G', 'T')
    const last = handled.filter(({ member }) => member === 2).at(-1)!
    const reached = texts(200).indexOf(last.body)
    const isStillSeconds = handled.at(-1)!.member === 2
    if (isStillSeconds) assert.ok(stored! <= reached + 1, `${stored} is stored, ${reached} reached`)
  }
  await world.until(() => handled.at(-1)!.body === 'm-199', 300_000)
  const since = handled.slice(handled.indexOf(firstOfSecond)).map(({ body }) => body)
  const start = texts(200).indexOf(since[0]!)
  assert.deepEqual(since, texts(200).slice(start))
  assert.ok(handled.at(-1)!.member === 1, 'the first by name has the only queue')
})

test('a failed message whose broker is gone goes to the retry topic at another one', async () => {
  const world = await worldOf(SEED + 1, 2)
  await world.send('T', ['fails'], { broker: 1 })
  const log = new TestLog()
  const consumer = await world.settle(startConsumer(world.client(1, { logger: log }), OPTIONS))
  const seen: string[] = []
  await world.settle(
    consumer.run(async (message) => {
      seen.push(`${message.queue.brokerName} ${message.reconsumeTimes} ${message.topic}`)
      if (message.reconsumeTimes > 0) return
      world.brokerMachine(1).kill()
      await sleep(world, 100)
      throw new Error('no')
    }),
  )
  await world.until(() => seen.length === 2, 60_000)
  assert.deepEqual(seen, ['broker-1 0 T', 'broker-2 1 T'])
  assert.equal(log.count('send_back_failed'), 1)
})

test('a failed message that no broker takes is handled here again, and holds its offset', async () => {
  const world = await worldOf(SEED + 2)
  await world.send('T', ['fails', 'good'])
  const log = new TestLog()
  const consumer = await world.settle(startConsumer(world.client(1, { logger: log }), OPTIONS))
  const seen: string[] = []
  await world.settle(
    consumer.run(async (message) => {
      seen.push(message.body.toString())
      if (message.body.toString() !== 'fails' || seen.length > 2) return
      world.brokerMachine(1).kill()
      await sleep(world, 100)
      throw new Error('no')
    }),
  )
  await world.until(() => seen.length === 3, 60_000)
  assert.deepEqual(seen, ['fails', 'good', 'fails'])
  assert.equal(log.count('message_kept'), 1)
  await world.startBroker(1)
  await world.pass(5_000)
  await world.settle(consumer.close())
  assert.equal(await world.storedOffset('G', 'T'), 2)
})

test('a drain that runs out of time aborts its handlers and sends their messages back', async () => {
  const world = await worldOf(SEED + 3)
  await world.send('T', texts(5))
  const options = { ...OPTIONS, drainTimeoutMs: 2_000 }
  const consumer = await world.settle(startConsumer(world.client(1), options))
  const done: string[] = []
  let reason: unknown = null
  await world.settle(
    consumer.run(async (message, { signal }) => {
      if (message.body.toString() === 'm-1') {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        reason = signal.reason
        throw new Error('too late to count')
      }
      done.push(message.body.toString())
    }),
  )
  await world.until(() => done.length === 4)
  const startMs = world.world.clock.monotonicMs()
  await world.settle(consumer.drain())
  assert.ok(world.world.clock.monotonicMs() - startMs < 2_500)
  assert.ok(reason instanceof RocketMQError && reason.code === ErrorCode.CLOSED)
  assert.equal(await world.storedOffset('G', 'T'), 5)
  const next = await world.settle(startConsumer(world.client(2), OPTIONS))
  const again: string[] = []
  await world.settle(next.run((message) => void again.push(message.body.toString())))
  await world.until(() => again.length === 1, 60_000)
  await world.pass(2_000)
  assert.deepEqual(again, ['m-1'])
})

test('a broker that left its route and comes back has its queues read on, not again', async () => {
  const world = await worldOf(SEED + 4, 2)
  await world.send('T', texts(10), { broker: 2 })
  const consumer = await world.settle(startConsumer(world.client(1), OPTIONS))
  const seen: string[] = []
  await world.settle(consumer.run((message) => void seen.push(message.body.toString())))
  await world.until(() => seen.length === 10)
  // Killed before it could write the offsets: only the consumer knows them.
  world.brokerMachine(2).kill()
  const ofBroker2 = () => consumer.queues().filter(({ brokerName }) => brokerName === 'broker-2')
  await world.until(() => ofBroker2().length === 0, 300_000)
  await world.startBroker(2)
  await world.until(() => ofBroker2().length >= 1, 120_000)
  await world.send('T', ['new'], { broker: 2 })
  await world.until(() => seen.includes('new'), 60_000)
  assert.deepEqual(seen, [...texts(10), 'new'])
})

test('hours of traffic with restarts lose nothing, timers do not grow, and none is left at the end', async () => {
  const seed = SEED + 5
  const random = new Prng(seed)
  const world = await worldOf(seed)
  const timers = new CountedTimers()
  const env = world.clientEnv(1)
  const client = world.clientIn({ ...env, clock: timers.count(env.clock) }, 1)
  const consumer = await world.settle(startConsumer(client, OPTIONS))
  const seen = new Set<string>()
  await world.settle(consumer.run((message) => void seen.add(message.body.toString())))
  await world.pass(30_000)
  const quiet = timers.active
  for (let round = 0; round < 20; round++) {
    await world.send('T', texts(5, `r${round}`))
    await world.pass(random.below(60_000))
    world.brokerMachine(1).kill()
    await world.pass(random.below(5_000))
    await world.startBroker(1)
    await world.pass(5_000)
  }
  await world.until(() => seen.size === 100, 60_000)
  await world.pass(30_000)
  assert.ok(timers.active <= quiet + 2, `seed ${seed}: ${quiet} timers became ${timers.active}`)
  await world.settle(consumer.close())
  await world.settle(client.close())
  await world.pass(60_000)
  assert.equal(timers.active, 0, `seed ${seed}: timers are left`)
})

test('a broker that hangs keeps the queues of the other waiting neither at the start nor later', async () => {
  for (const isOrdered of [false, true]) {
    const world = await worldOf(SEED + 6, 2)
    await world.send('T', ['m'], { broker: 1 })
    const client = world.client(1)
    const consumer = await world.settle(startConsumer(client, OPTIONS))
    world.brokerMachine(2).pause()
    const startMs = world.world.clock.monotonicMs()
    const seen: number[] = []
    const handler = (): void => void seen.push(world.world.clock.monotonicMs())
    void (isOrdered ? consumer.runOrdered(handler) : consumer.run(handler))
    await world.until(() => seen.length === 1, 20_000)
    // The broker that is asked for the members is drawn: when it is the one that hangs, its time-out is 3 s.
    assert.ok(seen[0]! - startMs < 4_500, `first message after ${seen[0]! - startMs} ms`)
    for (let i = 0; i < 10; i++) {
      await world.send('T', [`live-${i}`], { broker: 1 })
      const sentMs = world.world.clock.monotonicMs()
      await world.until(() => seen.length === 2 + i, 1_000)
      assert.ok(seen.at(-1)! - sentMs < 300)
      await world.pass(2_000)
    }
  }
})

/** Counts timers that have neither run nor been cancelled. */
class CountedTimers {
  active = 0

  count(clock: Clock): Clock {
    return {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      soon: (task) => clock.soon(task),
      endOfEvent: (task) => clock.endOfEvent(task),
      after: (delayMs, task) => {
        this.active++
        let isOver = false
        const end = (): void => {
          if (!isOver) this.active--
          isOver = true
        }
        const timer = clock.after(delayMs, () => {
          end()
          task()
        })
        return {
          cancel: () => {
            end()
            timer.cancel()
          },
        }
      },
    }
  }
}
