import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import type { ShownMessage } from '../output/message-view.ts'
import { toArray } from '../testing/to-array.ts'
import { type BacklogQueue, mergedBacklog } from './backlog.ts'
import type { QueueTail } from './queue-tail.ts'

/** A queue in memory whose messages were stored at these times, read `page` at a time. */
function queue(
  name: string,
  times: readonly number[],
  page: number,
  endOffset = times.length,
): BacklogQueue {
  const tail = {
    nextOffset: 0,
    read(this: { nextOffset: number }) {
      const from = this.nextOffset
      this.nextOffset = Math.min(times.length, from + page)
      const messages = times.slice(from, this.nextOffset).map((storeTimestamp, place) => ({
        topic: name,
        queueOffset: from + place,
        storeTimestamp,
      }))
      return Promise.resolve(messages as unknown as ShownMessage[])
    },
  }
  return { tail: tail as unknown as QueueTail, endOffset }
}

const fail = (_queue: unknown, error: unknown): never => {
  throw error
}

async function merged(queues: readonly BacklogQueue[]): Promise<[string, number][]> {
  const messages = await toArray(mergedBacklog(queues, new AbortController().signal, fail))
  return messages.map(({ storeTimestamp, topic }) => [topic, storeTimestamp])
}

test('several queues come as one, by the time that each message was stored', async () => {
  const queues = [queue('a', [1, 4, 5], 2), queue('b', [2, 3, 9], 1), queue('c', [], 1)]
  deepEqual(await merged(queues), [
    ['a', 1],
    ['b', 2],
    ['b', 3],
    ['a', 4],
    ['a', 5],
    ['b', 9],
  ])
})

test('what was stored after the look is left for later', async () => {
  deepEqual(await merged([queue('a', [1, 2, 3, 4], 3, 2)]), [
    ['a', 1],
    ['a', 2],
  ])
})

test('random queues: everything comes once, in order', async () => {
  const seed = Date.now() % 1_000_000
  const random = new Prng(seed)
  for (let round = 0; round < 50; round++) {
    const lists = Array.from({ length: 1 + random.below(5) }, () => {
      let time = 0
      return Array.from({ length: random.below(40) }, () => (time += random.below(10)))
    })
    const queues = lists.map((times, place) => queue(`q${place}`, times, 1 + random.below(7)))
    const times = (await merged(queues)).map(([, time]) => time)
    const expected = lists.flat().sort((a, b) => a - b)
    deepEqual(times, expected, `seed ${seed}, round ${round}`)
  }
})

test('a queue that cannot be read any more is told, and the others go on', async () => {
  const broken = queue('b', [2, 8], 1)
  let reads = 0
  const read = broken.tail.read.bind(broken.tail)
  broken.tail.read = (mayWait) => {
    reads += 1
    return reads > 1 ? Promise.reject(new Error('gone')) : read(mayWait)
  }
  const told: unknown[] = []
  const messages = mergedBacklog(
    [queue('a', [1, 5, 9], 2), broken],
    new AbortController().signal,
    (_queue, error) => told.push(error),
  )
  const times = (await toArray(messages)).map(({ storeTimestamp }) => storeTimestamp)
  deepEqual(times, [1, 2, 5, 9])
  deepEqual(told.map(String), ['Error: gone'])
})
