// A broker with a slave: what consumers do when its master dies, hangs and comes back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestCode, ResponseCode } from '@apogee/protocol'
import { ErrorCode } from '../api/errors.ts'
import { BROKER_PORT, brokerHost } from '../testing/client-world.ts'
import { ConsumerWorld, TestLog, texts } from '../testing/consumer-world.ts'
import { FakeSlave } from '../testing/fake-slave.ts'
import { hasCode } from '../testing/started-producer.ts'
import type { Consumer } from './consumer.ts'
import { startConsumer } from './start-consumer.ts'
import { startPullConsumer } from './start-pull-consumer.ts'

const SEED = 61_100
const MASTER = `${brokerHost(1)}:${BROKER_PORT}`
const OPTIONS = { group: 'G', subscriptions: { T: '*' }, from: 'first' } as const

interface Started {
  world: ConsumerWorld
  slave: FakeSlave
  log: TestLog
}

/** broker-1 with `count` messages in the one queue of T, and a slave that has them. */
async function withSlave(seed: number, count = 10, brokers = 1): Promise<Started> {
  const world = new ConsumerWorld(seed)
  await world.start(brokers)
  await world.makeTopic('T', 1)
  await world.send('T', texts(count))
  const slave = new FakeSlave('broker-1')
  await slave.start(world)
  await slave.copy(world, MASTER, 'T')
  return { world, slave, log: new TestLog() }
}

async function joined({ world, log }: Started, seen: string[]): Promise<Consumer> {
  const consumer = await world.settle(startConsumer(world.client(1, { logger: log }), OPTIONS))
  await world.settle(consumer.run((message) => void seen.push(message.body.toString())))
  return consumer
}

const addressOf = (consumer: Consumer): string => JSON.stringify(consumer.queues())

test('the master dies: the next message comes from the slave within a second, nothing twice', async () => {
  const started = await withSlave(SEED)
  const { world, slave } = started
  const seen: string[] = []
  const consumer = await joined(started, seen)
  await world.until(() => seen.length === 10)
  assert.equal(slave.count(RequestCode.PULL_MESSAGE), 0, 'nobody asked the slave before')
  assert.ok(slave.count(RequestCode.HEART_BEAT) >= 1, 'it knows the group')
  await world.send('T', texts(5, 'late'))
  await slave.copy(world, MASTER, 'T')
  await world.until(() => seen.length === 15)
  // What the master stored last is on the slave, and the consumer has not seen it.
  await world.send('T', ['unseen'], { queueId: 0 })
  await slave.copy(world, MASTER, 'T')
  world.brokerMachine(1).kill()
  const killedMs = world.world.clock.monotonicMs()
  await world.until(() => seen.includes('unseen'), 1_000)
  assert.ok(world.world.clock.monotonicMs() - killedMs < 1_000)
  assert.deepEqual(seen, [...texts(10), ...texts(5, 'late'), 'unseen'])
  assert.match(addressOf(consumer), /broker-1/)
})

test('while the master is dead the slave keeps the offsets, and the master gets them when it is back', async () => {
  const started = await withSlave(SEED + 1)
  const { world, slave } = started
  const seen: string[] = []
  await joined(started, seen)
  await world.until(() => seen.length === 10)
  await world.send('T', texts(5, 'late'))
  await slave.copy(world, MASTER, 'T')
  world.brokerMachine(1).kill()
  await world.until(() => slave.offsets.get('G T 0') === 15, 10_000)
  await world.startBroker(1)
  for (let passed = 0; (await world.storedOffset('G', 'T')) !== 15; passed += 500) {
    assert.ok(passed < 15_000, 'the master has the offset')
    await world.pass(500)
  }
  // The slave, caught up, names the master: reading goes back there.
  slave.behaviour.suggests = 'master'
  for (const release of slave.parked.splice(0)) release()
  await world.pass(15_000)
  for (const release of slave.parked.splice(0)) release()
  const before = slave.count(RequestCode.PULL_MESSAGE)
  await world.send('T', ['back'])
  await world.until(() => seen.includes('back'), 1_000)
  await world.pass(60_000)
  assert.equal(slave.count(RequestCode.PULL_MESSAGE), before)
  assert.deepEqual(seen, [...texts(10), ...texts(5, 'late'), 'back'])
})

