import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { DiskError } from '@apogee/env'
import { silentLogger } from '@apogee/remoting'
import { BrokerConfig } from '../config/broker-config.ts'
import { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import { subscriptionGroup } from '../subscription/subscription-group-config.ts'
import { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { prettyFastjson } from './pretty-json.ts'
import { TableFile } from './table-file.ts'
import { groupTable, offsetTable, type PersistedTable, topicTable } from './tables.ts'

const deps = (): { clock: ManualClock; log: typeof silentLogger } => ({
  clock: new ManualClock(1000),
  log: silentLogger,
})
const config = BrokerConfig.of({})

test('files look as fastjson prints them: tabs, a line for each member, integer keys bare', () => {
  const value = new Map<string, unknown>([
    [
      'a',
      new Map([
        [0, 5],
        [1, 7],
      ]),
    ],
    ['b', new Map()],
    ['c', ['x']],
    ['d', null],
  ])
  const text = prettyFastjson(value as never)
  equal(text, '{\n\t"a":{\n\t\t0:5,\n\t\t1:7\n\t},\n\t"b":{},\n\t"c":[\n\t\t"x"\n\t]\n}')
})

test('consumerOffset.json is as Apache writes it and comes back the same', () => {
  const offsets = new ConsumerOffsetManager(config, deps())
  offsets.commitOffset('group_a', 'orders', 0, 250)
  offsets.commitOffset('group_a', 'orders', 1, 7)
  const text = offsetTable(offsets).encode()
  equal(
    text,
    [
      '{',
      '\t"dataVersion":{',
      '\t\t"counter":0,',
      '\t\t"stateVersion":0,',
      '\t\t"timestamp":1000',
      '\t},',
      '\t"offsetTable":{',
      '\t\t"orders@group_a":{',
      '\t\t\t0:250,',
      '\t\t\t1:7',
      '\t\t}',
      '\t}',
      '}',
    ].join('\n'),
  )
  const loaded = new ConsumerOffsetManager(config, deps())
  offsetTable(loaded).decode(text)
  equal(loaded.queryOffset('group_a', 'orders', 1), 7)
  equal(offsetTable(loaded).encode(), text)
})

test('an Apache file with a retry topic and without a version is read', () => {
  const loaded = new ConsumerOffsetManager(config, deps())
  offsetTable(loaded).decode('{"offsetTable":{"%RETRY%g@g":{0:3},"broken":{0:1},"@g":{0:1}}}')
  equal(loaded.queryOffset('g', '%RETRY%g', 0), 3)
  equal(loaded.size, 1)
  throws(() => offsetTable(loaded).decode('{"offsetTable":{"t@g":{0:"x"}}}'))
})

test('topics.json keeps all settings, and a file of Apache adds to the system topics', () => {
  const topics = new TopicConfigManager(config, deps())
  topics.update([
    {
      topicName: 'orders',
      readQueueNums: 3,
      writeQueueNums: 2,
      perm: 4,
      topicFilterType: 'MULTI_TAG',
      topicSysFlag: 2,
      order: true,
      attributes: new Map([['+message.type', 'FIFO']]),
    },
  ])
  const text = topicTable(topics).encode()
  ok(
    text.includes(
      [
        '\t\t"orders":{',
        '\t\t\t"attributes":{',
        '\t\t\t\t"message.type":"FIFO"',
        '\t\t\t},',
        '\t\t\t"order":true,',
        '\t\t\t"perm":4,',
        '\t\t\t"readQueueNums":3,',
        '\t\t\t"topicFilterType":"MULTI_TAG",',
        '\t\t\t"topicName":"orders",',
        '\t\t\t"topicSysFlag":2,',
        '\t\t\t"writeQueueNums":2',
        '\t\t}',
      ].join('\n'),
    ),
    text,
  )
  const loaded = new TopicConfigManager(config, deps())
  topicTable(loaded).decode(text)
  equal(topicTable(loaded).encode(), text)
  const other = new TopicConfigManager(config, deps())
  const before = other.size
  topicTable(other).decode(
    '{"topicConfigTable":{"a":{"topicName":"a","perm":6}},"dataVersion":{"timestamp":9,"counter":4}}',
  )
  equal(other.size, before + 1)
  equal(other.dataVersion.counter, 4)
  equal(other.select('a')?.readQueueNums, 16)
})

test('subscriptionGroup.json keeps settings and forbidden bits', () => {
  const groups = new SubscriptionGroupManager(config, deps())
  groups.update([subscriptionGroup('g', { retryMaxTimes: 3, consumeEnable: false })])
  groups.setForbidden('g', 't', 2, true)
  const text = groupTable(groups).encode()
  ok(text.includes('"groupRetryPolicy":{\n\t\t\t\t"type":"CUSTOMIZED"\n\t\t\t}'), text)
  const loaded = new SubscriptionGroupManager(config, deps())
  groupTable(loaded).decode(text)
  equal(loaded.select('g')?.retryMaxTimes, 3)
  equal(loaded.isForbidden('g', 't', 2), true)
  equal(groupTable(loaded).encode(), text)
})

/** A file that takes its time. */
class FakeFile {
  readonly saved: string[] = []
  error: DiskError | null = null
  private readonly clock: ManualClock

  constructor(clock: ManualClock) {
    this.clock = clock
  }

  load<T>(): T | null {
    return null
  }

  save(text: string, done: (error: DiskError | null) => void = () => {}): void {
    const { error } = this
    this.clock.after(10, () => {
      if (error === null) this.saved.push(text)
      done(error)
    })
  }
}

function tableFile(delayMs: number): {
  clock: ManualClock
  file: FakeFile
  table: TableFile
  set: (value: string) => void
} {
  const clock = new ManualClock()
  let text = ''
  const persisted: PersistedTable = { name: 'x', encode: () => text, decode: () => undefined }
  const file = new FakeFile(clock)
  const table = new TableFile(persisted, file, delayMs, { clock, log: silentLogger })
  const set = (value: string): void => {
    text = value
    table.changed()
  }
  return { clock, file, table, set }
}

test('changes are written after the delay, those during a save once more, and idle costs nothing', () => {
  const { clock, file, set } = tableFile(1000)
  set('a')
  set('b')
  clock.advance(1005)
  set('c')
  set('d')
  clock.advance(5000)
  deepEqual(file.saved, ['b', 'd'])
  equal(clock.timers, 0)
})

test('a flush waits for what is under way and for what changed meanwhile', async () => {
  const { clock, file, set, table } = tableFile(0)
  set('a')
  clock.advance(0)
  set('b')
  const flushed = table.flush()
  clock.advance(30)
  await flushed
  deepEqual(file.saved, ['a', 'b'])
  equal(await table.flush(), null)
})

test('a failed save is tried again, and a flush then does not wait for ever', async () => {
  const { clock, file, set, table } = tableFile(0)
  file.error = Object.assign(new Error('full'), { code: 'ENOSPC' }) as DiskError
  set('a')
  const flushed = table.flush()
  clock.advance(20)
  equal((await flushed)?.code, 'ENOSPC')
  file.error = null
  clock.advance(5020)
  deepEqual(file.saved, ['a'])
})

test('who waits for a save hears when its change is on disk; changes of one turn are one save', async () => {
  const { clock, file, set, table } = tableFile(60_000)
  const order: string[] = []
  set('a')
  void table.saved().then(() => order.push('a'))
  set('b')
  void table.saved().then(() => order.push('b'))
  clock.advance(5)
  set('c')
  const last = table.saved()
  clock.advance(6)
  await Promise.resolve()
  await Promise.resolve()
  deepEqual(order, ['a', 'b'])
  clock.advance(10)
  equal(await last, null)
  equal(await table.saved(), null)
  deepEqual(file.saved, ['b', 'c'])
  equal(clock.timers, 0)
})

test('who waits for a save that fails gets the error; the next who waits does not wait for the retry', async () => {
  const { clock, file, set, table } = tableFile(0)
  file.error = Object.assign(new Error('full'), { code: 'ENOSPC' }) as DiskError
  set('a')
  const failed = table.saved()
  clock.advance(20)
  equal((await failed)?.code, 'ENOSPC')
  file.error = null
  const retried = table.saved()
  clock.advance(20)
  equal(await retried, null)
  deepEqual(file.saved, ['a'])
  equal(clock.timers, 0)
})
