// Our client and real pairs of master and slave.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '../api/errors.ts'
import { startProducer, startTransactionProducer } from '../producer/start-producer.ts'
import { ConsumerWorld, TestLog, texts } from '../testing/consumer-world.ts'
import { hasCode } from '../testing/started-producer.ts'
import { startConsumer } from './start-consumer.ts'

const SEED = 77_500
const OPTIONS = { group: 'G', subscriptions: { T: '*' }, from: 'first' } as const
const MASTER = { haAllowedPeers: '10.0.0.0/24' } as const
const SLAVE = { brokerName: 'broker-1', brokerRole: 'SLAVE', brokerId: 1 } as const

/** broker-1 with a slave on the machine of broker 2 that follows it; `queues` of T. */
async function pair(
  seed: number,
  queues = 1,
  role: 'ASYNC_MASTER' | 'SYNC_MASTER' = 'ASYNC_MASTER',
): Promise<ConsumerWorld> {
  const world = new ConsumerWorld(seed, { values: MASTER })
  await world.startNameServer(1)
  await world.startBroker(1, { brokerRole: role })
  await world.makeTopic('T', queues)
  await world.startBroker(2, SLAVE)
  await world.pass(15_000)
  return world
}

test('master killed: our consumer reads the next message at the slave within a second, goes back, and loses no offset', async () => {
  const world = await pair(SEED)
  const log = new TestLog()
  await world.send('T', texts(50))
  const consumer = await world.settle(startConsumer(world.client(1, { logger: log }), OPTIONS))
  const seen: string[] = []
  let isHeld = false
  const held: (() => void)[] = []
  await world.settle(
    consumer.run(async (message) => {
      seen.push(message.body.toString())
      if (isHeld) await new Promise<void>((resolve) => held.push(resolve))
    }),
  )
  await world.until(() => seen.length === 50)
  await world.pass(6_000)
  isHeld = true
  await world.send('T', texts(20, 'late'))
  await world.pass(200)
  world.brokerMachine(1).kill()
  const killedMs = world.world.clock.monotonicMs()
  isHeld = false
  for (const release of held.splice(0)) release()
  await world.until(() => seen.length === 70, 1_000)
  assert.ok(world.world.clock.monotonicMs() - killedMs < 1_000)
  await world.pass(20_000)
  assert.ok(log.count('pull_failed') < 20, `${log.count('pull_failed')} failed pulls`)
  await world.startBroker(1, { brokerRole: 'ASYNC_MASTER' })
  await world.pass(20_000)
  assert.equal(await world.storedOffset('G', 'T'), 70)
  await world.send('T', ['back'])
  await world.until(() => seen.includes('back'), 2_000)
  assert.deepEqual(seen, [...texts(50), ...texts(20, 'late'), 'back'])
  await world.settle(consumer.close())
})

test('whatever is written is read while the master comes and goes', async () => {
  const world = await pair(SEED + 1, 4)
  const producer = await world.settle(startProducer(world.client(3), { group: 'P' }))
  const consumer = await world.settle(startConsumer(world.client(1), OPTIONS))
  const seen = new Set<string>()
  await world.settle(consumer.run((message) => void seen.add(message.body.toString())))
  const sent: string[] = []
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 20; i++) {
      const body = `r${round}-${i}`
      await world.settle(producer.send({ topic: 'T', body }))
      sent.push(body)
    }
    await world.pass(100)
    world.brokerMachine(1).kill()
    await world.pass(4_000)
    await world.startBroker(1, { brokerRole: 'ASYNC_MASTER' })
    await world.pass(6_000)
  }
  await world.until(() => sent.every((body) => seen.has(body)), 30_000)
})

test('SLAVE_NOT_AVAILABLE and FLUSH_SLAVE_TIMEOUT are results of a send, and roll transactions back', async () => {
  const world = await pair(SEED + 2, 1, 'SYNC_MASTER')
  const client = world.client(1)
  const producer = await world.settle(startProducer(client, { timeoutMs: 10_000 }))
  const status = async (): Promise<string> =>
    (await world.settle(producer.send({ topic: 'T', body: 'x' }), 10_000)).status
  assert.equal(await status(), 'SEND_OK')
  world.brokerMachine(2).pause()
  assert.equal(await status(), 'FLUSH_SLAVE_TIMEOUT')
  world.brokerMachine(2).resume()
  world.brokerMachine(2).kill()
  await world.pass(1_000)
  const fromMs = world.world.clock.monotonicMs()
  assert.equal(await status(), 'SLAVE_NOT_AVAILABLE')
  assert.ok(world.world.clock.monotonicMs() - fromMs < 100, 'at once')
  const transactions = await world.settle(
    startTransactionProducer(client, { group: 'TX', check: async () => 'commit' as const }),
  )
  let isRun = false
  const result = await world.settle(
    transactions.sendInTransaction({ topic: 'T', body: 'half' }, async () => {
      isRun = true
      return 'commit'
    }),
  )
  assert.deepEqual(
    [result.status, result.outcome, isRun],
    ['SLAVE_NOT_AVAILABLE', 'rollback', false],
  )
})

test('a weakly stored message is sent to another master when the producer wants that, and not otherwise', async () => {
  const world = new ConsumerWorld(SEED + 3, { values: MASTER })
  await world.startNameServer(1)
  await world.startBroker(1, { brokerRole: 'SYNC_MASTER' })
  await world.startBroker(2)
  await world.makeTopic('T', 2)
  const client = world.client(1)
  const options = { group: 'A', retryAnotherBrokerWhenNotStoreOk: true }
  const again = await world.settle(startProducer(client, options))
  for (let i = 0; i < 6; i++) {
    const { status, queue } = await world.settle(again.send({ topic: 'T', body: 'x' }))
    assert.deepEqual([status, queue.brokerName], ['SEND_OK', 'broker-2'])
  }
  const once = await world.settle(startProducer(client, { group: 'B' }))
  const statuses = new Set<string>()
  for (let i = 0; i < 6; i++) {
    statuses.add((await world.settle(once.send({ topic: 'T', body: 'x' }))).status)
  }
  assert.deepEqual([...statuses].sort(), ['SEND_OK', 'SLAVE_NOT_AVAILABLE'])
})

test('sends to a broker whose master is dead fail, with and without a key, although its slave lives', async () => {
  const world = await pair(SEED + 4)
  const producer = await world.settle(startProducer(world.client(1), {}))
  const shardingKey = 'k'
  await world.settle(producer.send({ topic: 'T', body: 'x' }, { shardingKey }))
  world.brokerMachine(1).kill()
  await world.pass(2_000)
  const keyed = producer.send({ topic: 'T', body: 'x' }, { shardingKey })
  await assert.rejects(world.settle(keyed, 4_000), hasCode(ErrorCode.QUEUE_UNAVAILABLE))
  const plain = producer.send({ topic: 'T', body: 'x' })
  await assert.rejects(world.settle(plain, 4_000), hasCode(ErrorCode.SEND_FAILED))
  const fresh = await world.settle(startProducer(world.client(2), {}))
  const first = fresh.send({ topic: 'T', body: 'x' }, { shardingKey })
  await assert.rejects(world.settle(first, 4_000), hasCode(ErrorCode.QUEUE_UNAVAILABLE))
})
