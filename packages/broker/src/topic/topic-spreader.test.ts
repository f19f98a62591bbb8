import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseCode } from '@apogee/protocol'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { type BrokerNode, ClusterWorld } from '../slave/testing/cluster-world.ts'

interface Masters {
  cluster: ClusterWorld
  a: BrokerNode
  b: BrokerNode
}

/** Two masters of one cluster. */
async function masters(seed: number, values: Partial<BrokerConfigValues> = {}): Promise<Masters> {
  const cluster = new ClusterWorld(seed)
  await cluster.startNameServers()
  const a = cluster.node('10.0.0.1', { brokerName: 'a', ...values })
  const b = cluster.node('10.0.0.2', { brokerName: 'b', ...values })
  await a.start()
  await b.start()
  await cluster.pass(100)
  return { cluster, a, b }
}

async function stop({ a, b }: Masters): Promise<void> {
  await a.stop()
  await b.stop()
}

const queuesAt = (node: BrokerNode, topic: string): number | undefined =>
  node.services.topics.select(topic)?.writeQueueNums

test('a topic that a send makes has its queues on both masters, and the route says so', async () => {
  const it = await masters(1)
  const { cluster, a, b } = it
  equal((await cluster.send(a, 'orders', 'one')).code, ResponseCode.SUCCESS)
  const tookMs = await cluster.until(() => queuesAt(b, 'orders') !== undefined, 1000)
  equal(tookMs < 500, true, String(tookMs))
  await cluster.pass(100)
  const route = await cluster.route('orders')
  deepEqual(
    route?.queueDatas.map((queue) => [queue.brokerName, queue.writeQueueNums, queue.perm]),
    [
      ['a', 4, 6],
      ['b', 4, 6],
    ],
  )
  equal(a.services.spreader.waitingCount, 0)
  await stop(it)
})

test('nothing comes back to who made it, and who has the topic keeps its settings', async () => {
  const it = await masters(2)
  const { cluster, a, b } = it
  await cluster.createTopic(b, 'orders', 7)
  const versionBefore = b.services.topics.dataVersion.counter
  await cluster.send(a, 'orders', 'one')
  await cluster.pass(2000)
  equal(queuesAt(b, 'orders'), 7)
  equal(queuesAt(a, 'orders'), 4)
  equal(b.services.topics.dataVersion.counter, versionBefore)
  const after = a.services.topics.dataVersion.counter
  await cluster.pass(5000)
  equal(a.services.topics.dataVersion.counter, after)
  await stop(it)
})

test('neither a topic that an operator makes nor a retry topic is spread, and a key switches all off', async () => {
  const it = await masters(3)
  const { cluster, a, b } = it
  await cluster.createTopic(a, 'wanted-here')
  a.services.groups.find('g')
  await cluster.send(a, '%RETRY%g', 'again')
  await cluster.pass(2000)
  equal(queuesAt(a, '%RETRY%g'), 4)
  equal(queuesAt(b, '%RETRY%g'), undefined)
  equal(queuesAt(b, 'wanted-here'), undefined)
  await stop(it)

  const off = await masters(4, { autoCreateTopicOnAllMasters: false })
  await off.cluster.send(off.a, 'orders', 'one')
  await off.cluster.pass(2000)
  equal(queuesAt(off.b, 'orders'), undefined)
  await stop(off)
})

test('a NameServer that is away is passed over; without any, a topic is tried some times and stays', async () => {
  const cluster = new ClusterWorld(5, ['10.0.9.1', '10.0.9.2'])
  await cluster.startNameServers('10.0.9.2')
  const a = cluster.node('10.0.0.1', { brokerName: 'a' })
  const b = cluster.node('10.0.0.2', { brokerName: 'b' })
  await a.start()
  await b.start()
  await cluster.pass(100)
  await cluster.send(a, 'one', 'x')
  await cluster.until(() => queuesAt(b, 'one') === 4)
  cluster.world.host('10.0.9.2').kill()
  await cluster.send(a, 'two', 'x')
  await cluster.pass(500)
  equal(a.services.spreader.waitingCount, 1)
  await cluster.until(() => a.services.spreader.waitingCount === 0, 60_000)
  equal(queuesAt(b, 'two'), undefined)
  await stop({ cluster, a, b })
})

test('more topics than are brought at a time all come', async () => {
  const it = await masters(6)
  const { cluster, a, b } = it
  for (let i = 0; i < 30; i++) {
    a.services.topics.createInSend(`t${i}`, 'TBW102', 4, 0, 'x')
  }
  await cluster.until(() => queuesAt(b, 't29') === 4)
  for (let i = 0; i < 30; i++) equal(queuesAt(b, `t${i}`), 4, `t${i}`)
  await stop(it)
})

test('beyond the limit topics stay where they are', async () => {
  const it = await masters(7)
  const { a } = it
  for (let i = 0; i < 1100; i++) a.services.topics.createInSend(`t${i}`, 'TBW102', 1, 0, 'x')
  equal(a.services.spreader.waitingCount, 1024)
  await stop(it)
})
