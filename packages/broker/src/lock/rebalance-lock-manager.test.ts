import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@apogee/env'
import { RebalanceLockManager } from './rebalance-lock-manager.ts'

const queue = (queueId: number): { topic: string; brokerName: string; queueId: number } => ({
  topic: 'orders',
  brokerName: 'broker-a',
  queueId,
})

function managerAt(options = {}): { locks: RebalanceLockManager; pass: (ms: number) => void } {
  let nowMs = 0
  // Only the monotonic time is looked at.
  const clock = { monotonicMs: () => nowMs } as unknown as Clock
  return {
    locks: new RebalanceLockManager(options, { clock }),
    pass(ms) {
      nowMs += ms
    },
  }
}

test('a queue has one holder in a group, and groups do not meet', () => {
  const { locks } = managerAt()
  deepEqual(locks.tryLockBatch('g', [queue(0), queue(1)], 'a'), [queue(0), queue(1)])
  deepEqual(locks.tryLockBatch('g', [queue(1), queue(2)], 'b'), [queue(2)])
  deepEqual(locks.tryLockBatch('other', [queue(1)], 'b'), [queue(1)])
})

test('a renewed lock stays, one that is not renewed for 60 s can be taken', () => {
  const { locks, pass } = managerAt()
  locks.tryLockBatch('g', [queue(0), queue(1)], 'a')
  pass(40_000)
  locks.tryLockBatch('g', [queue(0)], 'a')
  pass(20_001)
  deepEqual(locks.tryLockBatch('g', [queue(0), queue(1)], 'b'), [queue(1)])
  equal(locks.isLockAllExpired('g'), false)
  pass(60_001)
  equal(locks.isLockAllExpired('g'), true)
  locks.removeExpired()
  equal(locks.size, 0)
})

test('only the holder can unlock', () => {
  const { locks } = managerAt()
  locks.tryLockBatch('g', [queue(0)], 'a')
  locks.unlockBatch('g', [queue(0)], 'b')
  deepEqual(locks.tryLockBatch('g', [queue(0)], 'b'), [])
  locks.unlockBatch('g', [queue(0)], 'a')
  deepEqual(locks.tryLockBatch('g', [queue(0)], 'b'), [queue(0)])
})

test('beyond the limit no new lock is given and old ones are renewed', () => {
  const { locks } = managerAt({ locksMax: 2 })
  deepEqual(locks.tryLockBatch('g', [queue(0), queue(1), queue(2)], 'a'), [queue(0), queue(1)])
  deepEqual(locks.tryLockBatch('g', [queue(0)], 'a'), [queue(0)])
})
