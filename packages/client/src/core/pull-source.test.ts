import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { chooseReadAddress, mayCommitWithPull, PullSource } from './pull-source.ts'

const queue = { topic: 't', brokerName: 'b', queueId: 0 }
const other = { topic: 't', brokerName: 'b', queueId: 1 }

test('a queue is read from the replica that was last suggested for it, at first from the master', () => {
  const source = new PullSource()
  equal(source.wantedBrokerId(queue), 0)
  source.suggested(queue, 1)
  equal(source.wantedBrokerId(queue), 1)
  equal(source.wantedBrokerId(other), 0)
  source.suggested(queue, 0)
  equal(source.wantedBrokerId(queue), 0)
  source.suggested(queue, 2)
  source.remove(queue)
  equal(source.wantedBrokerId(queue), 0)
})

test('a failure turns to the next replica, round and round', () => {
  const source = new PullSource()
  const wanted: number[] = []
  for (let i = 0; i < 4; i++) {
    source.failed(queue, source.wantedBrokerId(queue), [2, 0, 1])
    wanted.push(source.wantedBrokerId(queue))
  }
  deepEqual(wanted, [1, 2, 0, 1])
})

test('without another replica a failure changes nothing; a replica that is gone is left for the first', () => {
  const source = new PullSource()
  source.failed(queue, 0, [0])
  equal(source.wantedBrokerId(queue), 0)
  source.failed(queue, 3, [0, 1])
  equal(source.wantedBrokerId(queue), 0)
  source.failed(queue, 0, [])
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

test('offsets travel with pulls to masters only', () => {
  equal(mayCommitWithPull(0, 1), true)
  equal(mayCommitWithPull(1, 1), false)
  equal(mayCommitWithPull(0, 0), false)
  equal(mayCommitWithPull(0, -1), false)
})
