import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import {
  ConsumerSendMsgBackRequestHeader,
  CreateTopicRequestHeader,
  decodeBody,
  decodeRecords,
  GetConsumerListByGroupRequestHeader,
  KVTable,
  type MessageExt,
  QueryConsumerOffsetRequestHeader,
  QueryMessageRequestHeader,
  RequestCode,
  ResponseCode,
  UpdateConsumerOffsetRequestHeader,
} from '@apogee/protocol'
import type { Response } from '@apogee/remoting'
import { BrokerWorld } from './testing/broker-world.ts'

const SEED = 20260

function messages(response: Response): MessageExt[] {
  const records = decodeRecords(response.body)
  if (isMalformed(records)) throw new Error(records.detail)
  return records
}

const texts = (response: Response): string[] =>
  messages(response).map((message) => Buffer.from(message.body).toString())

test('a message goes in, comes out, and is there after a stop and a start', async () => {
  const world = new BrokerWorld(SEED)
  await world.start()
  const client = world.client('10.0.0.2')
  const sent = await world.send(client, 'orders', 'one')
  equal(sent.code, ResponseCode.SUCCESS)
  equal(sent.fields.get('queueOffset'), '0')
  deepEqual(texts(await world.pull(client, 'g', 'orders')), ['one'])
  await world.call(client, RequestCode.UPDATE_CONSUMER_OFFSET, UpdateConsumerOffsetRequestHeader, {
    consumerGroup: 'g',
    topic: 'orders',
    queueId: 0,
    commitOffset: 1,
  })
  await world.stop()

  const broker = await world.start()
  equal(broker.services?.topics.select('orders')?.writeQueueNums, 4)
  const again = world.client('10.0.0.3')
  deepEqual(texts(await world.pull(again, 'g', 'orders')), ['one'])
  const offset = await world.call(
    again,
    RequestCode.QUERY_CONSUMER_OFFSET,
    QueryConsumerOffsetRequestHeader,
    { consumerGroup: 'g', topic: 'orders', queueId: 0 },
  )
  equal(offset.fields.get('offset'), '1')
  await world.stop()
})

test('a pull that waits gets the next message at once, and an empty answer when its time is up', async () => {
  const world = new BrokerWorld(SEED + 1)
  await world.start()
  const client = world.client('10.0.0.2')
  await world.send(client, 'orders', 'one')
  const waiting = world.pull(client, 'g', 'orders', { offset: 1, suspendMs: 15_000 })
  await world.pass(3000)
  equal(world.broker?.services?.longPolling.size, 1)
  const started = world.world.clock.wallMs()
  await world.send(world.client('10.0.0.3'), 'orders', 'two')
  deepEqual(texts(await waiting), ['two'])
  ok(world.world.clock.wallMs() - started < 500)

  const before = world.world.clock.wallMs()
  const nothing = await world.pull(client, 'g', 'orders', { offset: 2, suspendMs: 5000 })
  equal(nothing.code, ResponseCode.PULL_NOT_FOUND)
  const waited = world.world.clock.wallMs() - before
  ok(waited >= 5000 && waited < 7500, String(waited))
  await world.stop()
})

test('a delayed message is delivered when its level says, over a restart too', async () => {
  const world = new BrokerWorld(SEED + 2)
  await world.start()
  const client = world.client('10.0.0.2')
  await world.send(client, 'orders', 'later', { properties: [['DELAY', '3']] })
  await world.send(client, 'orders', 'soon', { properties: [['DELAY', '1']] })
  await world.pass(1200)
  deepEqual(texts(await world.pull(client, 'g', 'orders')), ['soon'])
  await world.stop()

  await world.start()
  const again = world.client('10.0.0.3')
  await world.pass(10_000)
  const delivered = messages(await world.pull(again, 'g', 'orders'))
  deepEqual(
    delivered.map((message) => Buffer.from(message.body).toString()),
    ['soon', 'later'],
  )
  equal(delivered[1]?.properties.get('DELAY'), undefined)
  equal(delivered[1]?.properties.get('REAL_TOPIC'), 'orders')
  await world.stop()
})

