import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumeQueue, MessageFilter, QueueWaiter } from '@apogee/store'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { FakeConnection } from '../testing/fake-connection.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { LongPolling } from './long-polling.ts'
import type { ParkOutcome, PullResumer } from './parked-pull.ts'

/** A queue that is nothing but its end and its waiter. */
class FakeQueue {
  maxOffset = 0
  waiter: QueueWaiter | null = null

  arrive(tagsCode = 0): void {
    this.maxOffset++
    this.waiter?.arrived(this.asQueue(), this.maxOffset - 1, tagsCode, 0)
  }

  asQueue(): ConsumeQueue {
    return this as unknown as ConsumeQueue
  }
}

class Recorder implements PullResumer {
  readonly resumed: [token: number, expired: boolean][] = []
  readonly dropped: number[] = []

  resumePull(token: number, expired: boolean): void {
    this.resumed.push([token, expired])
  }

  dropPull(token: number): void {
    this.dropped.push(token)
  }
}

const onlyTag = (code: number): MessageFilter => ({
  needsRecord: false,
  matchesTags: (tagsCode) => tagsCode === code,
  matchesRecord: () => true,
})

interface Setup {
  clock: ManualClock
  polls: LongPolling
  queue: FakeQueue
  resumer: Recorder
  connection: FakeConnection
  park: (token: number, more?: { filter?: MessageFilter; deadlineMs?: number }) => ParkOutcome
}

function setUp(values: Partial<BrokerConfigValues> = {}): Setup {
  const clock = new ManualClock()
  const polls = new LongPolling(BrokerConfig.of(values), { clock })
  const queue = new FakeQueue()
  const resumer = new Recorder()
  const connection = new FakeConnection()
  return {
    clock,
    polls,
    queue,
    resumer,
    connection,
    park: (token, { filter = null, deadlineMs = 15_000 } = {} as never) =>
      polls.park(
        queue.asQueue(),
        queue.maxOffset,
        filter,
        clock.monotonicMs() + deadlineMs,
        connection,
        resumer,
        token,
      ),
  }
}

test('a burst of messages resumes a pull once, after the turn that brought them', () => {
  const { clock, park, polls, queue, resumer } = setUp()
  park(1)
  queue.arrive()
  queue.arrive()
  deepEqual(resumer.resumed, [])
  clock.turn()
  deepEqual(resumer.resumed, [[1, false]])
  equal(polls.size, 0)
  equal(queue.waiter, null)
  equal(clock.timers, 0)
})

test('what arrived before the pull was parked wakes it at once', () => {
  const { clock, polls, queue, resumer, connection } = setUp()
  queue.maxOffset = 3
  polls.park(queue.asQueue(), 2, null, 15_000, connection, resumer, 1)
  clock.turn()
  deepEqual(resumer.resumed, [[1, false]])
})

test('a message that the filter does not want resumes the pull at the next sweep only', () => {
  const { clock, park, queue, resumer } = setUp()
  park(1, { filter: onlyTag(7) })
  park(2, { filter: onlyTag(8) })
  queue.arrive(7)
  clock.turn()
  deepEqual(resumer.resumed, [[1, false]])
  clock.advance(5000)
  deepEqual(resumer.resumed, [
    [1, false],
    [2, false],
  ])
})

test('a pull whose time is up is resumed as expired, soon after and never before', () => {
  const { clock, park, resumer } = setUp()
  for (const [token, deadlineMs] of [1500, 20_000, 100_000].entries()) park(token, { deadlineMs })
  clock.advance(1499)
  deepEqual(resumer.resumed, [])
  clock.advance(1001)
  deepEqual(resumer.resumed, [[0, true]])
  clock.advance(18_500)
  equal(resumer.resumed.length, 2)
  clock.advance(78_000)
  equal(resumer.resumed.length, 2)
  clock.advance(3000)
  equal(resumer.resumed.length, 3)
  equal(clock.timers, 0)
})

test('a closed connection drops its pulls, also those that were about to be resumed', () => {
  const { clock, connection, park, polls, queue, resumer } = setUp()
  park(1)
  park(2)
  queue.arrive()
  connection.close()
  clock.turn()
  deepEqual(resumer.resumed, [])
  deepEqual(
    resumer.dropped.toSorted((a, b) => a - b),
    [1, 2],
  )
  equal(polls.size, 0)
})

test('there are limits for all and for one connection', () => {
  const { park, polls, queue, resumer } = setUp({
    parkedPullsMax: 3,
    parkedPullsPerConnectionMax: 2,
  })
  deepEqual([park(1), park(2), park(3)], ['parked', 'parked', 'full'])
  const other = new FakeConnection()
  const parkOther = (token: number): ParkOutcome =>
    polls.park(queue.asQueue(), 0, null, 9000, other, resumer, token)
  deepEqual([parkOther(4), parkOther(5)], ['parked', 'full'])
})

test('whoever waited at the queue before is told as well and gets his place back', () => {
  const { clock, park, queue } = setUp()
  let told = 0
  const before: QueueWaiter = { arrived: () => told++ }
  queue.waiter = before
  park(1)
  queue.arrive()
  clock.turn()
  equal(told, 1)
  equal(queue.waiter, before)
})

test('a stop ends all waits and lets none begin', () => {
  const { clock, park, polls, resumer } = setUp()
  park(1)
  park(2, { deadlineMs: 50_000 })
  polls.stop()
  clock.turn()
  equal(resumer.resumed.length, 2)
  equal(park(3), 'stopped')
})
