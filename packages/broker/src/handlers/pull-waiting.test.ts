import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { encodeHeader, PullMessageRequestHeader, RequestCode, ResponseCode } from '@apogee/protocol'
import type { RemotingClient, Response } from '@apogee/remoting'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { BrokerWorld } from '../testing/broker-world.ts'
import {
  type PullHeader,
  properties,
  pullHeader,
  pullWith,
  sendWith,
  textsOf,
} from '../testing/requests.ts'

// Pulls that wait for a message.
const WAIT = 4 | 2

async function setUp(
  seed: number,
  values: Partial<BrokerConfigValues> = {},
): Promise<{ world: BrokerWorld; consumer: RemotingClient; producer: RemotingClient }> {
  const world = new BrokerWorld(seed, values)
  await world.start()
  const [producer, consumer] = [world.client('10.0.0.2', 1), world.client('10.0.0.3', 0)]
  await sendWith(world, producer, {}, 'first')
  return { world, consumer, producer }
}

/** Waits behind the first message. */
const wait = (
  world: BrokerWorld,
  client: RemotingClient,
  header: Partial<PullHeader> = {},
): Promise<Response> => {
  const waiting = { sysFlag: WAIT, queueOffset: 1, suspendTimeoutMillis: 15_000, ...header }
  return pullWith(world, client, waiting)
}

const parked = (world: BrokerWorld): number => world.broker!.services!.longPolling.size

test('a message wakes who waits for it, at once and whole', async () => {
  const { world, consumer, producer } = await setUp(30_041)
  const waiting = wait(world, consumer)
  await world.pass(2000)
  equal(parked(world), 1)
  const before = world.world.clock.wallMs()
  await sendWith(world, producer, {}, 'second')
  const answer = await waiting
  deepEqual(textsOf(answer), ['second'])
  equal(answer.fields.get('nextBeginOffset'), '2')
  ok(world.world.clock.wallMs() - before < 100)
  equal(parked(world), 0)
  await world.stop()
})

test('only messages that the filter wants wake; others move the consumer on within 5 s', async () => {
  const { world, consumer, producer } = await setUp(30_042)
  const waiting = wait(world, consumer, { subscription: 'A' })
  await world.pass(100)
  await sendWith(world, producer, { properties: properties(['TAGS', 'B']) }, 'b')
  await world.pass(200)
  equal(parked(world), 1)
  const moved = await waiting
  equal(moved.code, ResponseCode.PULL_RETRY_IMMEDIATELY)
  equal(moved.fields.get('nextBeginOffset'), '2')
  const again = wait(world, consumer, { subscription: 'A', queueOffset: 2 })
  await world.pass(100)
  await sendWith(world, producer, { properties: properties(['TAGS', 'A']) }, 'a')
  deepEqual(textsOf(await again), ['a'])
  await world.stop()
})

test('a wait ends when its time is up, not much later', async () => {
  const { world, consumer } = await setUp(30_043)
  const before = world.world.clock.wallMs()
  const answer = await wait(world, consumer, { suspendTimeoutMillis: 3000 })
  const waited = world.world.clock.wallMs() - before
  equal(answer.code, ResponseCode.PULL_NOT_FOUND)
  equal(answer.remark, 'OFFSET_OVERFLOW_ONE')
  ok(waited >= 3000 && waited < 5500, String(waited))
  const { requests } = world.broker!.services!
  const long = [...requests.latencies()].filter(({ isLongPolling }) => isLongPolling)
  equal(long.length, 1)
  ok(long[0]!.histogram.max >= 3000)
  ok(requests.pullTimeMax < 1000)
  await world.stop()
})

test('without long polling the broker waits as long as shortPollingTimeMills says', async () => {
  const { world, consumer } = await setUp(30_044, {
    longPollingEnable: false,
    shortPollingTimeMills: 500,
  })
  const before = world.world.clock.wallMs()
  equal((await wait(world, consumer)).code, ResponseCode.PULL_NOT_FOUND)
  ok(world.world.clock.wallMs() - before < 3000)
  await world.stop()
})

test('who must not wait, or waits for no time, is answered at once', async () => {
  const { world, consumer } = await setUp(30_045)
  for (const header of [
    { sysFlag: 4 },
    { suspendTimeoutMillis: 0 },
    { suspendTimeoutMillis: -5 },
  ]) {
    const before = world.world.clock.wallMs()
    equal((await wait(world, consumer, header)).code, ResponseCode.PULL_NOT_FOUND)
    ok(world.world.clock.wallMs() - before < 100)
  }
  // Where there is something else to say, nobody waits either.
  equal((await wait(world, consumer, { queueOffset: 5 })).code, ResponseCode.PULL_OFFSET_MOVED)
  await world.stop()
})