test('a failed message comes back through the retry topic and ends among the dead letters', async () => {
  const world = new BrokerWorld(SEED + 3)
  await world.start()
  const client = world.client('10.0.0.2')
  await world.heartbeat(client, 'c1', 'g', 'orders')
  await world.send(client, 'orders', 'bad')
  const sendBack = (message: MessageExt, maxReconsumeTimes: number): Promise<Response> =>
    world.call(client, RequestCode.CONSUMER_SEND_MSG_BACK, ConsumerSendMsgBackRequestHeader, {
      offset: message.physicalOffset,
      group: 'g',
      delayLevel: 0,
      maxReconsumeTimes,
    })
  const [first] = messages(await world.pull(client, 'g', 'orders'))
  equal((await sendBack(first!, 1)).code, ResponseCode.SUCCESS)
  await world.pass(11_000)
  const [retried] = messages(await world.pull(client, 'g', '%RETRY%g'))
  equal(retried?.reconsumeTimes, 1)
  equal(retried?.properties.get('RETRY_TOPIC'), 'orders')
  equal((await sendBack(retried!, 1)).code, ResponseCode.SUCCESS)
  await world.pass(100)
  const dead = messages(await world.pull(client, 'g', '%DLQ%g'))
  equal(dead.length, 1)
  equal(dead[0]?.reconsumeTimes, 2)
  equal(dead[0]?.properties.get('ORIGIN_MESSAGE_ID')?.length, 32)
  await world.stop()
})

test('after kill -9 every delayed message still comes, and offsets older than 5 s are there', async () => {
  for (let seed = 0; seed < 5; seed++) {
    const world = new BrokerWorld(SEED + 100 + seed)
    await world.start()
    const client = world.client('10.0.0.2')
    for (let i = 0; i < 10; i++) {
      await world.send(client, 'orders', String(i), { properties: [['DELAY', '1']] })
    }
    await world.call(
      client,
      RequestCode.UPDATE_CONSUMER_OFFSET,
      UpdateConsumerOffsetRequestHeader,
      { consumerGroup: 'TOOLS_CONSUMER', topic: 'orders', queueId: 0, commitOffset: 7 },
    )
    await world.pass(5100 + seed)
    world.host.kill()

    const broker = await world.start()
    equal(broker.services?.offsets.queryOffset('TOOLS_CONSUMER', 'orders', 0), 7)
    const again = world.client('10.0.0.3')
    await world.pass(2000)
    const seen = new Set<string>()
    for (let offset = 0; ; ) {
      const pulled = await world.pull(again, 'g', 'orders', { offset })
      if (pulled.code !== ResponseCode.SUCCESS) break
      for (const text of texts(pulled)) seen.add(text)
      offset = Number(pulled.fields.get('nextBeginOffset'))
    }
    equal(seen.size, 10, `seed ${SEED + 100 + seed}`)
    await world.stop()
  }
})

test('members of a group hear of each other and of lost connections', async () => {
  const world = new BrokerWorld(SEED + 4)
  await world.start()
  const [one, two] = [world.client('10.0.0.2'), world.client('10.0.0.3')]
  await world.heartbeat(one, 'c1', 'g', 'orders')
  await world.heartbeat(two, 'c2', 'g', 'orders')
  const list = (): Promise<Response> =>
    world.call(one, RequestCode.GET_CONSUMER_LIST_BY_GROUP, GetConsumerListByGroupRequestHeader, {
      consumerGroup: 'g',
    })
  equal((await list()).body.toString(), '{"consumerIdList":["c1","c2"]}')
  await world.settle(two.close())
  await world.pass(100)
  equal((await list()).body.toString(), '{"consumerIdList":["c1"]}')
  await world.stop()
})

