import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { QueryConsumerOffsetRequestHeader, RequestCode, ResponseCode } from '@apogee/protocol'
import { startCluster } from './start-cluster.ts'
import { ClusterClient } from './testing/cluster-client.ts'

const TIMED_OUT = { code: 'REMOTING_TIMEOUT' }

test('a request that is dropped does nothing; the next one is served', async () => {
  await using cluster = await startCluster({ topics: { orders: 1 } })
  await using client = new ClusterClient()
  const { address } = cluster.brokers[0]!
  const rule = cluster.faults.drop({ code: 'SEND_MESSAGE_V2', topic: 'orders', times: 1 })
  await rejects(client.send(address, 'orders', 'lost', { timeoutMs: 60 }), TIMED_OUT)
  equal((await client.send(address, 'orders', 'there')).code, 0)
  equal(rule.hits, 1)
  deepEqual(
    (await cluster.messages('orders')).map(({ body }) => body.toString()),
    ['there'],
  )
})

test('a reply that is dropped leaves the message: who tries again makes a duplicate', async () => {
  await using cluster = await startCluster({ topics: { orders: 1 } })
  await using client = new ClusterClient()
  const { address } = cluster.brokers[0]!
  cluster.faults.dropReply({ code: RequestCode.SEND_MESSAGE_V2, times: 1 })
  await rejects(client.send(address, 'orders', 'twice', { timeoutMs: 60 }), TIMED_OUT)
  equal((await client.send(address, 'orders', 'twice')).code, 0)
  equal((await cluster.messages('orders')).length, 2)
})

test('a refusal has the code and remark that were asked for, whatever form the request has', async () => {
  await using cluster = await startCluster({ topics: { orders: 1 } })
  await using client = new ClusterClient()
  const { address } = cluster.brokers[0]!
  cluster.faults.refuse({ code: 'SEND_MESSAGE_V2', times: 1 }, { remark: 'try later' })
  cluster.faults.refuse({ code: 'QUERY_CONSUMER_OFFSET' }, { code: 'NO_PERMISSION' })
  const busy = await client.send(address, 'orders', 'x')
  equal(busy.code, ResponseCode.SYSTEM_BUSY)
  equal(busy.remark, 'try later')
  const query = { consumerGroup: 'g', topic: 'orders', queueId: 0 }
  const code = RequestCode.QUERY_CONSUMER_OFFSET
  const refused = await client.call(address, code, QueryConsumerOffsetRequestHeader, query)
  equal(refused.code, ResponseCode.NO_PERMISSION)
  equal((await client.send(address, 'orders', 'y')).code, 0)
})

test('a delayed request or reply is overtaken by the others', async () => {
  await using cluster = await startCluster({ topics: { orders: 1 } })
  await using client = new ClusterClient()
  const { address } = cluster.brokers[0]!
  const ended: string[] = []
  const send = async (body: string): Promise<void> => {
    await client.send(address, 'orders', body)
    ended.push(body)
  }
  cluster.faults.delay({ code: 'SEND_MESSAGE_V2', times: 1 }, 30)
  await Promise.all([send('late'), send('at once')])
  cluster.faults.delayReply({ code: 'SEND_MESSAGE_V2', times: 1 }, 30)
  await Promise.all([send('stored first'), send('stored second')])
  deepEqual(ended, ['at once', 'late', 'stored second', 'stored first'])
  const stored = (await cluster.messages('orders')).map(({ body }) => body.toString())
  deepEqual(stored, ['at once', 'late', 'stored first', 'stored second'])
})

test('rules match by topic, group, queue and broker, after some requests, until they are removed', async () => {
  await using cluster = await startCluster({ brokers: 2, topics: { orders: 2, other: 2 } })
  await using client = new ClusterClient()
  const [a, b] = cluster.brokers.map(({ address }) => address)
  const match = { code: 'SEND_MESSAGE_V2', topic: 'orders', group: 'producers' } as const
  const rule = cluster.faults.refuse({ ...match, broker: 'broker-b', queueId: 1, after: 1 })
  const codes: number[] = []
  const send = async (address: string, topic: string, queueId: number): Promise<void> => {
    codes.push((await client.send(address, topic, 'x', { queueId })).code)
  }
  await send(a!, 'orders', 1)
  await send(b!, 'other', 1)
  await send(b!, 'orders', 0)
  await send(b!, 'orders', 1)
  deepEqual(codes, [0, 0, 0, 0])
  await send(b!, 'orders', 1)
  await send(b!, 'orders', 1)
  deepEqual(codes.slice(4), [ResponseCode.SYSTEM_BUSY, ResponseCode.SYSTEM_BUSY])
  equal(rule.hits, 2)
  rule.remove()
  await send(b!, 'orders', 1)
  cluster.faults.refuse({ ...match, group: 'others' })
  await send(b!, 'orders', 1)
  cluster.faults.refuse(match)
  cluster.faults.clear()
  await send(b!, 'orders', 1)
  deepEqual(codes.slice(6), [0, 0, 0])
  throws(() => cluster.faults.drop({ code: 'SEND' as 'SEND_MESSAGE' }), {
    code: 'CLUSTER_OPTION_INVALID',
  })
})

test('connections are cut one by one, or by a request', async () => {
  await using cluster = await startCluster({ topics: { orders: 1 } })
  await using client = new ClusterClient()
  const { address } = cluster.brokers[0]!
  await client.send(address, 'orders', 'one')
  const parked = client.pull(address, 'orders', { offset: 1, suspendMs: 2000 })
  await client.send(address, 'orders', 'two', { queueId: 0 })
  deepEqual(await parked, ['two'])
  const again = client.pull(address, 'orders', { offset: 2, suspendMs: 2000 })
  await client.heartbeat(address, 'client-1', 'orders')
  equal(cluster.faults.cutConnections({ broker: 'broker-a' }), 1)
  await rejects(again, { code: 'REMOTING_CLOSED' })
  cluster.faults.disconnect({ code: 'SEND_MESSAGE_V2', times: 1 })
  await rejects(client.send(address, 'orders', 'lost'), { code: 'REMOTING_CLOSED' })
  equal((await client.send(address, 'orders', 'three')).code, 0)
  equal((await cluster.messages('orders')).length, 3)
})

test('requests of the broker to its clients can be dropped too', async () => {
  await using cluster = await startCluster({ topics: { orders: 1 } })
  await using client = new ClusterClient()
  const rule = cluster.faults.drop({ code: 'NOTIFY_CONSUMER_IDS_CHANGED', group: 'consumers' })
  await client.heartbeat(cluster.brokers[0]!.address, 'client-1', 'orders')
  await cluster.waitFor(() => rule.hits === 1)
})

test('faults planned and ended under load change nothing but what they name', async () => {
  await using cluster = await startCluster({ topics: { orders: 1 } })
  await using client = new ClusterClient()
  const { address } = cluster.brokers[0]!
  const body = 'x'.repeat(5000)
  const sends: Promise<{ code: number }>[] = []
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 20; i++) sends.push(client.send(address, 'orders', body))
    await sends.at(-10)
    if (round % 2 === 0) cluster.faults.delay({ topic: 'none' }, 1)
    else cluster.faults.clear()
    if (round % 5 === 0) cluster.faults.delay({ topic: 'orders', times: 3 }, 1)
  }
  const codes = await Promise.all(sends.map(async (sent) => (await sent).code))
  ok(codes.every((code) => code === 0))
  const messages = await cluster.messages('orders')
  equal(messages.length, 400)
  ok(messages.every((message) => message.body.length === 5000))
})
