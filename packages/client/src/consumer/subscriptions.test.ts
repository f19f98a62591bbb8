import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConsumerRunningInfo,
  decodeBody,
  encodeHeader,
  GetConsumerRunningInfoRequestHeader,
  JsonMap,
  RequestCode,
} from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ConsumerOptions, RocketMQOptions } from '../api/options.ts'
import type { ClientInstance } from '../remote/client.ts'
import { BROKER_PORT, brokerHost } from '../testing/client-world.ts'
import { ConsumerWorld, texts } from '../testing/consumer-world.ts'
import type { Consumer } from './consumer.ts'
import { startConsumer } from './start-consumer.ts'
import { StartOffset } from './start-offset.ts'

const SEED = 5600
const BROKER = `${brokerHost(1)}:${BROKER_PORT}`

async function worldOf(seed: number, topics: readonly string[] = ['T']): Promise<ConsumerWorld> {
  const world = new ConsumerWorld(seed)
  await world.start()
  for (const topic of topics) await world.makeTopic(topic, 1)
  return world
}

async function run<T = Buffer>(
  world: ConsumerWorld,
  options: Partial<ConsumerOptions<T>>,
  clientOptions: RocketMQOptions = {},
): Promise<{ consumer: Consumer<T>; client: ClientInstance; seen: T[] }> {
  const client = world.client(1, clientOptions)
  const all = { group: 'G', subscriptions: { T: '*' }, from: 'first', ...options } as const
  const consumer = await world.settle(startConsumer<T>(client, all))
  const seen: T[] = []
  await world.settle(consumer.run((message) => void seen.push(message.body)))
  return { consumer, client, seen }
}

test('tags with equal hashes are told apart, and other tags pass by without holding the offset', async () => {
  const world = await worldOf(SEED)
  // "Aa" and "BB" have one hash in Java.
  await world.send('T', ['wanted'], { tag: 'Aa' })
  await world.send('T', ['same hash'], { tag: 'BB' })
  await world.send('T', ['other'], { tag: 'C' })
  const { consumer, seen } = await run(world, { subscriptions: { T: 'Aa || D' } })
  await world.until(() => seen.length === 1)
  await world.pass(1_000)
  assert.deepEqual(seen.map(String), ['wanted'])
  await world.settle(consumer.close())
  assert.equal(await world.storedOffset('G', 'T'), 3)
})

test('an SQL92 expression that no broker can compile is refused before anything runs', async () => {
  const world = new ConsumerWorld(SEED + 1, { values: { enablePropertyFilter: true } })
  await world.start()
  await world.makeTopic('T', 1)
  const bad = { T: { type: 'SQL92', expression: 'a >' } } as const
  await assert.rejects(run(world, { subscriptions: bad }), hasCode(ErrorCode.BAD_EXPRESSION))
  await world.send('T', ['tagged'], { tag: 'x' })
  await world.send('T', ['not'])
  const good = { T: { type: 'SQL92', expression: "TAGS = 'x'" } } as const
  const { seen } = await run(world, { subscriptions: good })
  await world.until(() => seen.length === 1)
  await world.pass(1_000)
  assert.deepEqual(seen.map(String), ['tagged'])
})

test('topics come and go while the consumer runs', async () => {
  const world = await worldOf(SEED + 2, ['T', 'U'])
  await world.send('U', texts(3, 'u'))
  const { consumer, seen } = await run(world, {})
  consumer.subscribe('U', '*')
  await world.until(() => seen.length === 3, 10_000)
  consumer.unsubscribe('T')
  await world.until(() => !consumer.queues().some(({ topic }) => topic === 'T'), 5_000)
  await world.send('T', ['unread'])
  await world.pass(2_000)
  assert.equal(seen.length, 3)
  consumer.subscribe('T', '*')
  await world.until(() => seen.length === 4, 10_000)
})

test('paused queues neither pull nor hand out, and go on where they were', async () => {
  const world = await worldOf(SEED + 3)
  const { consumer, seen } = await run(world, {})
  await world.send('T', ['a'])
  await world.until(() => seen.length === 1)
  consumer.pause()
  await world.send('T', texts(3))
  await world.pass(5_000)
  assert.equal(seen.length, 1)
  consumer.resume()
  await world.until(() => seen.length === 4, 5_000)
})

test('a namespace is on the wire and not in what users see', async () => {
  const world = await worldOf(SEED + 4, ['dev%T'])
  await world.send('dev%T', ['x'])
  const client = world.client(1, { namespace: 'dev' })
  const options = { group: 'G', subscriptions: { T: '*' }, from: 'first' } as const
  const consumer = await world.settle(startConsumer(client, options))
  const topics: string[] = []
  await world.settle(
    consumer.run((message) => {
      topics.push(`${message.topic} ${message.queue.topic} ${message.reconsumeTimes}`)
      if (message.reconsumeTimes === 0) throw new Error('again')
    }),
  )
  await world.until(() => topics.length === 2, 30_000)
  assert.deepEqual(topics, ['T dev%T 0', 'T %RETRY%dev%G 1'])
  assert.equal(consumer.group, 'G')
  await world.settle(consumer.close())
  assert.equal(await world.storedOffset('dev%G', 'dev%T'), 1)
})