test('a topic is made by an operator, a message found by its key, and the figures are there', async () => {
  const world = new BrokerWorld(SEED + 5)
  await world.start()
  const client = world.client('10.0.0.2')
  const created = await world.call(
    client,
    RequestCode.UPDATE_AND_CREATE_TOPIC,
    CreateTopicRequestHeader,
    {
      topic: 'orders',
      defaultTopic: 'TBW102',
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
    },
  )
  equal(created.code, ResponseCode.SUCCESS)
  await world.send(client, 'orders', 'one', { properties: [['KEYS', 'k1 k2']] })
  await world.pass(1000)
  const found = await world.call(client, RequestCode.QUERY_MESSAGE, QueryMessageRequestHeader, {
    topic: 'orders',
    key: 'k2',
    maxNum: 32,
    beginTimestamp: 0,
    endTimestamp: world.world.clock.wallMs() + 1000,
  })
  deepEqual(texts(found), ['one'])
  const info = await world.call(client, RequestCode.GET_BROKER_RUNTIME_INFO, {}, {})
  const table = decodeBody(KVTable, info.body)
  ok(!isMalformed(table))
  equal(table.table.get('msgPutTotalTodayNow'), '1')
  equal(table.table.get('brokerVersionDesc'), 'V5_3_3')
  await world.pull(client, 'g', 'orders')
  await world.call(client, RequestCode.UPDATE_CONSUMER_OFFSET, UpdateConsumerOffsetRequestHeader, {
    consumerGroup: 'g',
    topic: 'orders',
    queueId: 0,
    commitOffset: 0,
  })
  await world.settle(world.broker!.refreshMetrics())
  const metrics = [...world.broker!.metrics()]
  const latency = metrics.find(({ name }) => name.startsWith('rocketmq_consumer_lag_latency'))
  ok(latency!.value >= 1000)
  const put = metrics.find(({ name, labels }) => {
    return name === 'rocketmq_messages_in_total' && labels['topic'] === 'orders'
  })
  equal(put?.value, 1)
  await world.stop()
})

test('the fast port serves everything but pulls', async () => {
  const world = new BrokerWorld(SEED + 6)
  const broker = await world.start()
  equal(world.ports?.fastPort, 10909)
  equal(broker.registry.get(RequestCode.PULL_MESSAGE)?.code, 11)
  ok(broker.registry.list().length > 50)
  await world.stop()
})

for (const [what, part] of [
  ['the store', '/store/checkpoint'],
  ['a table', '/store/config/consumerOffset.json'],
] as const) {
  test(`a stop that cannot write ${what} closes everything, and rejects with what is missing`, async () => {
    const world = new BrokerWorld(SEED + 8)
    const broker = await world.start()
    const client = world.client('10.0.0.2')
    await world.send(client, 'orders', 'one')
    deepEqual(texts(await world.pull(client, 'g', 'orders')), ['one'])
    const table = UpdateConsumerOffsetRequestHeader
    await world.call(client, RequestCode.UPDATE_CONSUMER_OFFSET, table, {
      consumerGroup: 'g',
      topic: 'orders',
      queueId: 0,
      commitOffset: 1,
    })
    const { disk } = world.host
    disk.faults.failWhen(({ path }) => path.startsWith(part), { code: 'EIO' })
    await rejects(world.stop(), (error: Error & { code?: string }) => {
      equal(error.code, 'BROKER_STOP_INCOMPLETE')
      match(
        error.message,
        what === 'the store' ? /the store was not written whole/ : /consumerOffset/,
      )
      return true
    })
    equal(disk.exists('/store/abort'), what === 'the store')
    disk.faults.clear()
    ok(broker.services?.store.failure === null)
    // In the same machine: ports and store are free.
    await world.start()
    deepEqual(texts(await world.pull(world.client('10.0.0.3'), 'g', 'orders')), ['one'])
    await world.stop()
  })
}

test('a stop without grace neither lingers nor waits for NameServers', async () => {
  const world = new BrokerWorld(SEED + 7, { namesrvAddr: '10.0.0.9:9876' })
  const broker = await world.start()
  await world.send(world.client('10.0.0.2'), 'orders', 'one')
  const startedMs = world.world.clock.monotonicMs()
  await world.settle(broker.stop(0))
  const tookMs = world.world.clock.monotonicMs() - startedMs
  ok(tookMs < 50, String(tookMs))
})
