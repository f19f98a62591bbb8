import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageQueue } from '../../api/message.ts'
import { queueKey } from '../queue-key.ts'
import { allocate } from './allocate.ts'
import { buildHashRing, hashOf, nodeOf } from './hash-ring.ts'
import { compareQueues, sortClientIds, sortQueues } from './order.ts'
import { type AllocateStrategy, resolveStrategy } from './strategy.ts'

// What Java's strategies gave; testdata/AllocateGolden.java wrote it.
const golden: string[][] = readFileSync(
  join(import.meta.dirname, 'testdata/allocate-golden.txt'),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t'))
const linesOf = (kind: string): string[][] =>
  golden.filter(([name]) => name === kind).map((line) => line.slice(1))
const goldenQueues: MessageQueue[] = linesOf('queue').map(([topic = '', brokerName = '', id]) => ({
  topic,
  brokerName,
  queueId: Number(id),
}))
const goldenClients: string[] = linesOf('client').map(([id]) => JSON.parse(`"${id}"`) as string)
const indicesOf = (text = ''): number[] => (text === '' ? [] : text.split(' ').map(Number))

const roomOfBroker = (brokerName: string): string => brokerName.split('@')[0] ?? ''
const roomOfClient = (clientId: string): string => clientId.split('#')[1] ?? ''
const strategies: Record<string, AllocateStrategy> = {
  AVG: resolveStrategy(undefined),
  AVG_BY_CIRCLE: resolveStrategy('AVG_BY_CIRCLE'),
  CONSISTENT_HASH: resolveStrategy('CONSISTENT_HASH'),
  CONFIG: resolveStrategy({
    strategy: 'CONFIG',
    queues: [goldenQueues[3]!, goldenQueues[1]!],
  }),
  MACHINE_ROOM: resolveStrategy({
    strategy: 'MACHINE_ROOM',
    rooms: ['room1', 'room2', 'room3', 'room4'],
  }),
  'MACHINE_ROOM_NEARBY-AVG': resolveStrategy({
    strategy: 'MACHINE_ROOM_NEARBY',
    brokerRoom: roomOfBroker,
    clientRoom: roomOfClient,
  }),
}

test('queues and members are sorted as Java sorts them, surrogates included', () => {
  const queues = indicesOf(linesOf('sorted-queues')[0]![0]).map((index) => goldenQueues[index])
  const clients = indicesOf(linesOf('sorted-clients')[0]![0]).map((index) => goldenClients[index])
  deepEqual(sortQueues(goldenQueues), queues)
  deepEqual(sortClientIds(goldenClients), clients)
  ok(clients.indexOf('b\ud83d\ude00@1#room1') < clients.indexOf('b\uff5e@1#room2'))
})

for (const [name, strategy] of Object.entries(strategies)) {
  test(`${name} gives every member what Java gives it, for 0 to 20 queues and 1 to 8 members`, () => {
    const lines = linesOf(name)
    equal(lines.length, 21 * 8)
    for (const [queueCount, clientCount, parts = ''] of lines) {
      // Java refuses to share no queues at all; here nobody gets any.
      const expected = parts.split(';').map((part) => indicesOf(part === 'throws' ? '' : part))
      const queues = goldenQueues.slice(0, Number(queueCount))
      const clientIds = goldenClients.slice(0, Number(clientCount))
      const actual = clientIds.map((clientId) =>
        allocate(strategy, { group: 'group', clientId, queues, clientIds }).map((queue) =>
          goldenQueues.findIndex((other) => queueKey(other) === queueKey(queue)),
        ),
      )
      deepEqual(actual, expected, `${queueCount} queues, ${clientCount} members`)
    }
  })
}

const names = fc.stringMatching(/^[A-Za-z0-9._%~-]{1,8}$/)
const arbitraryQueues: fc.Arbitrary<MessageQueue[]> = fc
  .uniqueArray(
    fc.record({ topic: fc.constantFrom('t', 'T'), brokerName: names, queueId: fc.nat(15) }),
    { selector: queueKey, maxLength: 40 },
  )
  .map((queues) => queues.map((queue) => ({ ...queue, brokerName: `r1@${queue.brokerName}` })))
const arbitraryClients = fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1 }), {
  minLength: 1,
  maxLength: 12,
})
const sharing: AllocateStrategy[] = [
  { name: 'AVG' },
  { name: 'AVG_BY_CIRCLE' },
  { name: 'CONSISTENT_HASH', virtualNodes: 10 },
  { name: 'MACHINE_ROOM', rooms: new Set(['r1']) },
  {
    name: 'MACHINE_ROOM_NEARBY',
    brokerRoom: (brokerName) => `room ${brokerName.length % 3}`,
    clientRoom: (clientId) => `room ${clientId.length % 4}`,
  },
]

