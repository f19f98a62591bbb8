// Several masters: what a sender sees when one of them dies, hangs, leaves and comes back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeHeader, PutKVConfigRequestHeader, RequestCode } from '@apogee/protocol'
import { ErrorCode, type RocketMQError } from '../api/errors.ts'
import type { SendResult } from '../api/message.ts'
import { type ClientWorld, clientHost, nameServerHost } from '../testing/client-world.ts'
import { hasCode, startedProducer } from '../testing/started-producer.ts'
import type { Producer } from './producer.ts'

const SEED = 66_210

/** `count` loops that send one message after the other; the times at which one was stored. */
function load(
  world: ClientWorld,
  producer: Producer,
  count: number,
): { stop: () => Promise<void>; storedMs: number[]; failures: unknown[] } {
  const storedMs: number[] = []
  const failures: unknown[] = []
  let isSending = true
  const loop = async (): Promise<void> => {
    while (isSending) {
      try {
        await producer.send({ topic: 'T', body: 'x' })
        storedMs.push(world.world.clock.monotonicMs())
      } catch (error) {
        failures.push(error)
      }
    }
  }
  const loops = Array.from({ length: count }, () => loop())
  const stop = async (): Promise<void> => {
    isSending = false
    await world.settle(Promise.all(loops))
  }
  return { stop, storedMs, failures }
}

function longestGapMs(times: readonly number[]): number {
  let longest = 0
  for (let i = 1; i < times.length; i++) longest = Math.max(longest, times[i]! - times[i - 1]!)
  return longest
}

async function keyOf(world: ClientWorld, producer: Producer, broker: string): Promise<string> {
  for (let i = 0; i < 100; i++) {
    const shardingKey = `key-${i}`
    const sent = await world.settle(producer.send({ topic: 'T', body: 'x' }, { shardingKey }))
    if (sent.queue.brokerName === broker) return shardingKey
  }
  throw new Error(`no key for ${broker}`)
}

for (const loops of [1, 16]) {
  test(`one of three masters is killed under load: ${loops} senders go on within 200 ms`, async () => {
    const { world, producer } = await startedProducer(SEED + loops, { brokers: 3 })
    const { stop, storedMs, failures } = load(world, producer, loops)
    await world.pass(500)
    world.brokerMachine(2).kill()
    await world.pass(3_000)
    await world.startBroker(2)
    await world.pass(3_000)
    await stop()
    assert.deepEqual(failures, [])
    assert(longestGapMs(storedMs) <= 200, `${longestGapMs(storedMs)} ms`)
  })
}

test('one of three masters hangs under load: most senders go on at the others', async () => {
  const { world, producer } = await startedProducer(SEED + 3, { brokers: 3 })
  const { stop, storedMs, failures } = load(world, producer, 32)
  await world.pass(500)
  world.brokerMachine(2).pause()
  await world.pass(5_000)
  await stop()
  assert.deepEqual(failures, [])
  assert(longestGapMs(storedMs) <= 200, `${longestGapMs(storedMs)} ms`)
})

test('a master that is back is found by the route within seconds, not at the next poll', async () => {
  const { world, client, producer } = await startedProducer(SEED + 4, { brokers: 2 })
  await world.settle(producer.send({ topic: 'T', body: 'x' }))
  world.brokerMachine(1).kill()
  await world.pass(20_000)
  assert.equal(client.routes.brokerAddress('broker-1', 0), null)
  await world.startBroker(1)
  await world.pass(3_000)
  const sends = Array.from({ length: 8 }, () => producer.send({ topic: 'T', body: 'x' }))
  const results = await world.settle(Promise.all(sends))
  assert.equal(results.filter(({ queue }) => queue.brokerName === 'broker-1').length, 4)
})

