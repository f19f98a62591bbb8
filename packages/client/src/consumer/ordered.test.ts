import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Prng } from '@apogee/base'
import { ConsumerWorld, texts } from '../testing/consumer-world.ts'
import type { Consumer } from './consumer.ts'
import { startConsumer } from './start-consumer.ts'

const SEED = 5200

async function worldOf(seed: number, queues: number): Promise<ConsumerWorld> {
  const world = new ConsumerWorld(seed)
  await world.start()
  await world.makeTopic('T', queues)
  return world
}

test('an ordered queue keeps its order while handlers fail, and its dead are buried in their turn', async () => {
  const world = await worldOf(SEED, 2)
  await world.send('T', texts(50, 'a'), { queueId: 0 })
  await world.send('T', texts(50, 'b'), { queueId: 1 })
  const client = world.client(1)
  const consumer = await world.settle(
    startConsumer(client, {
      group: 'G',
      subscriptions: { T: '*' },
      from: 'first',
      maxRetries: 3,
      suspendMs: 100,
    }),
  )
  const consumed: string[] = []
  const attempts = new Map<string, number>()
  let running = 0
  await world.settle(
    consumer.runOrdered(async (message) => {
      const body = message.body.toString()
      const attempt = (attempts.get(body) ?? 0) + 1
      attempts.set(body, attempt)
      assert.equal(message.reconsumeTimes, attempt - 1)
      if (message.queue.queueId === 0) {
        running++
        assert.equal(running, 1, 'one handler per queue')
        await setImmediate()
        running--
      }
      if (body === 'a-10' && attempt < 3) throw new Error('not yet')
      if (body === 'b-20') throw new Error('never')
      consumed.push(body)
    }),
  )
  await world.until(() => consumed.length === 99, 120_000)
  const ofQueue = (prefix: string): string[] => consumed.filter((body) => body.startsWith(prefix))
  assert.deepEqual(ofQueue('a'), texts(50, 'a'))
  assert.deepEqual(
    ofQueue('b'),
    texts(50, 'b').filter((body) => body !== 'b-20'),
  )
  assert.equal(attempts.get('a-10'), 3)
  assert.equal(attempts.get('b-20'), 4)
  await world.settle(consumer.close())
  assert.equal(await world.storedOffset('G', 'T', 0), 50)
  assert.equal(await world.storedOffset('G', 'T', 1), 50)
  assert.equal(await world.storedOffset('D', '%DLQ%G', 0), null)
})

test('members come and go, and every queue is handled in order by one of them at a time', async () => {
  const seed = SEED + 1
  const random = new Prng(seed)
  const world = await worldOf(seed, 4)
  const consumed = new Map<number, number[]>()
  const busy = new Map<number, number>()
  const members = new Map<number, Consumer>()
  let nextMember = 1
  const join = async (): Promise<void> => {
    const number = nextMember++
    const consumer = await world.settle(
      startConsumer(world.client(number), {
        group: 'G',
        subscriptions: { T: '*' },
        from: 'first',
        suspendMs: 20,
      }),
    )
    members.set(number, consumer)
    void consumer.runOrdered(async (message) => {
      const { queueId } = message.queue
      const other = busy.get(queueId)
      assert.equal(other, undefined, `seed ${seed}: ${other} and ${number} have queue ${queueId}`)
      busy.set(queueId, number)
      await new Promise((resolve) => world.world.clock.after(random.below(5), () => resolve(null)))
      busy.delete(queueId)
      if (random.chance(0.05)) throw new Error('again')
      const list = consumed.get(queueId) ?? []
      consumed.set(queueId, list)
      list.push(Number(message.body.toString()))
    })
    await world.pass(1)
  }
  await join()
  const sent = [0, 0, 0, 0]
  for (let round = 0; round < 12; round++) {
    for (let queueId = 0; queueId < 4; queueId++) {
      const bodies = Array.from({ length: 20 }, () => String(sent[queueId]!++))
      await world.send('T', bodies, { queueId })
    }
    if (random.chance(0.5) && members.size > 1) {
      const [number, consumer] = [...members][random.below(members.size)]!
      members.delete(number)
      await world.settle(consumer.close())
    } else if (members.size < 4) await join()
    await world.pass(random.below(4_000))
  }
  const total = sent.reduce((sum, count) => sum + count, 0)
  const distinct = (): number =>
    [...consumed.values()].reduce((sum, list) => sum + new Set(list).size, 0)
  await world.until(() => distinct() === total, 120_000)
  for (const [queueId, list] of consumed) {
    const sorted = [...list].sort((a, b) => a - b)
    assert.deepEqual(list, sorted, `seed ${seed}: queue ${queueId} was handled out of order`)
    assert.equal(new Set(list).size, list.length, `seed ${seed}: nothing drained comes twice`)
  }
  for (const consumer of members.values()) await world.settle(consumer.close())
})
