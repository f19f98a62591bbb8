import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '@apogee/remoting'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { BrokerStats } from '../stats/broker-stats.ts'
import { FakeConnection } from '../testing/fake-connection.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { ConsumerManager, type ConsumerRegistration } from './consumer-manager.ts'
import { FilterCompiler } from './filter-compiler.ts'
import { ProducerManager } from './producer-manager.ts'
import type { SubscriptionFields } from './subscription.ts'

interface Setup {
  clock: ManualClock
  consumers: ConsumerManager
  producers: ProducerManager
}

function setUp(values: Partial<BrokerConfigValues> = {}): Setup {
  const clock = new ManualClock()
  const config = BrokerConfig.of(values)
  const stats = new BrokerStats({}, { clock })
  const compiler = new FilterCompiler(config)
  const log = silentLogger
  return {
    clock,
    consumers: new ConsumerManager(config, { clock, log, compiler, stats }),
    producers: new ProducerManager(config, { clock, log }),
  }
}

function subscription(topic: string, subVersion = 1): SubscriptionFields {
  return {
    topic,
    subString: '*',
    tagsSet: [],
    codeSet: [],
    subVersion,
    expressionType: 'TAG',
    classFilterMode: false,
  }
}

function registration(
  connection: FakeConnection,
  clientId: string,
  topics: string[],
  more: Partial<ConsumerRegistration> = {},
): ConsumerRegistration {
  return {
    group: 'g',
    client: { connection, clientId, language: 0, version: 400 },
    mode: {
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    },
    subscriptions: topics.map((topic) => subscription(topic)),
    notify: true,
    ...more,
  }
}

test('all members hear of a change once, however many changes a turn brings', () => {
  const { clock, consumers } = setUp()
  const [one, two] = [new FakeConnection(), new FakeConnection()]
  consumers.register(registration(one, 'c1', ['t']))
  consumers.register(registration(two, 'c2', ['t']))
  clock.turn()
  equal(one.sent.length, 1)
  equal(two.sent.length, 1)
  deepEqual(one.sent[0]?.fields, new Map([['consumerGroup', 'g']]))
  consumers.register(registration(two, 'c2', ['t']))
  clock.turn()
  equal(one.sent.length, 1)
  two.close()
  clock.turn()
  equal(one.sent.length, 2)
  deepEqual(consumers.get('g')?.clientIds(), ['c1'])
})

test('a client whose old connection went silent is one member, reached on its new connection', () => {
  const { consumers } = setUp()
  const [silent, fresh] = [new FakeConnection(), new FakeConnection()]
  consumers.register(registration(silent, 'c1', ['t']))
  consumers.register(registration(fresh, 'c1', ['t']))
  deepEqual(consumers.get('g')?.clientIds(), ['c1'])
  equal(consumers.findChannel('g', 'c1')?.connection, fresh)
})

test('broadcast groups and groups that do not want it hear nothing', () => {
  const { clock, consumers } = setUp()
  const one = new FakeConnection()
  consumers.register(registration(one, 'c1', ['t'], { notify: false }))
  const two = new FakeConnection()
  const mode = { ...registration(two, 'c2', []).mode, messageModel: 'BROADCASTING' } as const
  consumers.register(registration(two, 'c2', ['t'], { group: 'b', mode }))
  clock.turn()
  equal(one.sent.length + two.sent.length, 0)
})

test('newer subscriptions replace older ones and topics that are not named are dropped', () => {
  const { consumers } = setUp()
  const one = new FakeConnection()
  consumers.register(registration(one, 'c1', ['a', 'b']))
  const newer = { ...subscription('a', 2), subString: 'x' }
  consumers.register(registration(one, 'c1', [], { subscriptions: [newer] }))
  equal(consumers.findSubscription('g', 'a')?.data.subString, 'x')
  equal(consumers.findSubscription('g', 'b'), undefined)
  deepEqual(consumers.queryTopicConsumeByWho('a'), ['g'])
  deepEqual(consumers.queryTopicConsumeByWho('b'), [])
  consumers.register(registration(one, 'c1', [], { subscriptions: [subscription('a', 1)] }))
  equal(consumers.findSubscription('g', 'a')?.data.subString, 'x')
})

test('the last member takes its group with it', () => {
  const { consumers } = setUp()
  const one = new FakeConnection()
  consumers.register(registration(one, 'c1', ['t']))
  consumers.unregister('g', one, true)
  equal(consumers.get('g'), undefined)
  deepEqual(consumers.queryTopicConsumeByWho('t'), [])
  one.close()
})

test('a client without heartbeat for two minutes is dropped and its connection closed', () => {
  const { clock, consumers, producers } = setUp()
  const [one, two] = [new FakeConnection(), new FakeConnection()]
  consumers.register(registration(one, 'c1', ['t']))
  consumers.register(registration(two, 'c2', ['t']))
  producers.register('p', { connection: one, clientId: 'c1', language: 0, version: 400 })
  clock.advance(100_000)
  consumers.register(registration(two, 'c2', ['t']))
  clock.advance(20_001)
  consumers.removeExpired()
  equal(one.open, false)
  equal(two.open, true)
  deepEqual(consumers.get('g')?.clientIds(), ['c2'])
  equal(producers.channels('p'), undefined)
})

test('one connection can be in so many groups and no more', () => {
  const { consumers, producers } = setUp({ registrationsPerConnectionMax: 2 })
  const one = new FakeConnection()
  const client = { connection: one, clientId: 'c1', language: 0, version: 400 }
  for (const group of ['a', 'b']) {
    equal(consumers.register(registration(one, 'c1', ['t'], { group })), true)
    equal(producers.register(group, client), true)
  }
  equal(consumers.register(registration(one, 'c1', ['t'], { group: 'c' })), false)
  equal(producers.register('c', client), false)
  equal(consumers.register(registration(one, 'c1', ['t'], { group: 'a' })), true)
})

test('heartbeat V2: a client must send its subscriptions when they differ or are not known here', () => {
  const { consumers } = setUp()
  equal(consumers.updateFingerprint('g', 7, false), false)
  consumers.register(registration(new FakeConnection(), 'c1', ['t']))
  equal(consumers.updateFingerprint('g', 7, true), false)
  equal(consumers.updateFingerprint('g', 8, true), true)
  equal(consumers.updateFingerprint('unknown', 8, true), true)
})