test('a slave that answers at once and names a dead master is not asked in a loop, nor is the master', async () => {
  const started = await withSlave(SEED + 2)
  const { world, slave } = started
  slave.behaviour.suggests = 'master'
  slave.behaviour.atEnd = 'retry'
  const seen: string[] = []
  await joined(started, seen)
  await world.until(() => seen.length === 10)
  world.brokerMachine(1).kill()
  await world.pass(5_000)
  const before = slave.count(RequestCode.PULL_MESSAGE)
  assert.ok(before < 25, `${before} pulls in the first 5 s`)
  await world.pass(60_000)
  const pulls = slave.count(RequestCode.PULL_MESSAGE) - before
  assert.ok(pulls >= 30 && pulls <= 2 * 60 + 20, `${pulls} pulls of two queues in a minute`)
})

test('a slave that refuses to read does not keep the queue when the master is back', async () => {
  const started = await withSlave(SEED + 3)
  const { world, slave, log } = started
  slave.behaviour.refuses = { code: ResponseCode.SYSTEM_BUSY, offset: 0 }
  const seen: string[] = []
  await joined(started, seen)
  await world.until(() => seen.length === 10)
  world.brokerMachine(1).kill()
  await world.pass(30_000)
  const asked = slave.count(RequestCode.PULL_MESSAGE)
  // Of two queues: the retry topic is read too.
  assert.ok(asked >= 6 && asked <= 66, `${asked} pulls in 30 s`)
  assert.ok(log.count('pull_refused') >= 1)
  await world.startBroker(1)
  await world.send('T', ['back'])
  await world.until(() => seen.includes('back'), 15_000)
})

test('an offset that a slave does not have is no reason to move the group', async () => {
  const started = await withSlave(SEED + 4)
  const { world, slave, log } = started
  const seen: string[] = []
  await joined(started, seen)
  await world.until(() => seen.length === 10)
  slave.behaviour.refuses = { code: ResponseCode.PULL_OFFSET_MOVED, offset: 3 }
  world.brokerMachine(1).kill()
  await world.pass(20_000)
  assert.ok(slave.count(RequestCode.PULL_MESSAGE) <= 46)
  assert.equal(log.count('offset_illegal'), 0)
  assert.notEqual(slave.offsets.get('G T 0'), 3)
  await world.startBroker(1)
  await world.send('T', ['back'])
  await world.until(() => seen.includes('back'), 20_000)
  assert.deepEqual(seen, [...texts(10), 'back'])
  assert.ok((await world.storedOffset('G', 'T'))! >= 10)
})

test('a member that starts while the master is dead goes on from the offset that the slave knows', async () => {
  const started = await withSlave(SEED + 5)
  const { world, slave, log } = started
  slave.offsets.set('G T 0', 7)
  world.brokerMachine(1).kill()
  await world.pass(500)
  const seen: string[] = []
  const options = { ...OPTIONS, from: 'last' } as const
  const consumer = await world.settle(startConsumer(world.client(1, { logger: log }), options))
  await world.settle(consumer.run((message) => void seen.push(message.body.toString())))
  await world.until(() => seen.length === 3, 5_000)
  assert.deepEqual(seen, texts(10).slice(7))
  await world.until(() => slave.offsets.get('G T 0') === 10, 10_000)
  await world.settle(consumer.close())
})

test('a group that the slave has not heard of does not begin at its end while the master is dead', async () => {
  const started = await withSlave(SEED + 6)
  const { world, slave, log } = started
  world.brokerMachine(1).kill()
  await world.pass(500)
  const seen: string[] = []
  const options = { ...OPTIONS, from: 'last' } as const
  const consumer = await world.settle(startConsumer(world.client(1, { logger: log }), options))
  void consumer.run((message) => void seen.push(message.body.toString()))
  await world.pass(10_000)
  assert.deepEqual(consumer.queues(), [])
  assert.ok(log.count('queue_not_started') >= 2 && log.count('queue_not_started') <= 15)
  slave.offsets.set('G T 0', 8)
  await world.until(() => seen.length === 2, 5_000)
})

