import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import type { MessageHandler } from '../api/consume.ts'
import { clientHost } from '../testing/client-world.ts'
import { ConsumerWorld, texts } from '../testing/consumer-world.ts'
import type { Consumer } from './consumer.ts'
import { startConsumer } from './start-consumer.ts'

const SEED = 5300
const OPTIONS = { group: 'G', subscriptions: { T: '*' }, from: 'first' } as const

async function worldOf(seed: number, queues: number, brokers = 1): Promise<ConsumerWorld> {
  const world = new ConsumerWorld(seed)
  await world.start(brokers)
  await world.makeTopic('T', queues)
  return world
}

async function join(
  world: ConsumerWorld,
  number: number,
  handler: MessageHandler,
): Promise<Consumer> {
  const consumer = await world.settle(startConsumer(world.client(number), OPTIONS))
  await world.settle(consumer.run(handler))
  return consumer
}

function queueIds(consumer: Consumer): number[] {
  const own = consumer.queues().filter(({ topic }) => topic === 'T')
  return own.map(({ queueId }) => queueId).sort((a, b) => a - b)
}

test('two members share the queues, and the one that stays gets them all', async () => {
  const world = await worldOf(SEED, 4)
  const first = await join(world, 1, () => undefined)
  assert.deepEqual(queueIds(first), [0, 1, 2, 3])
  const second = await join(world, 2, () => undefined)
  await world.until(() => queueIds(first).length === 2 && queueIds(second).length === 2, 5_000)
  assert.deepEqual([...queueIds(first), ...queueIds(second)], [0, 1, 2, 3])
  await world.settle(first.close())
  await world.until(() => queueIds(second).length === 4, 5_000)
  assert.deepEqual(queueIds(first), [])
})

test('what a drained member has acknowledged is not delivered again, and nothing is lost', async () => {
  const seed = SEED + 1
  const random = new Prng(seed)
  const world = await worldOf(seed, 4)
  for (let queueId = 0; queueId < 4; queueId++) {
    await world.send('T', texts(200, `q${queueId}`), { queueId })
  }
  const seen = new Map<string, number>()
  const handler: MessageHandler = async (message) => {
    await new Promise((resolve) => world.world.clock.after(random.below(20), () => resolve(null)))
    const body = message.body.toString()
    seen.set(body, (seen.get(body) ?? 0) + 1)
  }
  const first = await join(world, 1, handler)
  await world.until(() => seen.size > 200)
  await world.settle(first.drain())
  const before = new Set(seen.keys())
  assert.ok(before.size < 800, 'the drain came in the middle')
  const second = await join(world, 2, handler)
  await world.until(() => seen.size === 800)
  await world.pass(2_000)
  for (const body of before) {
    assert.equal(seen.get(body), 1, `seed ${seed}: ${body} was acknowledged and came again`)
  }
  await world.settle(second.close())
})

test('queues of a killed member are taken over, and go on from what it had committed', async () => {
  const seed = SEED + 2
  const world = await worldOf(seed, 4)
  for (let queueId = 0; queueId < 4; queueId++) {
    await world.send('T', texts(50, `a${queueId}`), { queueId })
  }
  const seen = new Map<string, number>()
  const handler: MessageHandler = (message) => {
    const body = message.body.toString()
    seen.set(body, (seen.get(body) ?? 0) + 1)
  }
  await join(world, 1, handler)
  const second = await join(world, 2, handler)
  await world.until(() => seen.size === 200)
  await world.pass(6_000)
  world.world.host(clientHost(1)).kill()
  for (let queueId = 0; queueId < 4; queueId++) {
    await world.send('T', texts(50, `b${queueId}`), { queueId })
  }
  await world.until(() => seen.size === 400, 30_000)
  assert.deepEqual(queueIds(second), [0, 1, 2, 3])
  const twice = [...seen].filter(([, count]) => count > 1)
  assert.deepEqual(twice, [], `seed ${seed}: offsets older than 5 s were committed`)
})

