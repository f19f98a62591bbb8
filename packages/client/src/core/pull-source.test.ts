import assert, { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  chooseReadAddress,
  DOUBT_MAX_MS,
  DOUBT_MIN_MS,
  mayCommitWithPull,
  PullSource,
  replicasInOrder,
} from './pull-source.ts'

const queue = { topic: 't', brokerName: 'b', queueId: 0 }
const other = { topic: 't', brokerName: 'b', queueId: 1 }
const IDS = [2, 0, 1]

test('a queue is read from the replica that was last suggested for it, at first from the master', () => {
  const source = new PullSource()
  equal(source.wantedBrokerId(queue), 0)
  source.answered(queue, 0, 1, true, 0)
  equal(source.wantedBrokerId(queue), 1)
  equal(source.wantedBrokerId(other), 0)
  source.answered(queue, 1, 1, true, 0)
  equal(source.wantedBrokerId(queue), 1)
  source.answered(queue, 1, 0, true, 0)
  equal(source.wantedBrokerId(queue), 0)
  source.answered(queue, 0, 2, true, 0)
  source.remove(queue)
  equal(source.wantedBrokerId(queue), 0)
})

test('a suggestion of what cannot be reached is not followed, and the one that answered is kept', () => {
  const source = new PullSource()
  source.answered(queue, 0, 1, false, 0)
  equal(source.wantedBrokerId(queue), 0)
  source.answered(queue, 1, 0, false, 0)
  equal(source.wantedBrokerId(queue), 1)
})

test('a failure turns to the next replica at once, as long as there is one that has not failed', () => {
  const source = new PullSource()
  const steps: (readonly [wanted: number, atOnce: boolean])[] = []
  for (let i = 0; i < 5; i++) {
    const atOnce = source.failed(queue, source.wantedBrokerId(queue), IDS, 100)
    steps.push([source.wantedBrokerId(queue), atOnce])
  }
  deepEqual(steps, [
    [1, true],
    [2, true],
    [0, false],
    [1, false],
    [2, false],
  ])
})

test('a dead master that the slave still names is tried again after 1 s, 2 s, … 10 s, and not before', () => {
  const source = new PullSource()
  const triedMs: number[] = []
  source.failed(queue, 0, [0, 1], 0)
  for (let nowMs = 0; nowMs < 40_000; nowMs += 100) {
    source.answered(queue, 1, 0, true, nowMs)
    if (source.wantedBrokerId(queue) !== 0) continue
    triedMs.push(nowMs)
    assert(source.failed(queue, 0, [0, 1], nowMs), 'the slave is sound')
    equal(source.wantedBrokerId(queue), 1)
  }
  deepEqual(triedMs, [1_000, 3_000, 7_000, 15_000, 25_000, 35_000])
  equal(DOUBT_MIN_MS * 2 ** 4 > DOUBT_MAX_MS, true)
})

test('a master that answered once is trusted at once, for all queues', () => {
  const source = new PullSource()
  source.failed(queue, 0, [0, 1], 0)
  source.failed(other, 0, [0, 1], 5)
  source.answered(other, 1, 0, true, 10)
  equal(source.wantedBrokerId(other), 1)
  source.answered(queue, 0, 0, true, 20)
  source.answered(other, 1, 0, true, 21)
  equal(source.wantedBrokerId(other), 0)
})

test('queues that fail together are one failure of their replica', () => {
  const source = new PullSource()
  for (let queueId = 0; queueId < 8; queueId++) {
    source.failed({ ...queue, queueId }, 0, [0, 1], queueId)
  }
  source.answered(queue, 1, 0, true, 1_000)
  equal(source.wantedBrokerId(queue), 0)
})

test('without another replica a failure changes nothing; a replica that is gone is left for the first', () => {
  const source = new PullSource()
  equal(source.failed(queue, 0, [0], 0), false)
  equal(source.wantedBrokerId(queue), 0)
  equal(source.failed(queue, 3, [0, 1], 5_000), true)
  equal(source.wantedBrokerId(queue), 0)
  equal(source.failed(queue, 0, [], 5_000), false)
  equal(source.wantedBrokerId(queue), 0)
})

test('the address is that of the wanted replica, else of one near it', () => {
  const all = new Map([
    [2, 'two'],
    [0, 'zero'],
    [1, 'one'],
  ])
  deepEqual(chooseReadAddress(all, 1), { address: 'one', brokerId: 1 })
  const without1 = new Map([...all].filter(([id]) => id !== 1))
  deepEqual(chooseReadAddress(without1, 1), { address: 'two', brokerId: 2 })
  deepEqual(chooseReadAddress(new Map([[0, 'zero']]), 1), { address: 'zero', brokerId: 0 })
  deepEqual(chooseReadAddress(new Map([[3, 'three']]), 0), { address: 'three', brokerId: 3 })
  equal(chooseReadAddress(new Map([[0, '']]), 0), null)
  equal(chooseReadAddress(new Map(), 0), null)
})

test('replicas are asked master first, and broken connections last', () => {
  const all = new Map([
    [2, 'two'],
    [0, 'zero'],
    [1, 'one'],
    [3, ''],
  ])
  const order = (...down: string[]): number[] =>
    replicasInOrder(all, (address) => down.includes(address)).map(({ brokerId }) => brokerId)
  deepEqual(order(), [0, 1, 2])
  deepEqual(order('zero'), [1, 2, 0])
  deepEqual(order('zero', 'one', 'two'), [0, 1, 2])
})

test('offsets travel with pulls to masters only', () => {
  equal(mayCommitWithPull(0, 1), true)
  equal(mayCommitWithPull(1, 1), false)
  equal(mayCommitWithPull(0, 0), false)
  equal(mayCommitWithPull(0, -1), false)
})