test('a sharding key keeps its queue while its broker is dead, and its sends name both', async () => {
  const { world, producer } = await startedProducer(SEED + 5, { brokers: 2 })
  const shardingKey = await keyOf(world, producer, 'broker-1')
  const other = await keyOf(world, producer, 'broker-2')
  const send = (key: string): Promise<SendResult> =>
    world.settle(producer.send({ topic: 'T', body: 'y' }, { shardingKey: key }), 4_000)
  const { queue } = await send(shardingKey)
  world.brokerMachine(1).kill()
  for (let i = 0; i < 20; i++) {
    const error = await send(shardingKey).then(
      () => assert.fail('sent'),
      (reason: unknown) => reason as RocketMQError,
    )
    assert.equal(error.code, ErrorCode.QUEUE_UNAVAILABLE, error.message)
    assert.match(error.message, new RegExp(`^queue ${queue.queueId} of broker broker-1 of T `))
    assert.equal(error.broker, 'broker-1')
    assert.equal(error.retriable, true)
    assert.equal((await send(other)).queue.brokerName, 'broker-2')
    await world.pass(2_000)
  }
  await world.startBroker(1)
  await world.pass(4_000)
  assert.deepEqual((await send(shardingKey)).queue, queue)
})

test('a queue that is named is not another one either, and a choice is among the same queues as ever', async () => {
  const { world, producer } = await startedProducer(SEED + 6, { brokers: 2 })
  await world.settle(producer.send({ topic: 'T', body: 'x' }))
  world.brokerMachine(1).kill()
  await world.pass(1_000)
  const queue = { topic: 'T', brokerName: 'broker-1', queueId: 3 }
  const named = producer.send({ topic: 'T', body: 'y' }, { queue })
  await assert.rejects(world.settle(named), hasCode(ErrorCode.QUEUE_UNAVAILABLE))
  let offered = 0
  const chosen = producer.send(
    { topic: 'T', body: 'y' },
    {
      queue: (queues) => {
        offered = queues.length
        return queues[0]!
      },
    },
  )
  await assert.rejects(world.settle(chosen), hasCode(ErrorCode.QUEUE_UNAVAILABLE))
  assert.equal(offered, 8)
  assert.equal(producer.sendOneway({ topic: 'T', body: 'y' }, { queue }), false)
})

test('keys move when a broker has given up its write permission first', async () => {
  const { world, client, producer } = await startedProducer(SEED + 7, { brokers: 2 })
  const shardingKey = await keyOf(world, producer, 'broker-1')
  const namesrv = `${nameServerHost(1)}:9876`
  const fields = new Map([['brokerName', 'broker-1']])
  const wipe = client.remote.call(
    namesrv,
    { code: RequestCode.WIPE_WRITE_PERM_OF_BROKER, fields },
    3_000,
  )
  await world.settle(wipe)
  await world.settle(client.routes.refresh('T'))
  const send = (): Promise<SendResult> =>
    world.settle(producer.send({ topic: 'T', body: 'y' }, { shardingKey }))
  assert.equal((await send()).queue.brokerName, 'broker-2')
  world.brokerMachine(1).kill()
  await world.pass(5_000)
  assert.equal((await send()).queue.brokerName, 'broker-2')
})

test('a topic with an order configuration has its queues from there, as Java has', async () => {
  const { world, client, producer } = await startedProducer(SEED + 8, { brokers: 2 })
  const fields = encodeHeader(PutKVConfigRequestHeader, {
    namespace: 'ORDER_TOPIC_CONFIG',
    key: 'T',
    value: 'broker-2:2;broker-1:1',
  })
  const put = client.remote.call(
    `${nameServerHost(1)}:9876`,
    { code: RequestCode.PUT_KV_CONFIG, fields },
    3_000,
  )
  await world.settle(put)
  await world.settle(client.routes.refresh('T'))
  let offered: string[] = []
  const choose = (queues: readonly { brokerName: string; queueId: number }[]): never => {
    offered = queues.map(({ brokerName, queueId }) => `${brokerName}:${queueId}`)
    return queues[2] as never
  }
  const send = (): Promise<SendResult> =>
    world.settle(producer.send({ topic: 'T', body: 'y' }, { queue: choose }))
  assert.equal((await send()).queue.brokerName, 'broker-1')
  assert.deepEqual(offered, ['broker-2:0', 'broker-2:1', 'broker-1:0'])
  world.brokerMachine(1).kill()
  await world.pass(1_000)
  await assert.rejects(send(), hasCode(ErrorCode.QUEUE_UNAVAILABLE))
  assert.equal(offered.length, 3)
})