test('a broker that is killed and started anew is read on from where its queues were', async () => {
  const seed = SEED + 3
  const world = await worldOf(seed, 2, 2)
  for (const broker of [1, 2]) await world.send('T', texts(20, `a${broker}`), { broker })
  const seen: string[] = []
  const consumer = await join(world, 1, (message) => void seen.push(message.body.toString()))
  await world.until(() => seen.length === 40)
  await world.pass(12_000)
  world.brokerMachine(2).kill()
  await world.pass(100)
  // The other broker's queues never pause.
  for (let i = 0; i < 20; i++) {
    await world.send('T', [`live-${i}`], { broker: 1 })
    const sentMs = world.world.clock.monotonicMs()
    await world.until(() => seen.includes(`live-${i}`), 1_000)
    assert.ok(world.world.clock.monotonicMs() - sentMs < 300)
    await world.pass(500)
  }
  await world.startBroker(2)
  await world.send('T', texts(20, 'b2'), { broker: 2 })
  await world.until(() => seen.filter((body) => body.startsWith('b2')).length === 20, 60_000)
  assert.deepEqual(
    seen.filter((body, index) => seen.indexOf(body) !== index),
    [],
    `seed ${seed}: nothing came twice`,
  )
  await world.settle(consumer.close())
  assert.equal(await world.storedOffset('G', 'T', 0, 2), 40)
})

test('without a NameServer consumption goes on, and a restarted broker is found again', async () => {
  const world = await worldOf(SEED + 4, 1)
  const seen: string[] = []
  await join(world, 1, (message) => void seen.push(message.body.toString()))
  world.nameServerMachine(1).kill()
  for (let i = 0; i < 5; i++) {
    await world.send('T', [`m-${i}`])
    await world.pass(20_000)
  }
  assert.deepEqual(seen, texts(5))
  world.brokerMachine(1).kill()
  await world.pass(1_000)
  await world.startBroker(1)
  await world.pass(5_000)
  await world.send('T', ['after'])
  await world.until(() => seen.includes('after'), 20_000)
})

test('members come, leave and are killed: each queue gets one owner again within one interval, nothing is lost', async () => {
  const seed = SEED + 5
  const random = new Prng(seed)
  const world = await worldOf(seed, 6, 2)
  const seen = new Set<string>()
  const members = new Map<number, Consumer>()
  let next = 1
  let sent = 0
  for (let round = 0; round < 25; round++) {
    const dice = random.below(3)
    if (members.size === 0 || (dice === 0 && members.size < 5)) {
      const number = next++
      const handler: MessageHandler = (message) => void seen.add(message.body.toString())
      members.set(number, await join(world, number, handler))
    } else {
      const [number, consumer] = [...members][random.below(members.size)]!
      if (members.size > 1) {
        members.delete(number)
        if (dice === 1) await world.settle(consumer.close())
        else world.world.host(clientHost(number)).kill()
      }
    }
    for (let i = 0; i < 5; i++) {
      const to = { queueId: random.below(6), broker: 1 + random.below(2) }
      await world.send('T', [`m-${sent++}`], to)
    }
    const startMs = world.world.clock.monotonicMs()
    const owners = (): string[] =>
      [...members.values()].flatMap((consumer) =>
        consumer
          .queues()
          .filter(({ topic }) => topic === 'T')
          .map(({ brokerName, queueId }) => `${brokerName}:${queueId}`),
      )
    await world.until(() => owners().length === 12 && new Set(owners()).size === 12, 25_000)
    const tookMs = world.world.clock.monotonicMs() - startMs
    assert.ok(tookMs < 20_000, `seed ${seed}, round ${round}: ${tookMs} ms`)
    await world.until(() => seen.size === sent, 20_000)
    await world.pass(random.below(3_000))
  }
})
