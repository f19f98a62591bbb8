import { equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { javaHash } from '@apogee/base'
import { encodeRecord, ResponseCode } from '@apogee/protocol'
import { silentLogger } from '@apogee/remoting'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { BrokerStats } from '../stats/broker-stats.ts'
import { subscriptionGroup } from '../subscription/subscription-group-config.ts'
import { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import { FakeConnection } from '../testing/fake-connection.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { ConsumerManager } from './consumer-manager.ts'
import { FilterCompiler } from './filter-compiler.ts'
import { ForbiddenType, PullSubscriptions } from './pull-subscriptions.ts'
import type { SubscriptionFields } from './subscription.ts'

interface Setup {
  clock: ManualClock
  groups: SubscriptionGroupManager
  consumers: ConsumerManager
  subscriptions: PullSubscriptions
}

function setUp(values: Partial<BrokerConfigValues> = {}): Setup {
  const clock = new ManualClock()
  const config = BrokerConfig.of(values)
  const stats = new BrokerStats({}, { clock })
  const compiler = new FilterCompiler(config)
  const groups = new SubscriptionGroupManager(config, { clock, log: silentLogger })
  const consumers = new ConsumerManager(config, { clock, log: silentLogger, compiler, stats })
  const deps = { clock, groups, consumers, compiler, stats }
  return { clock, groups, consumers, subscriptions: new PullSubscriptions(config, deps) }
}

function beat(
  consumers: ConsumerManager,
  data: Partial<SubscriptionFields>,
  model = 'CLUSTERING',
): void {
  consumers.register({
    group: 'g',
    client: { connection: new FakeConnection(), clientId: 'c', language: 0, version: 400 },
    mode: {
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: model as 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    },
    subscriptions: [
      {
        topic: 't',
        subString: '*',
        tagsSet: [],
        codeSet: [],
        subVersion: 5,
        expressionType: 'TAG',
        classFilterMode: false,
        ...data,
      },
    ],
    notify: false,
  })
}

const record = (properties: [string, string][]): Buffer =>
  encodeRecord({
    version: 1,
    topic: 't',
    queueId: 0,
    queueOffset: 0,
    physicalOffset: 0,
    flag: 0,
    sysFlag: 0,
    body: Buffer.from('x'),
    properties: new Map(properties),
    bornTimestamp: 0,
    bornHost: { address: '10.0.0.1', port: 1 },
    storeTimestamp: 0,
    storeHost: { address: '10.0.0.1', port: 1 },
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
  })

test('a pull reads with the subscription of heartbeats, if it is there and not older', () => {
  const { consumers, subscriptions } = setUp()
  const group = subscriptionGroup('g')
  equal(subscriptions.fromHeartbeat(group, 't', 0), null)
  equal(subscriptions.code, ResponseCode.SUBSCRIPTION_NOT_EXIST)
  beat(consumers, {})
  equal(subscriptions.fromHeartbeat(group, 't', 5)?.filter, null)
  equal(subscriptions.fromHeartbeat(group, 't', 6), null)
  equal(subscriptions.code, ResponseCode.SUBSCRIPTION_NOT_LATEST)
  equal(subscriptions.fromHeartbeat(group, 'other', 0), null)
  equal(subscriptions.code, ResponseCode.SUBSCRIPTION_NOT_EXIST)
})

test('forbidden groups and forbidden broadcasts are told apart', () => {
  const { consumers, groups, subscriptions } = setUp()
  beat(consumers, {}, 'BROADCASTING')
  const group = subscriptionGroup('g', { consumeBroadcastEnable: false })
  equal(subscriptions.fromHeartbeat(group, 't', 0), null)
  equal(subscriptions.forbiddenType, ForbiddenType.BROADCASTING_DISABLE)
  groups.setForbidden('g', 't', 2, true)
  equal(subscriptions.fromHeartbeat(subscriptionGroup('g'), 't', 0), null)
  equal(subscriptions.forbiddenType, ForbiddenType.SUBSCRIPTION)
  equal(subscriptions.code, ResponseCode.NO_PERMISSION)
})

test('tags pass by their hash', () => {
  const { subscriptions } = setUp()
  const found = subscriptions.fromRequest('g', 't', 'a || b', null, 0)
  equal(found?.filter?.needsRecord, false)
  equal(found?.filter?.matchesTags(javaHash('a')), true)
  equal(found?.filter?.matchesTags(javaHash('b')), true)
  equal(found?.filter?.matchesTags(javaHash('c')), false)
  equal(subscriptions.fromRequest('g', 't', 'a || b', null, 0), found)
  notEqual(subscriptions.fromRequest('g', 't', '*', null, 0), found)
})

test('SQL92 needs its switch, looks at properties, and a wrong expression is refused', () => {
  const off = setUp()
  equal(off.subscriptions.fromRequest('g', 't', 'a > 1', 'SQL92', 0), null)
  equal(off.subscriptions.code, ResponseCode.SYSTEM_ERROR)
  const { consumers, subscriptions } = setUp({ enablePropertyFilter: true })
  const filter = subscriptions.fromRequest('g', 't', 'a > 1', 'SQL92', 0)?.filter
  const [yes, no] = [record([['a', '2']]), record([['a', '1']])]
  equal(filter?.needsRecord, true)
  equal(filter?.matchesRecord(yes, 0, yes.length), true)
  equal(filter?.matchesRecord(no, 0, no.length), false)
  equal(subscriptions.fromRequest('g', 't', 'a >', 'SQL92', 0), null)
  equal(subscriptions.code, ResponseCode.SUBSCRIPTION_PARSE_FAILED)
  beat(consumers, { expressionType: 'SQL92', subString: 'a >' })
  equal(subscriptions.fromHeartbeat(subscriptionGroup('g'), 't', 0), null)
  equal(subscriptions.code, ResponseCode.FILTER_DATA_NOT_EXIST)
})

test('what pulls brought is known to operators until no pull brings it any more', () => {
  const { clock, subscriptions } = setUp()
  subscriptions.fromRequest('g', 't', 'a', null, 0)
  equal(subscriptions.find('g', 't')?.data.subString, 'a')
  clock.advance(600_001)
  subscriptions.removeExpired()
  equal(subscriptions.find('g', 't'), undefined)
})