test('a queue that does not exist yet is waited for as well', async () => {
  const { world, consumer, producer } = await setUp(30_046)
  const waiting = wait(world, consumer, { queueId: 3, queueOffset: 0 })
  await world.pass(500)
  await sendWith(world, producer, { queueId: 3 }, 'new')
  deepEqual(textsOf(await waiting), ['new'])
  await world.stop()
})

test('a lost connection takes its waits with it', async () => {
  const { world, consumer, producer } = await setUp(30_047)
  const waits = [0, 1, 2].map((queueId) =>
    wait(world, consumer, { queueId, queueOffset: queueId === 0 ? 1 : 0 }),
  )
  await world.pass(500)
  equal(parked(world), 3)
  const lost = Promise.allSettled(waits)
  await world.settle(consumer.close())
  await world.pass(100)
  equal(parked(world), 0)
  for (const { status } of await lost) equal(status, 'rejected')
  equal((await sendWith(world, producer, {}, 'second')).code, ResponseCode.SUCCESS)
  await world.stop()
})

test('a broker that stops answers who waits', async () => {
  const { world, consumer } = await setUp(30_048)
  const waiting = wait(world, consumer)
  await world.pass(500)
  await world.stop()
  equal((await waiting).code, ResponseCode.PULL_NOT_FOUND)
})

test('when too many wait the next is told POLLING_FULL, and served when there is room', async () => {
  const { world, consumer, producer } = await setUp(30_049, { parkedPullsPerConnectionMax: 2 })
  const waits = [1, 2].map((queueId) => wait(world, consumer, { queueId, queueOffset: 0 }))
  await world.pass(200)
  const full = await wait(world, consumer)
  equal(full.code, ResponseCode.POLLING_FULL)
  ok(full.remark?.includes('parkedPullsPerConnectionMax'))
  const other = wait(world, producer)
  await world.pass(100)
  equal(parked(world), 3)
  for (const queueId of [0, 1, 2]) await sendWith(world, producer, { queueId }, String(queueId))
  deepEqual((await Promise.all(waits)).map(textsOf), [['1'], ['2']])
  deepEqual(textsOf(await other), ['0'])
  await world.stop()
})

test('one message wakes all groups that wait for it', async () => {
  const { world, consumer, producer } = await setUp(30_050)
  const waits = Array.from({ length: 50 }, (_, i) =>
    wait(world, consumer, { consumerGroup: `g${i}` }),
  )
  await world.pass(300)
  equal(parked(world), 50)
  await sendWith(world, producer, {}, 'for all')
  for (const answer of await Promise.all(waits)) deepEqual(textsOf(answer), ['for all'])
  await world.stop()
})

test('heartbeats are served while many pulls of the connection wait', async () => {
  const { world, consumer } = await setUp(30_051)
  const code = RequestCode.PULL_MESSAGE
  const waits = Array.from({ length: 2000 }, (_, i) => {
    const waiting = { sysFlag: WAIT, queueOffset: 1, suspendTimeoutMillis: 4000 }
    const header = pullHeader({ ...waiting, consumerGroup: `g${i}` })
    const fields = encodeHeader(PullMessageRequestHeader, header)
    return consumer.invoke(world.address, { code, fields }, 40_000)
  })
  await world.pass(500)
  equal(parked(world), 2000)
  equal((await world.heartbeat(consumer, 'c1', 'g', 'orders')).code, ResponseCode.SUCCESS)
  equal((await world.settle(Promise.all(waits))).length, 2000)
  await world.stop()
})

test('a deleted topic ends no wait early, and the broker goes on', async () => {
  const { world, consumer, producer } = await setUp(30_052)
  const waiting = wait(world, consumer, { suspendTimeoutMillis: 3000 })
  await world.pass(200)
  const code = RequestCode.DELETE_TOPIC_IN_BROKER
  await world.call(producer, code, { topic: 'string' } as const, { topic: 'orders' })
  await waiting
  equal(parked(world), 0)
  equal((await sendWith(world, producer, { topic: 'orders' })).code, ResponseCode.SUCCESS)
  await world.stop()
})
