import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type MessageExt, offsetMsgIdOf, ResponseCode } from '@apogee/protocol'
import type { RemotingClient, Response } from '@apogee/remoting'
import { BrokerWorld } from '../testing/broker-world.ts'
import {
  messagesOf,
  properties,
  pullWith,
  type SendHeader,
  sendWith,
  topicUpdate,
} from '../testing/requests.ts'

// What a broker makes of a message: the properties that it drops and adds, the record, the answer.
const world = new BrokerWorld(30_003, { brokerClusterName: 'C1', regionId: 'R1', traceOn: false })
let client: RemotingClient
let turn = 0

before(async () => {
  await world.start()
  client = world.client('10.0.0.2', 1)
})

after(() => world.stop())

/** Sends to a topic of its own and gives back what was stored there. */
async function store(
  header: Partial<SendHeader>,
  from: RemotingClient = client,
): Promise<[MessageExt, Response]> {
  const topic = `t${turn++}`
  const answer = await sendWith(world, from, { topic, ...header })
  equal(answer.code, ResponseCode.SUCCESS, answer.remark ?? '')
  const [message] = messagesOf(await pullWith(world, from, { topic: header.topic ?? topic }))
  return [message!, answer]
}

const ADDED: [string, string][] = [
  ['MSG_REGION', 'R1'],
  ['TRACE_ON', 'false'],
  ['CLUSTER', 'C1'],
]

test('the record says what the request said, and where it came from', async () => {
  const header = { flag: -3, sysFlag: 2, bornTimestamp: 1234, reconsumeTimes: 5 }
  const [message, answer] = await store(header)
  equal(message.flag, -3)
  equal(message.sysFlag, 2)
  equal(message.bornTimestamp, 1234)
  equal(message.reconsumeTimes, 5)
  equal(message.bornHost.address, '10.0.0.2')
  equal(answer.fields.get('msgId'), offsetMsgIdOf(message))
  equal(answer.fields.get('MSG_REGION'), 'R1')
  equal(answer.fields.get('TRACE_ON'), 'false')
  equal(answer.fields.get('transactionId'), message.properties.get('UNIQ_KEY'))
})

test('host flags of a client do not count: the address decides', async () => {
  const [message] = await store({ sysFlag: 16 | 32 })
  equal(message.sysFlag, 0)
  const six = world.client('fd00::2', 1)
  const [wide] = await store({}, six)
  equal(wide.bornHost.address, 'fd00::2')
})

test('properties of the broker replace those of the client, WAIT and POP_CK go', async () => {
  const sent = properties(
    ['WAIT', 'true'],
    ['a', '1'],
    ['MSG_REGION', 'mine'],
    ['TRACE_ON', 'true'],
    ['CLUSTER', 'mine'],
    ['POP_CK', 'x'],
    ['UNIQ_KEY', 'ABC'],
    ['b', '2'],
  )
  const [message, answer] = await store({ properties: sent })
  deepEqual([...message.properties], [['a', '1'], ['UNIQ_KEY', 'ABC'], ['b', '2'], ...ADDED])
  equal(answer.fields.get('transactionId'), 'ABC')
})

test('a message without a unique key gets one', async () => {
  const [first] = await store({ properties: properties(['POP_CK', 'x']) })
  const [second] = await store({ properties: '' })
  for (const { properties: stored } of [first, second]) {
    deepEqual([...stored].slice(0, 3), ADDED)
    match(stored.get('UNIQ_KEY') ?? '', /^[0-9A-F]{32}$/)
  }
  ok(first.properties.get('UNIQ_KEY') !== second.properties.get('UNIQ_KEY'))
})

test('a very long unique key comes back whole', async () => {
  const key = 'K'.repeat(300)
  const [, answer] = await store({ properties: properties(['UNIQ_KEY', key]) })
  equal(answer.fields.get('transactionId'), key)
})

test('a last property without its separator, and text beyond ASCII, are kept', async () => {
  const [message] = await store({ properties: 'a\u0001ä€\u0002UNIQ_KEY\u0001U\u0002b\u0001𝄞"\\' })
  deepEqual([...message.properties], [['a', 'ä€'], ['UNIQ_KEY', 'U'], ['b', '𝄞"\\'], ...ADDED])
})

test('what is no property is dropped, and the others are kept', async () => {
  const [message] = await store({
    properties:
      '\u0002\u0001x\u0002noValue\u0001\u0002noSeparator\u0002UNIQ_KEY\u0001U\u0002a\u0001=\u0001\u0002',
  })
  deepEqual([...message.properties], [['UNIQ_KEY', 'U'], ['a', '=\u0001'], ...ADDED])
})

test('a level above the highest is the highest; the message waits in the schedule topic', async () => {
  const header = { topic: 'later', queueId: 3, properties: properties(['DELAY', '99'], ['a', '1']) }
  const answer = await sendWith(world, client, header)
  equal(answer.code, ResponseCode.SUCCESS)
  equal(answer.fields.get('queueId'), '3')
  const pulled = await pullWith(world, client, { topic: 'SCHEDULE_TOPIC_XXXX', queueId: 17 })
  const [message] = messagesOf(pulled)
  equal(message?.properties.get('DELAY'), '18')
  equal(message?.properties.get('REAL_TOPIC'), 'later')
  equal(message?.properties.get('REAL_QID'), '3')
  equal(message?.properties.get('a'), '1')
  equal(answer.fields.get('msgId'), offsetMsgIdOf(message!))
})

test('a delayed message counts for its topic once, when it is delivered', async () => {
  const { topics, stats } = world.broker!.services!
  await sendWith(world, client, { topic: 'soon', properties: properties(['DELAY', '1']) })
  const counted = (): number => topics.select('soon')!.counters.putNums.total
  equal(counted(), 0)
  const total = stats.put.total
  await world.pass(1500)
  equal(counted(), 1)
  equal(stats.put.total, total + 1)
})

test('levels of zero and below do not delay', async () => {
  for (const level of ['0', '-1', '-9']) {
    const [message] = await store({ properties: properties(['DELAY', level]) })
    equal(message.properties.get('DELAY'), level)
  }
})

test('a dead letter says that it is not delayed', async () => {
  const header = {
    topic: '%RETRY%g',
    reconsumeTimes: 17,
    properties: properties(['DELAY', '3'], ['RETRY_TOPIC', 'orders']),
  }
  equal((await sendWith(world, client, header)).code, ResponseCode.SUCCESS)
  const [message] = messagesOf(await pullWith(world, client, { topic: '%DLQ%g' }))
  equal(message?.properties.get('DELAY'), '-1')
  equal(message?.properties.get('RETRY_TOPIC'), 'orders')
  equal(message?.topic, '%DLQ%g')
})

test('a topic of 255 characters is stored in the second version of the record', async () => {
  const group = 'g'.repeat(120)
  const topic = `%RETRY%${group}`
  const answer = await sendWith(world, client, { topic })
  equal(answer.code, ResponseCode.SUCCESS)
  equal(messagesOf(await pullWith(world, client, { topic }))[0]?.topic, topic)
})

test('MULTI_TAG topics mark their messages', async () => {
  const { topics } = world.broker!.services!
  await sendWith(world, client, { topic: 'tagged' })
  topics.update([topicUpdate('tagged', { topicFilterType: 'MULTI_TAG' })])
  await sendWith(world, client, { topic: 'tagged' })
  const flags = messagesOf(await pullWith(world, client, { topic: 'tagged' })).map(
    ({ sysFlag }) => sysFlag,
  )
  deepEqual(flags, [0, 2])
})
