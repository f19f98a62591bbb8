import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { RequestCode, ResponseCode } from '@apogee/protocol'
import type { RemotingClient, Response } from '@apogee/remoting'
import { BrokerWorld } from '../testing/broker-world.ts'
import {
  beatWith,
  messagesOf,
  type PullHeader,
  properties,
  pullWith,
  sendWith,
  textsOf,
} from '../testing/requests.ts'

// What pulls find. Ten messages of 100 bytes in queue 0 of `orders`, every other one tagged A and the rest B.
const COMMIT_OFFSET = 1
const world = new BrokerWorld(30_031, { enablePropertyFilter: true })
let client: RemotingClient

before(async () => {
  await world.start()
  client = world.client('10.0.0.2', 1)
  for (let i = 0; i < 10; i++) {
    const tag: [string, string] = ['TAGS', i % 2 === 0 ? 'A' : 'B']
    const header = { properties: properties(tag, ['number', String(i)]) }
    await sendWith(world, client, header, String(i).padEnd(100, '.'))
  }
})

after(() => world.stop())

const pull = (header: Partial<PullHeader>): Promise<Response> => pullWith(world, client, header)

const numbers = (answer: Response): number[] =>
  textsOf(answer).map((text) => Number.parseInt(text, 10))

interface Offsets {
  next: number
  min: number
  max: number
}

function offsetsOf({ fields }: Response): Offsets {
  const number = (name: string): number => Number(fields.get(name))
  return { next: number('nextBeginOffset'), min: number('minOffset'), max: number('maxOffset') }
}

interface Case {
  name: string
  header: Partial<PullHeader>
  code: number
  remark: string
  offsets: Offsets
}

const EMPTY_QUEUE = { next: 0, min: 0, max: 0 }

const CASES: Case[] = [
  {
    name: 'at the start',
    header: {},
    code: ResponseCode.SUCCESS,
    remark: 'FOUND',
    offsets: { next: 10, min: 0, max: 10 },
  },
  {
    name: 'at the end',
    header: { queueOffset: 10 },
    code: ResponseCode.PULL_NOT_FOUND,
    remark: 'OFFSET_OVERFLOW_ONE',
    offsets: { next: 10, min: 0, max: 10 },
  },
  {
    name: 'behind the end',
    header: { queueOffset: 11 },
    code: ResponseCode.PULL_OFFSET_MOVED,
    remark: 'OFFSET_OVERFLOW_BADLY',
    offsets: { next: 10, min: 0, max: 10 },
  },
  {
    name: 'before the start',
    header: { queueOffset: -1 },
    code: ResponseCode.PULL_OFFSET_MOVED,
    remark: 'OFFSET_TOO_SMALL',
    offsets: { next: 0, min: 0, max: 10 },
  },
  {
    name: 'of an empty queue, at its start',
    header: { queueId: 1 },
    code: ResponseCode.PULL_NOT_FOUND,
    remark: 'NO_MATCHED_LOGIC_QUEUE',
    offsets: EMPTY_QUEUE,
  },
  {
    name: 'of an empty queue, elsewhere',
    header: { queueId: 1, queueOffset: 5 },
    code: ResponseCode.PULL_OFFSET_MOVED,
    remark: 'NO_MATCHED_LOGIC_QUEUE',
    offsets: EMPTY_QUEUE,
  },
  {
    name: 'for a tag that no message has',
    header: { subscription: 'C' },
    code: ResponseCode.PULL_RETRY_IMMEDIATELY,
    remark: 'NO_MATCHED_MESSAGE',
    offsets: { next: 10, min: 0, max: 10 },
  },
  {
    name: 'for properties that no message has',
    header: { subscription: 'number > 100', expressionType: 'SQL92' },
    code: ResponseCode.PULL_RETRY_IMMEDIATELY,
    remark: 'NO_MATCHED_MESSAGE',
    offsets: { next: 10, min: 0, max: 10 },
  },
]

for (const { name, header, code, remark, offsets } of CASES) {
  test(`a pull ${name}`, async () => {
    const answer = await pull(header)
    equal(answer.code, code)
    equal(answer.remark, remark)
    deepEqual(offsetsOf(answer), offsets)
    equal(answer.fields.get('suggestWhichBrokerId'), '0')
    equal(answer.fields.get('topicSysFlag'), '0')
    equal(answer.fields.get('groupSysFlag'), '0')
    equal(answer.body.length > 0, code === ResponseCode.SUCCESS)
  })
}

test('a filter by tag passes what has it, one by properties what matches', async () => {
  deepEqual(numbers(await pull({ subscription: 'A' })), [0, 2, 4, 6, 8])
  deepEqual(numbers(await pull({ subscription: 'B || C', queueOffset: 4 })), [5, 7, 9])
  const sql = { subscription: 'number BETWEEN 3 AND 5 OR number = 9', expressionType: 'SQL92' }
  deepEqual(numbers(await pull(sql)), [3, 4, 5, 9])
})

test('the filter of the group applies to pulls without one', async () => {
  await beatWith(world, client, { group: 'odd', expression: 'B' })
  deepEqual(numbers(await pull({ consumerGroup: 'odd', sysFlag: 0 })), [1, 3, 5, 7, 9])
  const sql = { group: 'sql', expression: 'number < 2', expressionType: 'SQL92' }
  await beatWith(world, client, sql)
  deepEqual(numbers(await pull({ consumerGroup: 'sql', sysFlag: 0 })), [0, 1])
})

test('as many messages come as are asked for, at least one', async () => {
  for (const [asked, given] of [
    [3, 3],
    [1, 1],
    [0, 1],
    [-9, 1],
    [1000, 10],
  ] as const) {
    const answer = await pull({ maxMsgNums: asked })
    equal(numbers(answer).length, given)
    equal(offsetsOf(answer).next, given)
  }
})

