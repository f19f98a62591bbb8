import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import { silentLogger } from '@apogee/remoting'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { alterAttributes, parseAttributeChanges } from './attributes.ts'
import { defaultTopicSettings } from './topic-config.ts'
import { type TopicChange, TopicConfigManager } from './topic-config-manager.ts'

function manager(values: Partial<BrokerConfigValues> = {}): {
  topics: TopicConfigManager
  config: BrokerConfig
  changes: TopicChange[]
} {
  const config = BrokerConfig.of(values)
  const topics = new TopicConfigManager(config, { clock: new ManualClock(), log: silentLogger })
  const changes: TopicChange[] = []
  topics.onChange((change) => changes.push(change))
  return { topics, config, changes }
}

test('the system topics are those of Apache, with their queues and permissions', () => {
  const { topics } = manager({ brokerClusterName: 'c', brokerName: 'b' })
  const seen = [...topics.all()].map((topic) => [topic.topicName, topic.writeQueueNums, topic.perm])
  deepEqual(seen.toSorted(byName), [
    ['BenchmarkTest', 1024, 6],
    ['OFFSET_MOVED_EVENT', 1, 6],
    ['RMQ_SYS_TRANS_HALF_TOPIC', 1, 6],
    ['RMQ_SYS_TRANS_OP_HALF_TOPIC', 1, 6],
    ['SCHEDULE_TOPIC_XXXX', 18, 6],
    ['SELF_TEST_TOPIC', 1, 6],
    ['TBW102', 8, 7],
    ['b', 1, 7],
    ['c', 16, 7],
    ['c_REPLY_TOPIC', 1, 6],
    ['rmq_sys_REVIVE_LOG_c', 8, 6],
    ['rmq_sys_SYNC_BROKER_MEMBER_b', 1, 1],
    ['rmq_sys_wheel_timer', 1, 6],
  ])
})

const byName = (a: unknown[], b: unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1)

test('an automatic topic has as many queues as both sides allow and is told at once', () => {
  const { topics, changes } = manager()
  const version = topics.dataVersion.counter
  const topic = topics.createInSend('orders', 'TBW102', 4, 0, 'x')
  equal(topic?.writeQueueNums, 4)
  equal(topic?.perm, 6)
  equal(topics.createInSend('more', 'TBW102', 100, 1, 'x')?.readQueueNums, 8)
  equal(topics.createInSend('orders', 'TBW102', 8, 0, 'x'), topic)
  equal(topics.dataVersion.counter, version + 2)
  deepEqual(
    changes.map(({ changed }) => changed[0]?.topicName),
    ['orders', 'more'],
  )
})

test('no automatic topic without a default that may be inherited, whenever the switch was turned', () => {
  const off = manager({ autoCreateTopicEnable: false })
  equal(off.topics.createInSend('orders', 'TBW102', 4, 0, 'x'), null)
  off.config.update(new Map([['autoCreateTopicEnable', 'true']]))
  notEqual(off.topics.createInSend('orders', 'TBW102', 4, 0, 'x'), null)
  off.config.update(new Map([['autoCreateTopicEnable', 'false']]))
  equal(off.topics.createInSend('more', 'TBW102', 4, 0, 'x'), null)
  equal(off.topics.createInSend('more', 'orders', 4, 0, 'x'), null)
  equal(off.topics.createInSend('more', 'nowhere', 4, 0, 'x'), null)
})

test('a retry topic is made once; its order is put right only when asked', () => {
  const { topics, changes } = manager()
  equal(topics.createInSendBack('%RETRY%g', 1, 6, 0, true)?.order, true)
  equal(topics.createInSendBack('%RETRY%g', 1, 6)?.order, true)
  equal(changes.length, 1)
  equal(topics.createInSendBack('%RETRY%g', 1, 6, 0, false)?.order, false)
  equal(changes.length, 2)
})

test('an update keeps name bytes and counters, and one that changes nothing is silent', () => {
  const { topics, changes } = manager()
  const update = { ...defaultTopicSettings, topicName: 'orders', perm: 4 }
  equal(topics.update([update]), null)
  const before = topics.select('orders')
  before?.counters.putNums.add(1, 0)
  equal(topics.update([update]), null)
  equal(changes.length, 1)
  equal(topics.update([{ ...update, perm: 6 }]), null)
  const after = topics.select('orders')
  equal(before?.perm, 4)
  equal(after?.perm, 6)
  equal(after?.topicBytes, before?.topicBytes)
  equal(after?.counters.putNums.total, 1)
})

test('limits on topics and queues hold for all ways in, and a list is taken whole or not at all', () => {
  const { topics } = manager({ topicsMax: 64, queuesMax: 2048 })
  const room = 64 - topics.size
  const updates = Array.from({ length: room + 1 }, (_, i) => ({
    ...defaultTopicSettings,
    topicName: `t${i}`,
    writeQueueNums: 1,
  }))
  equal(topics.update(updates)?.code, 'TOPICS_MAX')
  equal(topics.select('t0'), undefined)
  equal(topics.update(updates.slice(0, room)), null)
  equal(topics.createInSend('one-more', 'TBW102', 1, 0, 'x'), null)
  equal(topics.update([{ ...updates[0]!, writeQueueNums: 5000 }])?.code, 'QUEUES_MAX')
  topics.delete(['t1'])
  notEqual(topics.createInSend('one-more', 'TBW102', 1, 0, 'x'), null)
})

test('attributes change by + and -, as far as the broker has what they ask for', () => {
  const changes = parseAttributeChanges('+message.type=FIFO,+cleanup.policy=DELETE')
  if (isMalformed(changes)) throw new Error(changes.detail)
  const made = alterAttributes(null, changes)
  deepEqual(
    made,
    new Map([
      ['message.type', 'FIFO'],
      ['cleanup.policy', 'DELETE'],
    ]),
  )
  const alter = (text: string): unknown => {
    const parsed = parseAttributeChanges(text)
    return isMalformed(parsed) || isMalformed(made) ? parsed : alterAttributes(made, parsed)
  }
  deepEqual(alter('-message.type'), new Map([['cleanup.policy', 'DELETE']]))
  for (const wrong of [
    '-cleanup.policy',
    '+cleanup.policy=COMPACTION',
    '+queue.type=BatchCQ',
    '-nothing',
    '+nothing=1',
    'message.type=FIFO',
    '+message.type=odd',
    '+message.type=FIFO,+message.type=DELAY',
  ]) {
    equal(isMalformed(alter(wrong)), true, wrong)
  }
})

test('the order KV of NameServers marks topics that are here', () => {
  const { topics } = manager()
  topics.createInSend('orders', 'TBW102', 4, 0, 'x')
  topics.updateOrderTopics(['orders', 'elsewhere'])
  equal(topics.isOrderTopic('orders'), true)
  equal(topics.isOrderTopic('elsewhere'), false)
})
