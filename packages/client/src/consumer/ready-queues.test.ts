import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { QueueReader } from './queue-reader.ts'
import { ReadyQueues, TURN } from './ready-queues.ts'

/** Of a reader only its mark is looked at. */
function reader(): QueueReader<Buffer> {
  return { isListed: false } as QueueReader<Buffer>
}

test('a queue stands in the list once, and again when it was taken off', () => {
  const ready = new ReadyQueues<Buffer>()
  const [one, two] = [reader(), reader()]
  ready.add(one)
  ready.add(two)
  ready.add(one)
  equal(ready.size, 2)
  equal(ready.shift(), one)
  ready.add(one)
  deepEqual([ready.shift(), ready.shift(), ready.shift()], [two, one, undefined])
})

test('a queue gives a turn of messages, then it is the turn of the next', () => {
  const ready = new ReadyQueues<Buffer>()
  const [one, two] = [reader(), reader()]
  ready.add(one)
  ready.add(two)
  for (let i = 1; i < TURN; i++) ready.gave()
  equal(ready.first, one)
  ready.gave()
  equal(ready.first, two)
  for (let i = 0; i < TURN; i++) ready.gave()
  equal(ready.first, one)
})

test('a queue that is alone goes on, and one that follows has a whole turn', () => {
  const ready = new ReadyQueues<Buffer>()
  const [one, two] = [reader(), reader()]
  ready.add(one)
  for (let i = 0; i < TURN - 1; i++) ready.gave()
  ready.shift()
  ready.add(two)
  ready.add(one)
  for (let i = 1; i < TURN; i++) ready.gave()
  equal(ready.first, two)
})