test('as many bytes come as are asked for, but always one message', async () => {
  const size = messagesOf(await pull({ maxMsgNums: 1 })).length
  equal(size, 1)
  const one = (await pull({ maxMsgNums: 1 })).body.length
  for (const [bytes, given] of [
    [1, 1],
    [one * 2 - 1, 1],
    [one * 2, 2],
    [0, 10],
  ] as const) {
    equal(numbers(await pull({ maxMsgBytes: bytes })).length, given, String(bytes))
  }
})

test('the limits of the broker hold, and follow its configuration', async () => {
  const { config } = world.broker!
  config.update(new Map([['maxTransferCountOnMessageInMemory', '4']]))
  equal(numbers(await pull({})).length, 4)
  config.update(new Map([['maxTransferCountOnMessageInMemory', '32']]))
  config.update(new Map([['pullBatchMaxMessageCount', '5']]))
  equal(numbers(await pull({})).length, 5)
  config.update(new Map([['pullBatchMaxMessageCount', '160']]))
  config.update(new Map([['maxTransferBytesOnMessageInMemory', '1']]))
  equal(numbers(await pull({})).length, 1)
  config.update(new Map([['maxTransferBytesOnMessageInMemory', '262144']]))
})

test('a pull commits the offset that comes with it when its flag says so', async () => {
  const { offsets } = world.broker!.services!
  await pull({ consumerGroup: 'c', commitOffset: 7 })
  equal(offsets.queryOffset('c', 'orders', 0), -1)
  await pull({ consumerGroup: 'c', sysFlag: 4 | COMMIT_OFFSET, commitOffset: 7 })
  equal(offsets.queryOffset('c', 'orders', 0), 7)
  await pull({ consumerGroup: 'c', sysFlag: 4 | COMMIT_OFFSET, commitOffset: -1 })
  equal(offsets.queryOffset('c', 'orders', 0), 7)
  equal(offsets.queryPullOffset('c', 'orders', 0), 10)
})

test('a reset sends the next pull elsewhere, once', async () => {
  const { offsets } = world.broker!.services!
  offsets.assignResetOffset('orders', 'g', 0, 3)
  const moved = await pull({ queueOffset: 8 })
  equal(moved.code, ResponseCode.PULL_OFFSET_MOVED)
  equal(moved.remark, 'OFFSET_RESET')
  deepEqual(offsetsOf(moved), { next: 3, min: 0, max: 10 })
  deepEqual(numbers(await pull({ queueOffset: 3 })), [3, 4, 5, 6, 7, 8, 9])
})

test('lite pulls read as others do', async () => {
  const answer = await pullWith(world, client, {}, RequestCode.LITE_PULL_MESSAGE)
  equal(numbers(answer).length, 10)
})

test('times of pulls and sends are counted by their answers', () => {
  const { requests } = world.broker!.services!
  const counted = new Set<string>()
  for (const { requestCode, responseCode, histogram } of requests.latencies()) {
    if (histogram.count > 0) counted.add(`${requestCode} ${responseCode}`)
  }
  for (const pair of ['310 0', '11 0', '11 19', '11 20', '11 21', '361 0']) {
    ok(counted.has(pair), pair)
  }
})

test('a pull before what was deleted is sent to the first message left', async () => {
  const old = new BrokerWorld(30_032, { mappedFileSizeCommitLog: 65_536 })
  await old.start()
  const consumer = old.client('10.0.0.2')
  for (let i = 0; i < 30; i++) await sendWith(old, consumer, {}, 'x'.repeat(10_000))
  await old.pass(2000)
  old.host.jumpWall(100 * 3_600_000)
  const code = RequestCode.DELETE_EXPIRED_COMMITLOG
  const deleted = await old.call(consumer, code, {}, {})
  equal(deleted.code, ResponseCode.SUCCESS)
  await old.pass(2000)
  const answer = await pullWith(old, consumer, {})
  const { next, min, max } = offsetsOf(answer)
  equal(answer.code, ResponseCode.PULL_OFFSET_MOVED)
  equal(answer.remark, 'OFFSET_TOO_SMALL')
  ok(min > 0 && next === min && max === 30, JSON.stringify({ next, min, max }))
  equal((await pullWith(old, consumer, { queueOffset: next })).code, ResponseCode.SUCCESS)
  await old.stop()
})

test('pulls at once of what left memory and of the end all get what they ask for', async () => {
  const large = new BrokerWorld(30_033)
  await large.start()
  const producer = large.client('10.0.0.2', 1)
  const body = Buffer.alloc(512 * 1024)
  for (let i = 0; i < 80; i++) {
    body.writeInt32BE(i)
    await sendWith(large, producer, { topic: `t${i % 2}` }, body)
  }
  const consumers = [large.client('10.0.0.3', 1), large.client('10.0.0.4', 0)]
  const seen = async (consumer: RemotingClient, topic: string): Promise<number[]> => {
    const found: number[] = []
    for (let offset = 0; offset < 40; ) {
      const answer = await pullWith(large, consumer, { topic, queueOffset: offset })
      equal(answer.code, ResponseCode.SUCCESS, answer.remark ?? '')
      for (const message of messagesOf(answer)) {
        found.push(Buffer.from(message.body).readInt32BE())
      }
      offset = offsetsOf(answer).next
    }
    return found
  }
  const runs = consumers.flatMap((consumer) => ['t0', 't1'].map((topic) => seen(consumer, topic)))
  const every = Array.from({ length: 40 }, (_, i) => i * 2)
  const [first, second, ...others] = await Promise.all(runs)
  deepEqual(first, every)
  deepEqual(
    second,
    every.map((i) => i + 1),
  )
  deepEqual(others, [first, second])
  await large.stop()
})
