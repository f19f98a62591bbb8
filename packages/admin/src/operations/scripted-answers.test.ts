import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApogeeError, isMalformed } from '@apogee/base'
import { decodeBody, encodeRecord, RequestCode, SubscriptionGroupConfig } from '@apogee/protocol'
import { RemotingError } from '@apogee/remoting'
import { AdminWorld, BROKER_1, NAMESRV } from '../testing/admin-world.ts'
import {
  type AskedRequest,
  type ScriptedAnswer,
  ScriptedServer,
} from '../testing/scripted-server.ts'

function server(
  answer: (request: AskedRequest) => ScriptedAnswer,
  namesrvAddrs: readonly string[] = [NAMESRV],
): ScriptedServer {
  return new ScriptedServer(new AdminWorld(1).machine('10.0.2.9').boot(), namesrvAddrs, answer)
}

test('a changed group keeps its settings, and its attributes are not sent as changes', async () => {
  const table = `{"subscriptionGroupTable":{"g":{"groupName":"g","retryMaxTimes":3,"attributes":{"a":"b"}}}}`
  const { admin, asked } = server(({ code }) => {
    return code === RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG ? { body: table } : {}
  }, [])
  await admin.groups.create('g', { consumeEnable: false }, { brokerAddr: BROKER_1 })
  const update = asked.find(({ code }) => code === RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP)
  const sent = decodeBody(SubscriptionGroupConfig, update!.body!)
  assert(!isMalformed(sent))
  assert.deepEqual([sent.retryMaxTimes, sent.consumeEnable, sent.attributes.size], [3, false, 0])
})

/** A route to one broker, as Apache's NameServer writes it when it is not asked for standard JSON. */
const ROUTE = `{"brokerDatas":[{"brokerAddrs":{0:"${BROKER_1}"},"brokerName":"a","cluster":"c"}],
  "queueDatas":[{"brokerName":"a","perm":6,"readQueueNums":1,"topicSysFlag":0,"writeQueueNums":1}]}`

test('messages whose key only has the same hash are no matches', async () => {
  const record = (keys: string): Uint8Array =>
    encodeRecord({
      version: 1,
      topic: 'orders',
      queueId: 0,
      queueOffset: 1,
      physicalOffset: 2,
      flag: 0,
      sysFlag: 0,
      body: Buffer.from('x'),
      properties: new Map([['KEYS', keys]]),
      bornTimestamp: 1,
      bornHost: { address: '10.0.0.1', port: 1 },
      storeTimestamp: 1,
      storeHost: { address: '10.0.0.1', port: 10911 },
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
    })
  // "Aa" and "BB" have one hash in Java.
  const records = Buffer.concat([record('Aa'), record('BB')])
  const { admin } = server(({ code }) => {
    return { body: code === RequestCode.QUERY_MESSAGE ? records : ROUTE }
  })
  const { results } = await admin.messages.byKey('orders', 'BB')
  assert.deepEqual(
    results.map(({ keys }) => keys),
    [['BB']],
  )
})

test('the NameServer that answered is asked first from then on', async () => {
  const { admin, asked } = server(
    ({ address }) => {
      if (address === 'dead:1') throw new ApogeeError(RemotingError.CONNECT_FAILED, 'refused')
      return { body: '{"topicList":["T"]}' }
    },
    ['dead:1', 'alive:2'],
  )
  assert.deepEqual(await admin.topics.names(), ['T'])
  assert.deepEqual(await admin.topics.names(), ['T'])
  assert.deepEqual(
    asked.map(({ address }) => address),
    ['dead:1', 'alive:2', 'alive:2'],
  )
})

test("fastjson's form of maps keyed by queues, as Apache's brokers send it, is read", async () => {
  const queue = '{"brokerName":"a","queueId":0,"topic":"orders"}'
  const stats = `{"consumeTps":1.5,"offsetTable":{${queue}:{"brokerOffset":9,"consumerOffset":4,"lastTimestamp":7,"pullOffset":6}}}`
  const clusters = `{"brokerAddrTable":{"a":{"brokerAddrs":{0:"${BROKER_1}",1:"s:1"},"brokerName":"a","cluster":"c","enableActingMaster":false}},"clusterAddrTable":{"c":["a"]}}`
  const { admin } = server(({ code }) => {
    return { body: code === RequestCode.GET_CONSUME_STATS ? stats : clusters }
  })
  const lag = await admin.groups.lag('g')
  assert.deepEqual(lag.queues, [
    {
      topic: 'orders',
      brokerName: 'a',
      queueId: 0,
      brokerOffset: 9,
      consumerOffset: 4,
      lag: 5,
      inflight: 2,
      lastConsumedMs: 7,
    },
  ])
  assert.equal(lag.consumeTps, 1.5)
  const brokers = await admin.cluster.brokers()
  assert.deepEqual(
    brokers.map(({ brokerId, address }) => [brokerId, address]),
    [
      [0, BROKER_1],
      [1, 's:1'],
    ],
    'slaves too',
  )
})
