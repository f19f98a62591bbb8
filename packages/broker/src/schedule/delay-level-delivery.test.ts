import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { encodeRecord, type MessageExt } from '@apogee/protocol'
import { silentLogger } from '@apogee/remoting'
import {
  type AckSink,
  APPEND_BUSY,
  APPEND_OK,
  type AppendStatus,
  type ConsumeQueue,
  NOT_STORED_DISK_FULL,
  type QueueUnits,
  type QueueWaiter,
  RecordDraft,
  STORED,
} from '@apogee/store'
import { ManualClock } from '../testing/manual-clock.ts'
import { DelayLevelDelivery } from './delay-level-delivery.ts'
import { DueMessage } from './due-message.ts'

const DELAY_MS = 1000

/** A store with one level's queue. Copies wait for `acknowledge`. */
class FakeStore {
  readonly draft: RecordDraft = new RecordDraft()
  readonly copies: string[] = []
  status: AppendStatus = APPEND_OK
  waiter: QueueWaiter | null = null
  min = 0
  private readonly records: (Buffer | null)[] = []
  private readonly times: number[] = []
  private pending: [AckSink, number][] = []

  get maxOffset(): number {
    return this.records.length
  }

  minOffset(): number {
    return this.min
  }

  add(text: string, deliverAt: number, more: Partial<MessageExt> = {}): void {
    const record = encodeRecord({
      version: 1,
      topic: 'SCHEDULE_TOPIC_XXXX',
      queueId: 0,
      queueOffset: this.records.length,
      physicalOffset: this.records.length,
      flag: 3,
      sysFlag: 0,
      body: Buffer.from(text),
      properties: new Map([
        ['DELAY', '1'],
        ['REAL_TOPIC', 'orders'],
        ['REAL_QID', '2'],
        ['k', 'v'],
      ]),
      bornTimestamp: 5,
      bornHost: { address: '10.0.0.9', port: 77 },
      storeTimestamp: 0,
      storeHost: { address: '10.0.0.1', port: 1 },
      reconsumeTimes: 4,
      preparedTransactionOffset: 0,
      ...more,
    })
    this.records.push(record)
    this.times.push(deliverAt)
    this.waiter?.arrived(this.asQueue(), this.records.length - 1, deliverAt, 0)
  }

  lose(queueOffset: number): void {
    this.records[queueOffset] = null
  }

  read(from: number, count: number, into: QueueUnits, done: (error: null) => void): void {
    into.reset(from)
    for (let i = 0; i < count && from + i < this.records.length; i++) {
      into.physicalOffset[i] = from + i
      into.size[i] = 100
      into.tagsCode[i] = this.times[from + i]!
      into.count++
    }
    done(null)
  }

  readRecord(physicalOffset: number): Promise<Buffer | null> {
    return Promise.resolve(this.records[physicalOffset] ?? null)
  }

  append(sink: AckSink | null, token: number): AppendStatus {
    if (this.status !== APPEND_OK) return this.status
    const { draft } = this
    const body = Buffer.from(draft.body.subarray(draft.bodyStart, draft.bodyEnd)).toString()
    this.copies.push(`${draft.topic}/${draft.queueId} ${body}`)
    this.pending.push([sink!, token])
    return APPEND_OK
  }

  acknowledge(outcome: number = STORED): void {
    const pending = this.pending
    this.pending = []
    for (const [sink, token] of pending) sink.stored(token, outcome)
  }

  asQueue(): ConsumeQueue {
    return this as unknown as ConsumeQueue
  }
}

function setUp(
  offset = 0,
  inFlightMax = 4,
): {
  clock: ManualClock
  store: FakeStore
  delivery: DelayLevelDelivery
  due: (inMs: number) => number
} {
  const clock = new ManualClock()
  const store = new FakeStore()
  const options = { level: 1, delayMs: DELAY_MS, offset, inFlightMax }
  const delivery = new DelayLevelDelivery(options, store.asQueue(), {
    store,
    clock,
    log: silentLogger,
    due: new DueMessage(),
    moved: () => undefined,
    delivered: () => undefined,
  })
  return { clock, store, delivery, due: (inMs) => clock.wallMs() + inMs }
}

