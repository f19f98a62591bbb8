// Virtual hours of traffic with restarts of brokers and NameServers: heap, timers and connections of everything must
// stay level. SOAK_HOURS makes it longer (npm run test:soak: 24); APOGEE_SEED repeats a run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Prng } from '@apogee/base'
import { startConsumer } from './consumer/start-consumer.ts'
import type { Producer } from './producer/producer.ts'
import { startProducer } from './producer/start-producer.ts'
import { ConsumerWorld } from './testing/consumer-world.ts'

const HOURS = Number(process.env['SOAK_HOURS'] ?? 1)
const SEED = Number(process.env['APOGEE_SEED'] ?? 20_26)
const MINUTE_MS = 60_000
const BURST = 10
/** Of messages on simulated disks, of interned names: what a day may leave behind. */
const HEAP_GROWTH_MAX_BYTES = 4 << 20
/** Restarts leave connections of different ages. */
const LEVEL_SPREAD_MAX = 12

interface Level {
  heapBytes: number
  timers: number
  sockets: number
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function levelOf(world: ConsumerWorld): Level {
  collect()
  collect()
  return {
    heapBytes: process.memoryUsage().heapUsed,
    timers: world.world.clock.pendingCount,
    sockets: world.world.network.socketCount,
  }
}

async function restartSomething(world: ConsumerWorld, prng: Prng): Promise<void> {
  const number = 1 + prng.below(2)
  switch (prng.below(3)) {
    case 0:
      world.brokerMachine(number).kill()
      await world.pass(prng.below(30_000))
      await world.startBroker(number)
      break
    case 1:
      await world.settle(world.brokers.get(number)!.stop(1000))
      world.brokerMachine(number).kill()
      await world.pass(prng.below(5000))
      await world.startBroker(number)
      break
    default:
      world.nameServerMachine(1).kill()
      await world.pass(prng.below(10_000))
      await world.startNameServer(1)
  }
}

test(`${HOURS} virtual hours leave nothing behind, seed ${SEED}`, async (t) => {
  const world = new ConsumerWorld(SEED)
  const prng = new Prng(SEED)
  await world.start(2)
  await world.makeTopic('soak', 4)
  await world.makeTopic('soak-ordered', 4)
  const producerClient = world.client(1)
  const producer = await world.settle(startProducer(producerClient, { group: 'P_soak' }))
  const sent = new Set<string>()
  const received = new Set<string>()
  const take = (message: { body: Buffer }): void => void received.add(message.body.toString())
  for (const [number, topic, isOrdered] of [
    [2, 'soak', false],
    [3, 'soak', false],
    [4, 'soak-ordered', true],
  ] as const) {
    const options = { group: `C_${topic}`, subscriptions: { [topic]: '*' }, from: 'first' } as const
    const consumer = await world.settle(startConsumer(world.client(number), options))
    await world.settle(isOrdered ? consumer.runOrdered(take) : consumer.run(take))
  }
  const levels: Level[] = []
  let next = 0
  for (let hour = 0; hour < HOURS; hour++) {
    for (let minute = 0; minute < 60; minute += 5) {
      next = await burst(world, producer, sent, next)
      await world.pass(5 * MINUTE_MS - 1000)
      if (minute === 15 || minute === 45) await restartSomething(world, prng)
    }
    await world.until(() => [...sent].every((body) => received.has(body)), 10 * MINUTE_MS)
    // Bodies are the test's own memory.
    sent.clear()
    received.clear()
    await world.pass(MINUTE_MS)
    levels.push(levelOf(world))
  }
  const [first] = levels
  const last = levels.at(-1)
  assert.ok(first !== undefined && last !== undefined)
  t.diagnostic(
    `after the first hour ${JSON.stringify(first)}, after the last ${JSON.stringify(last)}`,
  )
  assert.ok(last.heapBytes - first.heapBytes < HEAP_GROWTH_MAX_BYTES, 'the heap has grown')
  assert.ok(last.timers - first.timers < LEVEL_SPREAD_MAX, 'timers have been left behind')
  assert.ok(last.sockets - first.sockets < LEVEL_SPREAD_MAX, 'connections have been left behind')
})

async function burst(
  world: ConsumerWorld,
  producer: Producer,
  sent: Set<string>,
  first: number,
): Promise<number> {
  for (let index = first; index < first + BURST; index++) {
    const topic = index % 2 === 0 ? 'soak' : 'soak-ordered'
    const body = `m-${index}`
    const work = producer.send({ topic, body }, { timeoutMs: 60_000 }).then(() => sent.add(body))
    await world.settle(work, 120_000)
  }
  return first + BURST
}
