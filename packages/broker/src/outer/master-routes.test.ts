import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { type BrokerNode, ClusterWorld } from '../slave/testing/cluster-world.ts'

/** Who has a topic, by broker name: `a:6 0=… 1=…`. */
async function route(cluster: ClusterWorld, topic: string): Promise<string[]> {
  const found = await cluster.route(topic)
  return (found?.brokerDatas ?? []).map(({ brokerAddrs, brokerName }) => {
    const perm = found?.queueDatas.find((queue) => queue.brokerName === brokerName)?.perm
    const members = [...brokerAddrs].map(([id, address]) => `${id}=${address.split(':')[0]}`)
    return `${brokerName}:${perm} ${members.join(' ')}`
  })
}

interface Cluster {
  cluster: ClusterWorld
  a: BrokerNode
  slave: BrokerNode
  b: BrokerNode
}

/** Two masters with a topic; one of them has a slave. */
async function start(seed: number, nameServers?: string[]): Promise<Cluster> {
  const cluster = new ClusterWorld(seed, nameServers)
  await cluster.startNameServers()
  const a = cluster.node('10.0.0.1', { brokerName: 'a' })
  const b = cluster.node('10.0.0.2', { brokerName: 'b' })
  const slave = cluster.slave('10.0.1.1', { brokerName: 'a' })
  for (const node of [a, b]) {
    await node.start()
    await cluster.createTopic(node, 'orders')
  }
  await slave.start()
  await cluster.until(() => slave.services.topics.select('orders') !== undefined)
  await cluster.pass(100)
  return { cluster, a, b, slave }
}

async function stop({ a, b, slave }: Cluster): Promise<void> {
  for (const node of [slave, a, b]) await node.stop()
}

test('a killed master is out of the route at once, its slave and the other master stay; it comes back', async () => {
  const it = await start(1)
  const { cluster, a } = it
  deepEqual(await route(cluster, 'orders'), ['a:6 0=10.0.0.1 1=10.0.1.1', 'b:6 0=10.0.0.2'])
  a.kill()
  await cluster.pass(100)
  deepEqual(await route(cluster, 'orders'), ['a:6 1=10.0.1.1', 'b:6 0=10.0.0.2'])
  // The slave has told its topics again: as what it is, never writable.
  await cluster.pass(60_000)
  deepEqual(await route(cluster, 'orders'), ['a:4 1=10.0.1.1', 'b:6 0=10.0.0.2'])
  await a.start()
  await cluster.pass(100)
  deepEqual(await route(cluster, 'orders'), ['a:6 0=10.0.0.1 1=10.0.1.1', 'b:6 0=10.0.0.2'])
  await stop(it)
})

test('a hung master is out after its time, and back when it goes on', async () => {
  const it = await start(2)
  const { cluster, a } = it
  const host = cluster.world.host(a.host)
  host.pause()
  await cluster.pass(80_000)
  equal((await route(cluster, 'orders'))[0], 'a:6 0=10.0.0.1 1=10.0.1.1')
  await cluster.pass(46_000)
  equal((await route(cluster, 'orders'))[0], 'a:6 1=10.0.1.1')
  host.resume()
  await cluster.pass(3000)
  equal((await route(cluster, 'orders'))[0], 'a:6 0=10.0.0.1 1=10.0.1.1')
  await stop(it)
})

test('a NameServer that starts while the master is dead learns of its topics from the slave, to be read only', async () => {
  const it = await start(3, ['10.0.9.1', '10.0.9.2'])
  const { cluster, a, b, slave } = it
  a.kill()
  cluster.world.host('10.0.9.1').kill()
  await cluster.pass(1000)
  await cluster.startNameServers('10.0.9.1')
  await cluster.pass(12_000)
  const seen = await route(cluster, 'orders')
  deepEqual(seen.sort(), ['a:4 1=10.0.1.1', 'b:6 0=10.0.0.2'])
  await a.start()
  await cluster.pass(100)
  ok((await route(cluster, 'orders')).includes('a:6 0=10.0.0.1 1=10.0.1.1'))
  await stop({ cluster, a, b, slave })
})