test('a master that hangs is left for the slave once it is known to, and not returned to in vain', async () => {
  const started = await withSlave(SEED + 7)
  const { world, slave } = started
  slave.behaviour.suggests = 'master'
  slave.behaviour.atEnd = 'retry'
  const seen: string[] = []
  await joined(started, seen)
  await world.until(() => seen.length === 10)
  await world.send('T', texts(300, 'late'))
  await slave.copy(world, MASTER, 'T')
  await world.until(() => seen.length === 310)
  world.brokerMachine(1).pause()
  await world.until(() => slave.count(RequestCode.PULL_MESSAGE) > 0, 12_000)
})

test('ordered consumption stops at a broker whose master is dead, and goes on at the others', async () => {
  const started = await withSlave(SEED + 8, 10, 2)
  const { world, slave } = started
  const seen: string[] = []
  const consumer = await world.settle(startConsumer(world.client(1), OPTIONS))
  await world.settle(consumer.runOrdered((message) => void seen.push(message.body.toString())))
  await world.until(() => seen.length === 10)
  // The offset has come to the master, and to its disk.
  await world.pass(15_000)
  world.brokerMachine(1).kill()
  await world.pass(5_000)
  await world.send('T', ['at the other'], { broker: 2 })
  await world.until(() => seen.includes('at the other'), 2_000)
  await world.pass(60_000)
  assert.equal(slave.count(RequestCode.PULL_MESSAGE), 0)
  await world.startBroker(1)
  await world.send('T', ['in order'], { broker: 1 })
  // Its lock has lapsed, and is asked for as soon as the master is there.
  await world.until(() => seen.includes('in order'), 6_000)
  assert.deepEqual(
    seen.filter((text) => text !== 'at the other'),
    [...texts(10), 'in order'],
  )
})

test('a pull consumer polls, seeks and commits at the slave while the master is dead', async () => {
  const { world, slave } = await withSlave(SEED + 9)
  const options = { group: 'P', assign: ['T'], from: 'first' } as const
  const pull = await world.settle(startPullConsumer(world.client(1), options))
  assert.equal((await world.settle(pull.poll({ max: 4 }))).length, 4)
  world.brokerMachine(1).kill()
  await world.pass(100)
  let rows = 4
  while (rows < 10) rows += (await world.settle(pull.poll({ max: 10 }))).length
  await world.settle(pull.commit())
  assert.equal(slave.offsets.get('P T 0'), 10)
  const queue = pull.queues()[0]!
  assert.equal(await world.settle(pull.committed(queue)), 10)
  await world.settle(pull.seek('last'))
  assert.equal(pull.position(queue), 10)
  await world.settle(pull.seek(2))
  const [first] = await world.settle(pull.poll({ max: 1 }))
  assert.equal(first!.body.toString(), 'm-2')
  const late = await world.settle(
    startPullConsumer(world.client(2), { group: 'Q', assign: ['T'], from: 'last' }),
  )
  assert.equal(late.position(queue), 10)
  await world.settle(pull.close())
})

test('broadcasting reads on at the slave', async () => {
  const { world, slave } = await withSlave(SEED + 10)
  const seen: string[] = []
  const options = { ...OPTIONS, model: 'broadcasting' } as const
  const consumer = await world.settle(startConsumer(world.client(1), options))
  await world.settle(consumer.run((message) => void seen.push(message.body.toString())))
  await world.until(() => seen.length === 10)
  await world.send('T', ['unseen'])
  await slave.copy(world, MASTER, 'T')
  world.brokerMachine(1).kill()
  await world.until(() => seen.includes('unseen'), 1_000)
})

test('without any broker of the queue a commit says so', async () => {
  const { world, slave } = await withSlave(SEED + 11)
  const options = { group: 'P', assign: ['T'], from: 'first' } as const
  const pull = await world.settle(startPullConsumer(world.client(1), options))
  await world.settle(pull.poll({ max: 4 }))
  world.brokerMachine(1).kill()
  world.world.host(slave.address.split(':')[0]!).kill()
  await world.pass(500)
  await assert.rejects(world.settle(pull.commit(), 8_000), hasCode(ErrorCode.BROKER_UNREACHABLE))
})
