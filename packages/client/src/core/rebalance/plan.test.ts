import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageQueue } from '../../api/message.ts'
import { queueKey } from '../queue-key.ts'
import {
  type AllocationInput,
  decideAllocation,
  isChange,
  type OwnedQueue,
  planRebalance,
  queuesByBroker,
} from './plan.ts'

const queue = (queueId: number, brokerName = 'a'): MessageQueue => ({
  topic: 't',
  brokerName,
  queueId,
})
const owned = (queueId: number, state: 'reading' | 'releasing' | 'expired'): OwnedQueue => ({
  queue: queue(queueId),
  isReleasing: state === 'releasing',
  isExpired: state === 'expired',
})

test('a plan starts what is new, gives up what is not ours, and leaves the rest alone', () => {
  const plan = planRebalance(
    [owned(0, 'reading'), owned(1, 'reading'), owned(2, 'releasing')],
    [queue(3), queue(1)],
  )
  deepEqual(plan, { add: [queue(3)], release: [queue(0)], keep: [queue(1)], wait: [] })
  equal(isChange(plan), true)
})

test('a queue that comes back while it is being released is neither kept nor started yet', () => {
  const plan = planRebalance([owned(0, 'releasing')], [queue(0)])
  deepEqual(plan, { add: [], release: [], keep: [], wait: [queue(0)] })
  equal(isChange(plan), false)
})

test('a queue whose reading has broken is given up and started anew', () => {
  const plan = planRebalance([owned(0, 'expired')], [queue(0)])
  deepEqual(plan, { add: [queue(0)], release: [queue(0)], keep: [], wait: [] })
})

test('after a plan is done, exactly what was allocated is owned, but for what waits', () => {
  const states = fc.constantFrom('reading' as const, 'releasing' as const, 'expired' as const)
  const arbitraryOwned = fc.uniqueArray(fc.tuple(fc.nat(9), states), { selector: ([id]) => id })
  fc.assert(
    fc.property(arbitraryOwned, fc.uniqueArray(fc.nat(9)), (before, wanted) => {
      const plan = planRebalance(
        before.map(([id, state]) => owned(id, state)),
        wanted.map((id) => queue(id)),
      )
      const reading = new Set(before.filter(([, s]) => s !== 'releasing').map(([id]) => id))
      for (const { queueId } of plan.release) reading.delete(queueId)
      for (const { queueId } of plan.keep) equal(reading.has(queueId), true)
      for (const { queueId } of plan.add) {
        equal(reading.has(queueId), false, 'started while it is read')
        reading.add(queueId)
      }
      for (const { queueId } of plan.wait) reading.add(queueId)
      deepEqual(reading, new Set(wanted))
    }),
  )
})

test('locks are asked of each broker for its own queues', () => {
  const groups = queuesByBroker([queue(0), queue(0, 'b'), queue(1)])
  deepEqual(
    [...groups],
    [
      ['a', [queue(0), queue(1)]],
      ['b', [queue(0, 'b')]],
    ],
  )
})

test('a part that cannot be told is unknown with its reason, never empty', () => {
  const input: AllocationInput = {
    group: 'g',
    clientId: 'me',
    model: 'clustering',
    queues: [queue(0), queue(1)],
    clientIds: ['me', 'you'],
  }
  const reasonOf = (change: Partial<AllocationInput>): string => {
    const allocation = decideAllocation({ name: 'AVG' }, { ...input, ...change })
    return allocation.kind === 'unknown'
      ? allocation.reason
      : allocation.queues.map(queueKey).join()
  }
  equal(reasonOf({ queues: null }), 'NO_ROUTE')
  equal(reasonOf({ queues: [] }), 'NO_QUEUES')
  equal(reasonOf({ clientIds: null }), 'NO_MEMBERS')
  equal(reasonOf({ clientIds: [] }), 'NO_MEMBERS')
  equal(reasonOf({ clientIds: ['you'] }), 'NOT_A_MEMBER')
  equal(reasonOf({}), queueKey(queue(0)))
  equal(
    reasonOf({ model: 'broadcasting', clientIds: null }),
    [queueKey(queue(0)), queueKey(queue(1))].join(),
  )
})
