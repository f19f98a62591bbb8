import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import type { TopicRoute } from '../remote/contract.ts'
import { queueOfKey } from './queue-choice.ts'
import { ShardRing } from './shard-ring.ts'
import { topicRouteOf } from './topic-route.ts'

/** `a4 b2- c2!`: a has 4 queues, b 2 without write permission, c 2 and no master (a slave is left). */
function route(text: string, orderTopicConf: string | null = null): TopicRoute {
  const parts = text.split(' ').filter((part) => part !== '')
  const queueDatas = parts.map((part) => ({
    brokerName: part[0]!,
    readQueueNums: Number(part[1]),
    writeQueueNums: Number(part[1]),
    perm: part.endsWith('-') ? 4 : 6,
    topicSysFlag: 0,
  }))
  const brokerDatas = parts.map((part) => ({
    cluster: 'c',
    brokerName: part[0]!,
    brokerAddrs: new Map([[part.endsWith('!') ? 1 : 0, `${part[0]}:1`]]),
    zoneName: null,
    enableActingMaster: false,
  }))
  return topicRouteOf('T', {
    orderTopicConf,
    queueDatas,
    brokerDatas,
    filterServerTable: new Map(),
    topicQueueMappingByBroker: null,
  })
}

function shown(ring: ShardRing): string {
  return ring.queues
    .map(({ brokerName, queueId }) => {
      return `${brokerName}${queueId}${ring.isMissing(brokerName) ? '?' : ''}`
    })
    .join(' ')
}

/** Each line: a route, and what the ring is after it. */
const SCRIPTS: Record<string, readonly (readonly [route: string, ring: string])[]> = {
  'a broker that dies keeps its place until it is back': [
    ['a1 b2', 'a0 b0 b1'],
    ['b2', 'a0? b0 b1'],
    ['', 'a0? b0? b1?'],
    ['b2', 'a0? b0 b1'],
    ['a1 b2', 'a0 b0 b1'],
  ],
  'a broker that has given up its write permission leaves, and stays away when it is gone': [
    ['a1 b2', 'a0 b0 b1'],
    ['a1- b2', 'b0 b1'],
    ['b2', 'b0 b1'],
    ['a1 b2', 'a0 b0 b1'],
  ],
  'a broker that dies and comes back to be drained leaves': [
    ['a1 b1', 'a0 b0'],
    ['b1', 'a0? b0'],
    ['a1- b1', 'b0'],
  ],
  'a master that died while its slave lives keeps its place, also for who comes new': [
    ['a1! b1', 'a0 b0'],
    ['a1 b1', 'a0 b0'],
    ['a1! b1', 'a0 b0'],
  ],
  'other numbers of queues and new brokers are followed': [
    ['a1 b1', 'a0 b0'],
    ['b1', 'a0? b0'],
    ['a3 b1', 'a0 a1 a2 b0'],
    ['a3 b1 c1', 'a0 a1 a2 b0 c0'],
    ['a2 b1 c1', 'a0 a1 b0 c0'],
    ['a2 b0 c1', 'a0 a1 c0'],
  ],
  'who starts while a broker is away does not know of it': [['b2', 'b0 b1']],
}

for (const [name, steps] of Object.entries(SCRIPTS)) {
  test(name, () => {
    const ring = new ShardRing()
    for (const [text, expected] of steps) {
      ring.update(route(text))
      assert.equal(shown(ring), expected, `after ${text}`)
    }
  })
}

test('an order configuration is the ring, whatever brokers do; without it the route counts anew', () => {
  const ring = new ShardRing()
  ring.update(route('a1 c1'))
  ring.update(route('b1', 'b:2;a:1'))
  assert.equal(shown(ring), 'b0 b1 a0')
  ring.update(route('', 'b:2;a:1'))
  assert.equal(shown(ring), 'b0 b1 a0')
  ring.update(route('b1'))
  assert.equal(shown(ring), 'b0')
})

test('brokers are named once when they leave without notice, and forgotten with the topic', () => {
  const ring = new ShardRing()
  assert.deepEqual(ring.update(route('a1 b1')), [])
  assert.deepEqual(ring.update(route('b1')), ['a'])
  assert.deepEqual(ring.update(route('b1')), [])
  ring.clear()
  assert.deepEqual(ring.update(route('b1')), [])
  assert.equal(shown(ring), 'b0')
})

test('a queue is found by broker and id, as the object that the route has', () => {
  const ring = new ShardRing()
  const known = route('a1 b1')
  ring.update(known)
  assert.equal(ring.find({ topic: 'T', brokerName: 'b', queueId: 0 }), known.publishQueues[1])
  assert.equal(ring.find({ topic: 'T', brokerName: 'b', queueId: 1 }), null)
})

test('property: while brokers die and return in any order, no key changes its queue', () => {
  const seed = Number(process.env['SEED'] ?? 8_121)
  const prng = new Prng(seed)
  const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`)
  for (let round = 0; round < 300; round++) {
    const all = ['a', 'b', 'c', 'd'].map((name) => `${name}${1 + prng.below(4)}`)
    const ring = new ShardRing()
    const queueOf = (key: string): string => {
      const { brokerName, queueId } = queueOfKey(ring.queues, key)!
      return `${brokerName}${queueId}`
    }
    ring.update(route(all.join(' ')))
    const before = keys.map(queueOf)
    for (let step = 0; step < 10; step++) {
      const parts = all.filter(() => prng.below(3) > 0)
      const text = parts.map((part) => (prng.below(4) === 0 ? `${part}!` : part)).join(' ')
      ring.update(route(text))
      assert.deepEqual(keys.map(queueOf), before, `seed ${seed}, round ${round}, ${text}`)
    }
  }
})