for (const strategy of sharing) {
  test(`${strategy.name}: every queue has exactly one owner, whatever the order of the lists`, () => {
    fc.assert(
      fc.property(arbitraryQueues, arbitraryClients, fc.nat(), (queues, clientIds, turn) => {
        const first = turn % clientIds.length
        const turned = [...clientIds.slice(first), ...clientIds.slice(0, first)]
        const owned = clientIds.flatMap((clientId) => {
          const part = allocate(strategy, { group: 'g', clientId, queues, clientIds })
          const again = { group: 'g', clientId, queues: queues.toReversed(), clientIds: turned }
          deepEqual(allocate(strategy, again), part)
          return part
        })
        deepEqual(owned.toSorted(compareQueues), sortQueues(queues))
      }),
    )
  })
}

test('AVG and AVG_BY_CIRCLE: no member has more than one queue over another', () => {
  fc.assert(
    fc.property(arbitraryQueues, arbitraryClients, (queues, clientIds) => {
      for (const strategy of sharing.slice(0, 2)) {
        const sizes = clientIds.map(
          (clientId) => allocate(strategy, { group: 'g', clientId, queues, clientIds }).length,
        )
        ok(Math.max(...sizes) - Math.min(...sizes) <= 1)
      }
    }),
  )
})

test('CONSISTENT_HASH: when a member leaves, only its queues change hands', () => {
  const strategy = resolveStrategy('CONSISTENT_HASH')
  fc.assert(
    fc.property(arbitraryQueues, arbitraryClients, (queues, clientIds) => {
      const left = clientIds.slice(1)
      for (const clientId of left) {
        const before = allocate(strategy, { group: 'g', clientId, queues, clientIds })
        const after = allocate(strategy, { group: 'g', clientId, queues, clientIds: left })
        const keys = new Set(after.map(queueKey))
        ok(before.every((queue) => keys.has(queueKey(queue))))
      }
    }),
  )
})

test('who is not a member gets nothing, but of CONFIG', () => {
  const input = { group: 'g', clientId: 'x', queues: goldenQueues, clientIds: ['a', 'b'] }
  for (const [name, strategy] of Object.entries(strategies)) {
    equal(allocate(strategy, input).length, name === 'CONFIG' ? 2 : 0, name)
  }
})

test('a room that a resolver does not know is an error with a code', () => {
  const strategy = resolveStrategy({
    strategy: 'MACHINE_ROOM_NEARBY',
    brokerRoom: () => '',
    clientRoom: () => 'r',
  })
  throws(
    () => allocate(strategy, { group: 'g', clientId: 'a', queues: goldenQueues, clientIds: ['a'] }),
    { code: 'RMQ_INVALID_ARGUMENT' },
  )
})

test('a strategy without what it needs, or unknown, is refused', () => {
  const wrong: unknown[] = [
    'CONFIG',
    'MACHINE_ROOM',
    'MACHINE_ROOM_NEARBY',
    'avg',
    { strategy: 'AVG ' },
    { strategy: 'MACHINE_ROOM_NEARBY' },
    { strategy: 'CONSISTENT_HASH', virtualNodes: 0 },
    { strategy: 'CONSISTENT_HASH', virtualNodes: 10_001 },
  ]
  for (const option of wrong) {
    throws(() => resolveStrategy(option as 'AVG'), { code: 'RMQ_INVALID_ARGUMENT' })
  }
  deepEqual(resolveStrategy({ strategy: 'CONSISTENT_HASH', virtualNodes: 3 }), {
    name: 'CONSISTENT_HASH',
    virtualNodes: 3,
  })
})

test('the ring: a hash is the first 32 bits of MD5, and the circle closes', () => {
  // RFC 1321: MD5 of "abc" is 900150983cd24fb0…, of the empty text d41d8cd98f00b204….
  equal(hashOf('abc'), 0x90015098)
  equal(hashOf(''), 0xd41d8cd9)
  equal(nodeOf(buildHashRing([], 10), 'key'), null)
  const ring = { points: [5, 9], nodes: ['first', 'second'] }
  equal(nodeOf(ring, 'abc'), 'first')
  equal(nodeOf({ points: [0x90015098, 0x90015099], nodes: ['at', 'after'] }, 'abc'), 'at')
  equal(buildHashRing(['a', 'b'], 10).points.length, 20)
})