test('an idle level has no timer; a message is delivered at its time and not before', async () => {
  const { clock, store, delivery, due } = setUp()
  delivery.start()
  equal(clock.timers, 0)
  store.add('a', due(1000))
  await clock.advanceAsync(990)
  deepEqual(store.copies, [])
  await clock.advanceAsync(30)
  deepEqual(store.copies, ['orders/2 a'])
  equal(delivery.offset, 0)
  store.acknowledge()
  equal(delivery.offset, 1)
  await clock.advanceAsync(100)
  equal(clock.timers, 0)
})

test('the copy is the message without its delay', async () => {
  const { clock, store, delivery, due } = setUp()
  store.add('a', due(0))
  delivery.start()
  await clock.advanceAsync(10)
  const { draft } = store
  const properties = Buffer.from(draft.properties).toString('utf8', 0, draft.propertiesEnd)
  equal(properties, 'REAL_TOPIC\x01orders\x02REAL_QID\x012\x02k\x01v\x02')
  equal(draft.flag, 3)
  equal(draft.reconsumeTimes, 4)
  equal(draft.bornTimestamp, 5)
  deepEqual([...draft.bornHost], [10, 0, 0, 9])
  equal(draft.bornPort, 77)
})

test('no more than the limit are in flight, and progress is in order', async () => {
  const { clock, store, delivery, due } = setUp()
  for (let i = 0; i < 10; i++) store.add(String(i), due(0))
  delivery.start()
  await clock.advanceAsync(100)
  equal(store.copies.length, 4)
  equal(delivery.offset, 0)
  store.acknowledge()
  equal(delivery.offset, 4)
  await clock.advanceAsync(100)
  store.acknowledge()
  await clock.advanceAsync(100)
  store.acknowledge()
  equal(delivery.offset, 10)
  deepEqual(store.copies.length, 10)
})

test('a busy store is asked again, a full disk has its copies appended again', async () => {
  const { clock, store, delivery, due } = setUp()
  store.add('a', due(0))
  store.add('b', due(0))
  store.status = APPEND_BUSY
  delivery.start()
  await clock.advanceAsync(300)
  deepEqual(store.copies, [])
  store.status = APPEND_OK
  await clock.advanceAsync(200)
  store.acknowledge(NOT_STORED_DISK_FULL)
  equal(delivery.offset, 0)
  await clock.advanceAsync(1500)
  deepEqual(store.copies, ['orders/2 a', 'orders/2 b', 'orders/2 a', 'orders/2 b'])
  store.acknowledge()
  equal(delivery.offset, 2)
})

test('a message that cannot be delivered any more does not hold up the others', async () => {
  const { clock, store, delivery, due } = setUp()
  store.add('a', due(0))
  store.add('no-topic', due(0), { properties: new Map([['DELAY', '1']]) })
  store.add('half', due(0), {
    properties: new Map([
      ['REAL_TOPIC', 'RMQ_SYS_TRANS_HALF_TOPIC'],
      ['REAL_QID', '0'],
    ]),
  })
  store.add('b', due(0))
  store.lose(0)
  delivery.start()
  await clock.advanceAsync(100)
  deepEqual(store.copies, ['orders/2 b'])
  equal(delivery.offset, 3)
  store.acknowledge()
  equal(delivery.offset, 4)
})

test('after a restart what was not acknowledged is delivered again', async () => {
  const { clock, store, delivery, due } = setUp()
  store.add('a', due(0))
  store.add('b', due(0))
  delivery.start()
  await clock.advanceAsync(50)
  delivery.stop()
  const again = setUp(delivery.offset)
  again.store.add('a', again.due(0))
  again.delivery.start()
  await again.clock.advanceAsync(50)
  deepEqual(again.store.copies, ['orders/2 a'])
})

test('an offset outside the queue is put right', async () => {
  const { clock, store, delivery, due } = setUp(50)
  store.add('a', due(0))
  delivery.start()
  await clock.advanceAsync(50)
  equal(delivery.offset, 1)
  const behind = setUp(0)
  behind.store.add('a', behind.due(0))
  behind.store.add('b', behind.due(0))
  behind.store.min = 1
  behind.delivery.start()
  await behind.clock.advanceAsync(50)
  deepEqual(behind.store.copies, ['orders/2 b'])
})

test('a clock that is set back does not delay a message beyond its level', async () => {
  const { clock, store, delivery, due } = setUp()
  store.add('a', due(500))
  delivery.start()
  clock.jump(-3_600_000)
  await clock.advanceAsync(1500)
  deepEqual(store.copies, ['orders/2 a'])
})
