import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { type BrokerDoubts, QueueChoice, queueOfKey } from './queue-choice.ts'

const NO_DOUBTS: BrokerDoubts = {
  isDown: () => false,
  isAvoided: () => false,
  isStuck: () => false,
}

function queuesOf(counts: Record<string, number>) {
  return Object.entries(counts).flatMap(([brokerName, count]) =>
    Array.from({ length: count }, (_, queueId) => ({ topic: 'T', brokerName, queueId })),
  )
}

function doubts(
  down: readonly string[],
  avoided: readonly string[],
  stuck: readonly string[] = [],
): BrokerDoubts {
  return {
    isDown: (name) => down.includes(name),
    isAvoided: (name) => avoided.includes(name),
    isStuck: (name) => stuck.includes(name),
  }
}

test('queues take turns', () => {
  const queues = queuesOf({ a: 2, b: 1 })
  const choice = new QueueChoice(1)
  const taken = Array.from({ length: 6 }, () => choice.next(queues, NO_DOUBTS, null))
  assert.deepEqual(taken, [queues[1], queues[2], queues[0], queues[1], queues[2], queues[0]])
})

test('the broker that failed is passed over although it has nearly all queues', () => {
  const queues = queuesOf({ a: 1_000, b: 2 })
  const choice = new QueueChoice(0)
  const taken = Array.from({ length: 100 }, () => choice.next(queues, NO_DOUBTS, 'a')!)
  assert(taken.every(({ brokerName }) => brokerName === 'b'))
  const shares = [0, 1].map((id) => taken.filter(({ queueId }) => queueId === id).length)
  assert.deepEqual(shares, [50, 50])
})

test('a quiet broker is better than a slow one, that better than a dead one, and a dead one than none', () => {
  const queues = queuesOf({ a: 2, b: 2, c: 2 })
  const pick = (
    down: string[],
    avoided: string[],
    failed: string | null,
    stuck: string[] = [],
  ): string => new QueueChoice(0).next(queues, doubts(down, avoided, stuck), failed)!.brokerName
  assert.equal(pick([], ['a'], null, ['b']), 'c')
  assert.equal(pick(['a'], ['b'], null, ['c']), 'c')
  assert.equal(pick(['a', 'c'], ['b'], null, ['c']), 'b')
  assert.equal(pick(['a'], ['b'], null), 'c')
  assert.equal(pick(['a'], ['b', 'c'], null), 'b')
  assert.equal(pick(['a', 'b'], ['c'], 'c'), 'a')
  assert.equal(pick(['a', 'b', 'c'], [], null), 'a')
  assert.equal(new QueueChoice(0).next(queuesOf({ a: 1 }), NO_DOUBTS, 'a')!.brokerName, 'a')
  assert.equal(new QueueChoice(0).next([], NO_DOUBTS, null), null)
})

test('property: whatever the doubts, a queue is chosen when there is one, and no doubtful one when there is another', () => {
  const seed = Number(process.env['SEED'] ?? 20_261)
  const prng = new Prng(seed)
  for (let round = 0; round < 2_000; round++) {
    const brokers = ['a', 'b', 'c', 'd'].slice(0, 1 + prng.below(4))
    const queues = queuesOf(Object.fromEntries(brokers.map((name) => [name, 1 + prng.below(5)])))
    const some = (): string[] => brokers.filter(() => prng.below(2) === 0)
    const [down, avoided, stuck] = [some(), some(), some()]
    const failed = prng.below(3) === 0 ? null : brokers[prng.below(brokers.length)]!
    const choice = new QueueChoice(prng.below(1_000))
    const { brokerName } = choice.next(queues, doubts(down, avoided, stuck), failed)!
    const doubtful = new Set([...down, ...avoided, ...stuck, failed])
    const isGood = (name: string): boolean => !doubtful.has(name)
    assert.equal(isGood(brokerName), brokers.some(isGood), `seed ${seed}, round ${round}`)
  }
})

test('a sharding key has the queue that Java computes', () => {
  const queues = queuesOf({ a: 4, b: 4 })
  assert.equal(queueOfKey(queues, 'a'), queues[1])
  assert.equal(queueOfKey(queues, 'order-7'), queues[Math.abs(javaRemainder('order-7', 8))])
  assert.equal(queueOfKey([], 'a'), null)
})

function javaRemainder(text: string, divisor: number): number {
  let hash = 0n
  for (const unit of text) hash = BigInt.asIntN(32, hash * 31n + BigInt(unit.charCodeAt(0)))
  return Number(hash) % divisor
}