test('a body that its codec cannot read fails like a handler', async () => {
  const world = await worldOf(SEED + 5)
  await world.send('T', ['{"a":1}', 'broken'])
  const codec = {
    encode: (value: unknown) => Buffer.from(JSON.stringify(value)),
    decode: (bytes: Buffer): unknown => JSON.parse(bytes.toString()),
  }
  const { consumer, client, seen } = await run<unknown>(world, { codec, maxRetries: 0 })
  const dead: string[] = []
  void (async () => {
    for await (const status of client.status.iterate()) {
      if (status.type === 'dead-letter') dead.push(status.messageId)
    }
  })()
  await world.until(() => seen.length === 1 && dead.length === 1, 30_000)
  assert.deepEqual(seen, [{ a: 1 }])
  await world.settle(consumer.close())
})

test('an offset that the broker does not have is corrected', async () => {
  const world = await worldOf(SEED + 6)
  await world.send('T', texts(5))
  const { consumer, client, seen } = await run(world, {})
  await world.until(() => seen.length === 5)
  const queue = { topic: 'T', brokerName: 'broker-1', queueId: 0 }
  client.members.consumers.get('G')!.resetOffsets('T', [[queue, 5_000]])
  await world.pass(2_000)
  await world.send('T', ['after'])
  await world.until(() => seen.at(-1)?.toString() === 'after', 30_000)
  await world.settle(consumer.close())
  assert.equal(await world.storedOffset('G', 'T'), 6)
})

test('a tool sees what the consumer does, and can have it handle one message', async () => {
  const world = await worldOf(SEED + 7)
  await world.send('T', texts(5))
  const { client, seen } = await run(world, {})
  await world.until(() => seen.length === 5)
  const fields = encodeHeader(GetConsumerRunningInfoRequestHeader, {
    consumerGroup: 'G',
    clientId: client.clientId,
  })
  const request = { code: RequestCode.GET_CONSUMER_RUNNING_INFO, fields }
  const response = await world.settle(world.tool.remote.call(BROKER, request, 5_000))
  const info = decodeBody(ConsumerRunningInfo, response.body)
  assert.ok(info instanceof JsonMap)
  assert.deepEqual([...info.fields.keys()].sort(), [
    'mqPopTable',
    'mqTable',
    'properties',
    'statusTable',
    'subscriptionSet',
    'userConsumerInfo',
  ])
  const properties = info.get('properties') as JsonMap
  assert.equal(properties.get('PROP_CONSUME_TYPE'), 'CONSUME_PASSIVELY')
  const table = info.get('mqTable') as JsonMap
  const own = table.pairs.find(({ key }) => key.get('topic') === 'T')
  assert.equal((own!.value as JsonMap).get('commitOffset'), 5)
  const direct = await client.members.consumers.get('G')!.consumeDirectly(
    {
      version: 1,
      topic: 'T',
      queueId: 0,
      queueOffset: 3,
      physicalOffset: 300,
      flag: 0,
      sysFlag: 0,
      body: Buffer.from('direct'),
      properties: new Map(),
      bornTimestamp: 1,
      bornHost: { address: '10.0.0.9', port: 1 },
      storeTimestamp: 2,
      storeHost: { address: '10.0.0.1', port: 2 },
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
    },
    'broker-1',
  )
  assert.equal(direct.consumeResult, 'CR_SUCCESS')
  assert.equal(seen.at(-1)?.toString(), 'direct')
})

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof RocketMQError && error.code === code
}

test('a group without offsets begins at the end, at the beginning or at a time, as it says', async () => {
  const world = await worldOf(SEED + 8)
  await world.send('T', texts(3, 'old'))
  await world.pass(1_000)
  const timestamp = world.world.clock.wallMs()
  await world.pass(1_000)
  await world.send('T', texts(3, 'new'))
  // A broker that has the queue from 0 on answers 0 for a group without offsets (Apache's rule): the choice is
  // asked for itself.
  const begin = async (number: number, from: ConsumerOptions['from']): Promise<string[]> => {
    const client = world.client(number)
    const queue = { topic: 'T', brokerName: 'broker-1', queueId: 0 }
    await world.settle(client.routes.get('T'))
    const offset = await world.settle(new StartOffset(client).of(queue, from!))
    return [...texts(3, 'old'), ...texts(3, 'new')].slice(offset)
  }
  assert.deepEqual(await begin(1, 'last'), [])
  assert.deepEqual(await begin(2, 'first'), [...texts(3, 'old'), ...texts(3, 'new')])
  assert.deepEqual(await begin(3, { timestamp }), texts(3, 'new'))
})