test('sends without a key go on in turn at the brokers that are there, also beside dead ones of the order configuration', async () => {
  const { world, producer } = await startedProducer(SEED + 9, { brokers: 3 })
  await world.settle(producer.send({ topic: 'T', body: 'x' }))
  world.brokerMachine(1).kill()
  world.brokerMachine(3).pause()
  await world.pass(100)
  for (let i = 0; i < 10; i++) {
    const { queue } = await world.settle(producer.send({ topic: 'T', body: 'y' }), 3_000)
    assert.equal(queue.brokerName, 'broker-2')
  }
})

test('a producer starts while one of the masters of its topics is away', async () => {
  const { world, client } = await startedProducer(SEED + 10, { brokers: 2 })
  world.world.network.partition([clientHost(1)], ['10.0.0.1'])
  const { startProducer } = await import('./start-producer.ts')
  const options = { group: 'P2', topics: ['T'] }
  const producer = await world.settle(startProducer(client, options), 5_000)
  const { queue } = await world.settle(producer.send({ topic: 'T', body: 'x' }), 3_000)
  assert.equal(queue.brokerName, 'broker-2')
})

test('when all masters have been dead for long and one is back, keys of the others do not move to it', async () => {
  const { world, client, producer } = await startedProducer(SEED + 11, { brokers: 2 })
  const shardingKey = await keyOf(world, producer, 'broker-2')
  for (const number of [1, 2]) world.brokerMachine(number).kill()
  await world.pass(200_000)
  assert.equal(client.routes.peek('T'), null)
  await world.startBroker(1)
  const one = producer.send({ topic: 'T', body: 'y' }, { shardingKey })
  await assert.rejects(world.settle(one), hasCode(ErrorCode.QUEUE_UNAVAILABLE))
  await world.startBroker(2)
  await world.pass(4_000)
  const sent = await world.settle(producer.send({ topic: 'T', body: 'y' }, { shardingKey }))
  assert.equal(sent.queue.brokerName, 'broker-2')
})

test('a planned stop moves keys to other brokers, and no sender sees an error', async () => {
  const { world, producer } = await startedProducer(SEED + 12, { brokers: 2 })
  const shardingKey = await keyOf(world, producer, 'broker-1')
  const brokers: string[] = []
  let isSending = true
  const failures: unknown[] = []
  const loop = async (options: { shardingKey?: string }): Promise<void> => {
    while (isSending) {
      try {
        const sent = await producer.send({ topic: 'T', body: 'x' }, options)
        if (options.shardingKey !== undefined) brokers.push(sent.queue.brokerName)
      } catch (error) {
        failures.push(error)
      }
      await new Promise<void>((resolve) => world.world.clock.after(5, resolve))
    }
  }
  const loops = [loop({ shardingKey }), loop({})]
  await world.pass(1_000)
  await world.settle(world.brokers.get(1)!.stop(10_000), 20_000)
  await world.pass(3_000)
  isSending = false
  await world.settle(Promise.all(loops))
  assert.deepEqual(failures, [])
  assert.equal(brokers[0], 'broker-1')
  assert.equal(brokers.at(-1), 'broker-2')
  assert.equal(brokers.lastIndexOf('broker-1') + 1, brokers.indexOf('broker-2'), 'they moved once')
})
