import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { LOCK_VALID_MS, ProcessQueue, PULL_IDLE_MAX_MS } from './process-queue.ts'

interface Item {
  readonly queueOffset: number
  readonly size: number
}
const item = (queueOffset: number, size = 10): Item => ({ queueOffset, size })
const items = (...offsets: number[]): Item[] => offsets.map((offset) => item(offset))
const queue = { topic: 't', brokerName: 'b', queueId: 0 }
const start = (): ProcessQueue<Item> => new ProcessQueue<Item>(queue, ({ size }) => size, 0)

function takeAll(processQueue: ProcessQueue<Item>, nowMs = 0): number[] {
  const taken: Item[] = []
  processQueue.takeInto(taken, Number.POSITIVE_INFINITY, nowMs)
  return taken.map(({ queueOffset }) => queueOffset)
}

test('the commit offset is the lowest that is not done, whatever the order of ending', () => {
  const processQueue = start()
  equal(processQueue.commitOffset, -1)
  processQueue.put(items(5, 6, 7, 8), 9, 0)
  deepEqual(takeAll(processQueue), [5, 6, 7, 8])
  equal(processQueue.commitOffset, 5)
  equal(processQueue.done(7, 1), 5)
  equal(processQueue.done(5, 1), 6)
  equal(processQueue.done(6, 1), 8)
  equal(processQueue.done(8, 1), 9)
  equal(processQueue.count, 0)
})

test('what a filter left out is committed with the pull that skipped it', () => {
  const processQueue = start()
  processQueue.put(items(10, 40), 100, 0)
  takeAll(processQueue)
  equal(processQueue.done(10, 0), 40)
  equal(processQueue.done(40, 0), 100)
  processQueue.skipTo(250)
  equal(processQueue.commitOffset, 250)
  processQueue.skipTo(200)
  equal(processQueue.commitOffset, 250, 'an older answer takes nothing back')
  processQueue.put(items(251), 252, 0)
  equal(processQueue.commitOffset, 251)
})

test('a message that comes twice is handled once, also after it was done', () => {
  const processQueue = start()
  equal(processQueue.put(items(1, 2, 3), 4, 0), 3)
  equal(processQueue.put(items(2, 3, 4), 5, 0), 1)
  deepEqual(takeAll(processQueue), [1, 2, 3, 4])
  for (const offset of [1, 2, 3, 4]) processQueue.done(offset, 0)
  equal(processQueue.put(items(1, 2, 3, 4), 5, 0), 0)
  deepEqual(takeAll(processQueue), [])
})

test('ending twice, or ending what was never here, changes nothing', () => {
  const processQueue = start()
  processQueue.put(items(1, 5), 6, 0)
  takeAll(processQueue)
  for (const offset of [0, 3, 9, -1]) equal(processQueue.done(offset, 0), 1)
  equal(processQueue.done(5, 0), 1)
  equal(processQueue.done(5, 0), 1)
  deepEqual([processQueue.count, processQueue.bytes], [1, 10])
  equal(processQueue.has(5), false)
  equal(processQueue.has(1), true)
})

test('a message cannot be done before it was taken', () => {
  const processQueue = start()
  processQueue.put(items(1, 2), 3, 0)
  processQueue.take(0)
  throws(() => processQueue.done(2, 0), /not taken/)
})

test('count, bytes and span are of what is not done', () => {
  const processQueue = start()
  processQueue.put([item(10, 100), item(20, 1), item(35, 7)], 36, 0)
  deepEqual([processQueue.count, processQueue.bytes, processQueue.span], [3, 108, 25])
  takeAll(processQueue)
  processQueue.done(35, 0)
  deepEqual([processQueue.count, processQueue.bytes, processQueue.span], [2, 101, 10])
  processQueue.done(20, 0)
  deepEqual([processQueue.count, processQueue.bytes, processQueue.span], [1, 100, 0])
  equal(processQueue.maxOffset, 10)
  equal(processQueue.commitOffset, 10)
  processQueue.done(10, 0)
  deepEqual([processQueue.count, processQueue.bytes, processQueue.span], [0, 0, 0])
  equal(processQueue.commitOffset, 36)
})

