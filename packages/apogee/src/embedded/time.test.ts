import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { MessageSysFlag } from '@apogee/protocol'
import { startCluster } from './start-cluster.ts'
import { ClusterClient } from './testing/cluster-client.ts'

const SECOND_MS = 1000
const HOUR_MS = 3_600_000

test('a message of the longest delay, two hours, is there after an advance and not before', async () => {
  await using cluster = await startCluster({ time: 'virtual', topics: { orders: 1 } })
  await using client = new ClusterClient()
  const { address } = cluster.brokers[0]!
  await client.heartbeat(address, 'client-1', 'orders')
  const properties: [string, string][] = [['DELAY', '18']]
  const nowMs = cluster.clock.now()
  equal((await client.send(address, 'orders', 'late', { properties })).code, 0)
  await cluster.clock.advance(2 * HOUR_MS - 60 * SECOND_MS)
  deepEqual(await cluster.messages('orders'), [])
  await cluster.clock.advance(61 * SECOND_MS)
  deepEqual(await client.pull(address, 'orders', { suspendMs: 2000 }), ['late'])
  const [message] = await cluster.messages('orders')
  const delayMs = message!.storeTimestamp - nowMs
  ok(delayMs >= 2 * HOUR_MS && delayMs < 2 * HOUR_MS + 10 * SECOND_MS, `${delayMs} ms`)
  // Clients of real time are not taken for dead, and brokers not for silent.
  equal(cluster.clients('consumers').length, 1)
  equal(Object.keys(await client.route(cluster.nameservers[0]!, 'orders')).length, 1)
})

test('delayed messages come in the order of their times, across a restart', async () => {
  await using cluster = await startCluster({ time: 'virtual', topics: { orders: 1 } })
  await using client = new ClusterClient()
  const [broker] = cluster.brokers
  for (const level of ['5', '3', '4', '2']) {
    await client.send(broker!.address, 'orders', level, { properties: [['DELAY', level]] })
  }
  await cluster.clock.advance(15 * SECOND_MS)
  await broker!.stop()
  await cluster.clock.advance(20 * SECOND_MS)
  await broker!.restart()
  await cluster.clock.advance(40 * SECOND_MS)
  const bodies = (await cluster.messages('orders')).map(({ body }) => body.toString())
  deepEqual(bodies, ['2', '3', '4', '5'])
})

test('silent clients expire when the configuration says so, and a silent broker leaves the routes', async () => {
  await using cluster = await startCluster({
    time: 'virtual',
    brokers: 2,
    topics: { orders: 1 },
    config: { channelExpiredTimeout: 120_000 },
  })
  await using client = new ClusterClient()
  const [first, second] = cluster.brokers
  await client.heartbeat(first!.address, 'client-1', 'orders')
  await cluster.clock.advance(110 * SECOND_MS)
  equal(cluster.clients('consumers').length, 1)
  await cluster.clock.advance(30 * SECOND_MS)
  equal(cluster.clients('consumers').length, 0)
  second!.pause()
  await cluster.clock.advance(180 * SECOND_MS)
  const route = await client.route(cluster.nameservers[0]!, 'orders')
  deepEqual(Object.keys(route), [first!.address])
  await second!.resume()
  await cluster.clock.advance(60 * SECOND_MS)
  const again = await client.route(cluster.nameservers[0]!, 'orders')
  equal(Object.keys(again).length, 2)
})

test('a producer is asked about a transaction that it has left open', async () => {
  await using cluster = await startCluster({ time: 'virtual', topics: { orders: 1 } })
  await using client = new ClusterClient()
  const { address } = cluster.brokers[0]!
  await client.heartbeat(address, 'client-1', 'orders')
  const checks = cluster.faults.drop({ code: 'CHECK_TRANSACTION_STATE' })
  const properties: [string, string][] = [
    ['TRAN_MSG', 'true'],
    ['PGROUP', 'producers'],
    ['UNIQ_KEY', 'ID1'],
  ]
  const sysFlag = MessageSysFlag.TRANSACTION_PREPARED
  equal((await client.send(address, 'orders', 'half', { properties, sysFlag })).code, 0)
  await cluster.clock.advance(70 * SECOND_MS)
  ok(checks.hits >= 1, `${checks.hits} checks`)
  deepEqual(await cluster.messages('orders'), [])
})

test('a client made with the time of the cluster keeps up with it', async () => {
  await using cluster = await startCluster({ time: 'virtual', topics: { orders: 1 } })
  await using client = new ClusterClient(cluster.env)
  const { address } = cluster.brokers[0]!
  await client.heartbeat(address, 'client-1', 'orders')
  cluster.faults.drop({ code: 'SEND_MESSAGE_V2', times: 1 })
  const lost = client.send(address, 'orders', 'lost', { timeoutMs: 60 * SECOND_MS })
  const answer = rejects(lost, { code: 'REMOTING_TIMEOUT' })
  await cluster.clock.advance(61 * SECOND_MS)
  await answer
  equal((await client.send(address, 'orders', 'there')).code, 0)
})

test('time moves only where it was asked to be virtual', async () => {
  await using cluster = await startCluster()
  ok(Math.abs(cluster.clock.now() - Date.now()) < 1000)
  await rejects(cluster.clock.advance(1), { code: 'CLUSTER_TIME_REAL' })
})
