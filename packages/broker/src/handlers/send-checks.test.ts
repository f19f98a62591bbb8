import { equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  CreateTopicRequestHeader,
  type MessageQueue,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import type { RemotingClient } from '@apogee/remoting'
import { BrokerWorld } from '../testing/broker-world.ts'
import {
  properties,
  type SendHeader,
  sendFields,
  sendHeader,
  sendWith,
  textsOf,
} from '../testing/requests.ts'

// Every check that Apache makes of a send (AbstractSendMessageProcessor, SendMessageProcessor, HookUtils), with its
// code and what the remark must say, in both header forms and under both names of the fields. One broker for all.
const world = new BrokerWorld(30_001, { maxMessageSize: 4096 })
const clients: RemotingClient[] = []

before(async () => {
  await world.start()
  clients.push(world.client('10.0.0.2', 0), world.client('10.0.0.3', 1))
  await createTopic('narrow', { readQueueNums: 1, writeQueueNums: 2 })
  await createTopic('wide', { readQueueNums: 4, writeQueueNums: 2 })
  await createTopic('noRetry', { readQueueNums: 1, writeQueueNums: 1 })
  await world.heartbeat(clients[0]!, 'c1', 'g', 'narrow')
  await world.heartbeat(clients[0]!, 'c1', 'locked', 'narrow')
  const locks = world.broker!.services!.locks
  const queue = { topic: 'narrow', brokerName: 'broker-a', queueId: 0 } as MessageQueue
  locks.tryLockBatch('locked', [queue], 'c1')
})

after(() => world.stop())

async function createTopic(
  topic: string,
  nums: { readQueueNums: number; writeQueueNums: number },
): Promise<void> {
  const header = { topic, defaultTopic: 'TBW102', perm: 6, topicFilterType: 'SINGLE_TAG', ...nums }
  const code = RequestCode.UPDATE_AND_CREATE_TOPIC
  await world.call(clients[0]!, code, CreateTopicRequestHeader, header)
}

interface Case {
  name: string
  header: Partial<SendHeader>
  body?: string
  code: number
  remark: RegExp | null
}

const SYSTEM_TOPICS = [
  'SCHEDULE_TOPIC_XXXX',
  'RMQ_SYS_TRANS_HALF_TOPIC',
  'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  'TRANS_CHECK_MAX_TIME_TOPIC',
  'SELF_TEST_TOPIC',
  'OFFSET_MOVED_EVENT',
]

const CASES: Case[] = [
  { name: 'good', header: { topic: 'narrow' }, code: ResponseCode.SUCCESS, remark: null },
  {
    name: 'a topic without a name',
    header: { topic: ' ' },
    code: ResponseCode.INVALID_PARAMETER,
    remark: /no name/,
  },
  {
    name: 'a topic with a dot and a slash',
    header: { topic: '../etc' },
    code: ResponseCode.INVALID_PARAMETER,
    remark: /only letters, digits/,
  },
  {
    name: 'a topic beyond ASCII',
    header: { topic: 'Bestellung€' },
    code: ResponseCode.INVALID_PARAMETER,
    remark: /only letters, digits/,
  },
  {
    name: 'a topic of 128 characters',
    header: { topic: 'x'.repeat(128) },
    code: ResponseCode.INVALID_PARAMETER,
    remark: /128 characters, at most 127/,
  },
  {
    name: 'a topic of 127 characters',
    header: { topic: 'x'.repeat(127) },
    code: ResponseCode.SUCCESS,
    remark: null,
  },
  ...SYSTEM_TOPICS.map((topic) => ({
    name: topic,
    header: { topic },
    code: ResponseCode.NO_PERMISSION,
    remark: new RegExp(`^Sending message to topic\\[${topic}\\] is forbidden`),
  })),
  {
    name: 'a default topic that does not exist',
    header: { topic: 'unknown1', defaultTopic: 'nowhere' },
    code: ResponseCode.TOPIC_NOT_EXIST,
    remark: /^topic\[unknown1\] not exist, apply first please!/,
  },
  {
    name: 'a default topic that is not inherited from',
    header: { topic: 'unknown2', defaultTopic: 'narrow' },
    code: ResponseCode.TOPIC_NOT_EXIST,
    remark: /^topic\[unknown2\] not exist/,
  },
  {
    name: 'a queue behind the last',
    header: { topic: 'narrow', queueId: 2 },
    code: ResponseCode.INVALID_PARAMETER,
    remark: /^request queueId\[2\] is illegal, .*narrow.* Producer: /,
  },
  {
    name: 'a queue that can only be read',
    header: { topic: 'wide', queueId: 3 },
    code: ResponseCode.SUCCESS,
    remark: null,
  },
  {
    name: 'any queue',
    header: { topic: 'narrow', queueId: -1 },
    code: ResponseCode.SUCCESS,
    remark: null,
  },
  {
    name: 'no body',
    header: { topic: 'narrow' },
    body: '',
    code: ResponseCode.MESSAGE_ILLEGAL,
    remark: /the message is illegal/,
  },
  {
    name: 'the largest body',
    header: { topic: 'narrow' },
    body: 'b'.repeat(4096),
    code: ResponseCode.SUCCESS,
    remark: null,
  },
  {
    name: 'a body one byte larger',
    header: { topic: 'narrow' },
    body: 'b'.repeat(4097),
    code: ResponseCode.MESSAGE_ILLEGAL,
    remark: /body length limit 4096B, msg properties length limit 32KB/,
  },
  {
    name: 'properties over 32 KiB',
    header: { topic: 'narrow', properties: properties(['k', 'v'.repeat(32_767)]) },
    code: ResponseCode.MESSAGE_ILLEGAL,
    remark: /properties length limit 32KB/,
  },
  {
    name: 'properties of 60 KB',
    header: { topic: 'narrow', properties: properties(['k', 'v'.repeat(60_000)]) },
    code: ResponseCode.MESSAGE_ILLEGAL,
    remark: /properties length limit 32KB/,
  },
  {
    name: 'the retry topic of a group that cannot be',
    header: { topic: `%RETRY%${'g'.repeat(121)}` },
    code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
    remark: /^subscription group not exist, ggg/,
  },
  {
    name: 'the retry topic of a group, few failures',
    header: { topic: '%RETRY%g', reconsumeTimes: 16 },
    code: ResponseCode.SUCCESS,
    remark: null,
  },
  {
    name: 'a transaction',
    header: { topic: 'narrow', properties: properties(['TRAN_MSG', 'true']) },
    code: ResponseCode.SUCCESS,
    remark: null,
  },
  {
    name: 'a prepared message by its flag alone',
    header: { topic: 'narrow', sysFlag: 4 },
    code: ResponseCode.SUCCESS,
    remark: null,
  },
  {
    name: 'an inner batch by its flag',
    header: { topic: 'narrow', sysFlag: 0x80 },
    code: ResponseCode.MESSAGE_ILLEGAL,
    remark: /inner batches/,
  },
  {
    name: 'an inner batch by its property',
    header: { topic: 'narrow', properties: properties(['INNER_NUM', '3']) },
    code: ResponseCode.MESSAGE_ILLEGAL,
    remark: /inner batches/,
  },
  {
    name: 'TRAN_MSG that is not true',
    header: { topic: 'narrow', properties: properties(['TRAN_MSG', 'false']) },
    code: ResponseCode.SUCCESS,
    remark: null,
  },
  ...['TIMER_DELAY_MS', 'TIMER_DELAY_SEC', 'TIMER_DELIVER_MS'].map((name) => ({
    name,
    header: { topic: 'narrow', properties: properties([name, '1000']) },
    code: ResponseCode.SYSTEM_ERROR,
    remark: /^accurate timer message is not enabled, timerWheelEnable is false$/,
  })),
  {
    name: 'a timer with a delay level: the level counts',
    header: { topic: 'narrow', properties: properties(['TIMER_DELAY_MS', '1'], ['DELAY', '2']) },
    code: ResponseCode.SUCCESS,
    remark: null,
  },
  ...['soon', '1.5', '99999999999', '-'].map((level) => ({
    name: `delay level ${level}`,
    header: { topic: 'narrow', properties: properties(['DELAY', level]) },
    code: ResponseCode.MESSAGE_ILLEGAL,
    remark: /delay level/,
  })),
]

for (const { name, header, body, code, remark } of CASES) {
  test(`send: ${name}`, async () => {
    for (const client of clients) {
      for (const request of [RequestCode.SEND_MESSAGE, RequestCode.SEND_MESSAGE_V2]) {
        const answer = await sendWith(world, client, header, body ?? 'x', request)
        equal(answer.code, code, answer.remark ?? '')
        if (remark === null) equal(answer.remark, null)
        else match(answer.remark ?? '', remark)
      }
    }
  })
}

test('what is refused leaves no topic behind', () => {
  const { topics } = world.broker!.services!
  for (const name of [
    'unknown1',
    'unknown2',
    'TRANS_CHECK_MAX_TIME_TOPIC',
    `%RETRY%${'g'.repeat(121)}`,
  ]) {
    equal(topics.select(name), undefined)
  }
})

test('an automatic topic has the queues that both sides want, and at least one', async () => {
  const { topics } = world.broker!.services!
  for (const [asked, queues] of [
    [3, 3],
    [100, 8],
    [0, 1],
    [-5, 1],
  ] as const) {
    const topic = `auto${asked}`
    const answer = await sendWith(world, clients[0]!, { topic, defaultTopicQueueNums: asked })
    equal(answer.code, ResponseCode.SUCCESS)
    const created = topics.select(topic)
    equal(created?.writeQueueNums, queues)
    equal(created?.readQueueNums, queues)
    equal(created?.perm, 6)
  }
})

test('messages for any queue are spread over all', async () => {
  const queues = new Set<string>()
  for (let i = 0; i < 8; i++) {
    const answer = await sendWith(world, clients[0]!, { topic: 'wide', queueId: -7 })
    queues.add(answer.fields.get('queueId')!)
  }
  equal(queues.size, 2)
})

test('a message that failed too often, or in order, is a dead letter', async () => {
  const client = clients[0]!
  const delay = properties(['DELAY', '3'])
  const dead = async (header: Partial<SendHeader>, group: string, text: string): Promise<void> => {
    const answer = await sendWith(world, client, { ...header, properties: delay }, text)
    equal(answer.code, ResponseCode.SUCCESS)
    const pulled = await world.pull(client, 'g', `%DLQ%${group}`)
    equal(textsOf(pulled).at(-1), text)
  }
  await dead({ topic: '%RETRY%g', reconsumeTimes: 17 }, 'g', 'over the group')
  const own = { topic: '%RETRY%g', reconsumeTimes: 3, maxReconsumeTimes: 2 }
  await dead(own, 'g', 'over its own limit')
  await dead({ topic: '%RETRY%locked', reconsumeTimes: 1 }, 'locked', 'in order')
  const { stats } = world.broker!.services!
  equal(stats.sentToDlq, 3)
})

test('a retry of an old client keeps its transaction marks and is stored all the same', async () => {
  const header = {
    topic: '%RETRY%g',
    reconsumeTimes: 1,
    sysFlag: 4,
    properties: properties(['TRAN_MSG', 'true'], ['DELAY', '1']),
  }
  const answer = await sendWith(world, clients[0]!, header, 'again')
  equal(answer.code, ResponseCode.SUCCESS)
  await world.pass(1500)
  ok(textsOf(await world.pull(clients[0]!, 'g', '%RETRY%g')).includes('again'))
})

test('a one-way send is stored and has no answer; a bad one has none either', async () => {
  const topic = 'oneWay'
  const client = clients[1]!
  const code = RequestCode.SEND_MESSAGE_V2
  for (const changes of [{ topic }, { topic: '../x' }]) {
    const fields = sendFields(sendHeader(changes), code)
    await world.settle(client.oneway(world.address, { code, fields, body: Buffer.from('quiet') }))
  }
  await world.pass(50)
  const { requests } = world.broker!.services!
  equal(textsOf(await world.pull(client, 'g', topic)).length, 1)
  ok(requests.putTimes.count > CASES.length)
})