test('one stuck handler does not let the ring grow with all that is done after it', () => {
  const processQueue = start()
  processQueue.put(items(0), 1, 0)
  processQueue.take(0)
  for (let offset = 1; offset < 1_000_000; offset++) {
    processQueue.put([item(offset)], offset + 1, 0)
    processQueue.take(0)
    equal(processQueue.done(offset, 0), 0)
  }
  const ring = processQueue as unknown as { offsets: Float64Array }
  equal(ring.offsets.length, 64)
  equal(processQueue.done(0, 0), 1_000_000)
})

test('the ring grows while messages wait, and keeps their order', () => {
  const processQueue = start()
  const offsets = Array.from({ length: 5_000 }, (_, index) => index * 3)
  processQueue.put(items(...offsets.slice(0, 60)), 180, 7)
  for (let i = 0; i < 50; i++) processQueue.done(processQueue.take(0)!.queueOffset, 0)
  processQueue.put(items(...offsets.slice(60)), 15_000, 0)
  equal(processQueue.oldestPutMs, 7)
  deepEqual(takeAll(processQueue), offsets.slice(50))
  for (const offset of offsets.slice(50).reverse()) processQueue.done(offset, 0)
  equal(processQueue.commitOffset, 15_000)
})

test('ordered: what was taken is committed from the front, the rest comes again in its place', () => {
  const processQueue = start()
  processQueue.put(items(1, 2, 3, 4), 5, 0)
  const taken: Item[] = []
  equal(processQueue.takeInto(taken, 3, 0), 3)
  equal(processQueue.commitTaken(1, 2), 3)
  equal(processQueue.rollbackTaken(), 1)
  deepEqual(takeAll(processQueue), [3, 4])
  equal(processQueue.commitTaken(2), 5)
  equal(processQueue.rollbackTaken(), 0)
  throws(() => processQueue.commitTaken(2, 1), /more is committed/)
})

test('the oldest message is known by when it came', () => {
  const processQueue = start()
  equal(processQueue.oldestPutMs, null)
  processQueue.put(items(1), 2, 70)
  processQueue.put(items(2), 3, 90)
  equal(processQueue.oldestPutMs, 70)
  processQueue.take(100)
  processQueue.done(1, 100)
  equal(processQueue.oldestPutMs, 90)
  equal(processQueue.lastConsumeMs, 100)
})

test('a dropped queue gives and takes nothing; what handlers end counts up to what waited', () => {
  const processQueue = start()
  processQueue.put(items(1, 2, 3, 4), 5, 0)
  processQueue.take(0)
  processQueue.take(0)
  processQueue.done(2, 0)
  processQueue.drop()
  equal(processQueue.isDropped, true)
  equal(processQueue.maxOffset, 1)
  deepEqual([processQueue.count, processQueue.bytes, processQueue.waitingCount], [1, 10, 0])
  equal(processQueue.take(0), undefined)
  equal(processQueue.put(items(9), 10, 0), 0)
  processQueue.skipTo(10)
  equal(processQueue.commitOffset, 1)
  equal(processQueue.done(1, 0), 3, 'the messages 3 and 4 were forgotten, not consumed')
  equal(processQueue.count, 0)
})

test('a lock counts for 30 s, and not once it was refused', () => {
  const processQueue = start()
  equal(processQueue.hasValidLock(0), false)
  processQueue.setLocked(true, 1_000)
  equal(processQueue.hasValidLock(1_000 + LOCK_VALID_MS), true)
  equal(processQueue.hasValidLock(1_001 + LOCK_VALID_MS), false)
  equal(processQueue.isLocked, true)
  processQueue.setLocked(false, 2_000)
  equal(processQueue.hasValidLock(2_000), false)
  equal(processQueue.lastLockMs, 1_000)
})

test('a queue that was not pulled for two minutes has lost its loop', () => {
  const processQueue = start()
  equal(processQueue.isPullExpired(PULL_IDLE_MAX_MS), false)
  equal(processQueue.isPullExpired(PULL_IDLE_MAX_MS + 1), true)
  processQueue.lastPullMs = 1
  equal(processQueue.isPullExpired(PULL_IDLE_MAX_MS + 1), false)
})

test('a message is let go when it is done or dropped', () => {
  const processQueue = start()
  processQueue.put(items(1, 2, 3, 4, 5, 6), 7, 0)
  processQueue.take(0)
  processQueue.take(0)
  processQueue.take(0)
  processQueue.done(2, 0)
  processQueue.commitTaken(0, 1)
  processQueue.drop()
  const { messages } = processQueue as unknown as { messages: (Item | undefined)[] }
  deepEqual(
    messages.filter((message) => message !== undefined),
    [item(3)],
  )
})
