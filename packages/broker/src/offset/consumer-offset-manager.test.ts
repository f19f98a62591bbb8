import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '@apogee/remoting'
import fc from 'fast-check'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { ConsumerOffsetManager } from './consumer-offset-manager.ts'
import { QueueOffsets } from './queue-offsets.ts'

function manager(values: Partial<BrokerConfigValues> = {}): ConsumerOffsetManager {
  const deps = { clock: new ManualClock(), log: silentLogger }
  return new ConsumerOffsetManager(BrokerConfig.of(values), deps)
}

test('what is committed is what is read, per group, topic and queue', () => {
  const offsets = manager()
  equal(offsets.queryOffset('g', 't', 0), -1)
  offsets.commitOffset('g', 't', 0, 5)
  offsets.commitOffset('g', 't', 9000, 7)
  equal(offsets.queryOffset('g', 't', 0), 5)
  equal(offsets.queryOffset('g', 't', 9000), 7)
  equal(offsets.queryOffset('h', 't', 0), -1)
  offsets.commitOffset('g', 't', 0, 3)
  equal(offsets.queryOffset('g', 't', 0), 3)
  equal(offsets.size, 2)
  deepEqual(offsets.whichTopicByConsumer('g'), ['t'])
  deepEqual(offsets.whichGroupByTopic('t'), ['g'])
})

test('a reset is seen at once and used up by one pull', () => {
  const offsets = manager()
  offsets.commitOffset('g', 't', 0, 5)
  equal(offsets.assignResetOffset('t', 'g', 0, 1), true)
  equal(offsets.assignResetOffset('t', 'g', -1, 1), false)
  equal(offsets.hasOffsetReset('t', 'g', 0), true)
  equal(offsets.queryOffset('g', 't', 0), 1)
  equal(offsets.queryThenEraseResetOffset('t', 'g', 0), 1)
  equal(offsets.queryThenEraseResetOffset('t', 'g', 0), -1)
  equal(offsets.queryOffset('g', 't', 0), 1)
})

test('the table has a limit, and known queues go on', () => {
  const offsets = manager({ offsetsMax: 2 })
  equal(offsets.commitOffset('g', 't', 0, 1), true)
  equal(offsets.commitOffset('g', 't', 1, 1), true)
  equal(offsets.commitOffset('g', 't', 2, 1), false)
  equal(offsets.commitOffset('g', 't', 1, 2), true)
  offsets.removeOffset('g')
  equal(offsets.size, 0)
  equal(offsets.commitOffset('g', 't', 2, 1), true)
})

test('offsets are cloned as they are and go with their topic or group', () => {
  const offsets = manager()
  offsets.commitOffset('g', 't', 0, 5)
  offsets.commitOffset('h', 't', 1, 9)
  offsets.cloneOffset('g', 'h', 't')
  deepEqual(offsets.queryOffsets('h', 't')?.entries(), [[0, 5]])
  offsets.cleanOffsetByTopic('t')
  equal(offsets.size, 0)
  equal(offsets.queryOffset('g', 't', 0), -1)
})

test('the lowest offset of all groups leaves out some groups and what lies before the queue', () => {
  const offsets = manager()
  offsets.commitOffset('a', 't', 0, 5)
  offsets.commitOffset('b', 't', 0, 3)
  offsets.commitOffset('c', 't', 0, 1)
  offsets.commitOffset('c', 't', 1, 1)
  const lowest = offsets.queryMinOffsetInAllGroup('t', new Set(['c']), () => 4)
  deepEqual([...lowest], [[0, 5]])
})

test('queue offsets behave like a map whatever the queue ids', () => {
  const ids = fc.oneof(fc.nat(20), fc.integer({ min: 4090, max: 4100 }), fc.nat(1_000_000))
  fc.assert(
    fc.property(fc.array(fc.tuple(ids, fc.nat(5))), (steps) => {
      const offsets = new QueueOffsets()
      const model = new Map<number, number>()
      for (const [queueId, offset] of steps) {
        if (offset === 5) equal(offsets.delete(queueId), model.delete(queueId))
        else {
          equal(offsets.set(queueId, offset), !model.has(queueId))
          model.set(queueId, offset)
        }
        equal(offsets.size, model.size)
        equal(offsets.get(queueId), model.get(queueId) ?? -1)
      }
      deepEqual(new Map(offsets.entries()), model)
    }),
  )
})

test('where pulls have got to is noted up to the same limit, and goes with topic and group', () => {
  const offsets = manager({ offsetsMax: 2 })
  for (const queueId of [0, 1, 2]) offsets.commitPullOffset('g', 'orders', queueId, 5)
  equal(offsets.queryPullOffset('g', 'orders', 1), 5)
  equal(offsets.queryPullOffset('g', 'orders', 2), -1)
  offsets.commitPullOffset('g', 'orders', 1, 6)
  equal(offsets.queryPullOffset('g', 'orders', 1), 6)
  offsets.removeOffset('g')
  equal(offsets.queryPullOffset('g', 'orders', 1), -1)
  offsets.commitPullOffset('h', 'orders', 2, 7)
  offsets.cleanOffsetByTopic('orders')
  offsets.commitPullOffset('h', 'other', 0, 8)
  offsets.commitPullOffset('h', 'other', 1, 9)
  equal(offsets.queryPullOffset('h', 'other', 1), 9)
})
