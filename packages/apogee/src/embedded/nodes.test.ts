import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { startCluster } from './start-cluster.ts'
import { ClusterClient } from './testing/cluster-client.ts'

test('a killed broker leaves the routes at once, and comes back on its port with what it had', async () => {
  await using cluster = await startCluster({ brokers: 2, topics: { orders: 1 } })
  await using client = new ClusterClient()
  const [first, second] = cluster.brokers
  const { address } = first!
  await client.send(address, 'orders', 'kept')
  const parked = client.pull(address, 'orders', { offset: 1, suspendMs: 2000 })
  await client.send(second!.address, 'orders', 'other')
  await Promise.all([rejects(parked, { code: 'REMOTING_CLOSED' }), first!.kill()])
  equal(first!.isRunning, false)
  await rejects(client.send(address, 'orders', 'lost'), { code: 'REMOTING_CONNECT_FAILED' })
  const [nameserver] = cluster.nameservers
  await cluster.waitFor(
    async () => (await client.route(nameserver!, 'orders'))[address] === undefined,
  )
  deepEqual(
    (await cluster.messages('orders')).map(({ broker }) => broker),
    ['broker-b'],
  )
  await cluster.topics.create('meanwhile', { queues: 1 })

  await first!.restart()
  equal(first!.address, address)
  equal((await client.route(nameserver!, 'orders'))[address], 1)
  equal((await client.route(nameserver!, 'meanwhile'))[address], 1)
  deepEqual(await client.pull(address, 'orders', {}), ['kept'])
  equal((await client.send(address, 'orders', 'again')).fields.get('queueOffset'), '1')
})

test('a broker killed in the middle of sends keeps all that it acknowledged', async () => {
  for (const store of ['memory', 'temporary'] as const) {
    await using cluster = await startCluster({ store, topics: { orders: 1 } })
    await using client = new ClusterClient()
    const [broker] = cluster.brokers
    const acknowledged: string[] = []
    const sends = Array.from({ length: 200 }, async (_, i) => {
      const sent = await client.send(broker!.address, 'orders', `${i}`).catch(() => null)
      if (sent?.code !== 0) return
      acknowledged.push(`${i}`)
      if (acknowledged.length === 20) await broker!.kill()
    })
    await Promise.all(sends)
    ok(acknowledged.length >= 20)
    await broker!.restart()
    const bodies = (await cluster.messages('orders')).map(({ body }) => body.toString())
    deepEqual(
      acknowledged.filter((body) => !bodies.includes(body)),
      [],
      store,
    )
    equal(new Set(bodies).size, bodies.length)
  }
})

test('a stopped broker has left and flushed; restart starts it, and restarts one that runs', async () => {
  await using cluster = await startCluster({ topics: { orders: 1 } })
  await using client = new ClusterClient()
  const [broker] = cluster.brokers
  await client.send(broker!.address, 'orders', 'one')
  await broker!.stop()
  await broker!.stop()
  equal(broker!.isRunning, false)
  deepEqual(await client.route(cluster.nameservers[0]!, 'orders'), {})
  await broker!.restart()
  await broker!.restart()
  deepEqual(await client.pull(broker!.address, 'orders', {}), ['one'])
})

test('a paused broker takes connections and answers later', async () => {
  await using cluster = await startCluster({ topics: { orders: 1 } })
  await using client = new ClusterClient()
  await using stranger = new ClusterClient()
  const [broker] = cluster.brokers
  await client.send(broker!.address, 'orders', 'before')
  broker!.pause()
  ok(broker!.isPaused && broker!.isRunning)
  let answered = 0
  const sends = [client, stranger].map(async (one) => {
    const sent = await one.send(broker!.address, 'orders', 'while')
    answered++
    return sent.code
  })
  // A round trip to somebody else: what would have come by now would have come.
  for (let i = 0; i < 5; i++) await client.route(cluster.nameservers[0]!, 'orders')
  equal(answered, 0)
  await broker!.resume()
  deepEqual(await Promise.all(sends), [0, 0])
  equal((await cluster.messages('orders')).length, 3)
})

test('a paused broker can be killed, and a cluster with one can be closed', async () => {
  await using cluster = await startCluster({ brokers: 2, topics: { orders: 1 } })
  for (const broker of cluster.brokers) broker.pause()
  await cluster.brokers[0]!.kill()
  await cluster.brokers[0]!.restart()
  ok(cluster.brokers[0]!.isRunning && !cluster.brokers[0]!.isPaused)
})

test('brokers register again with a NameServer that was killed', async () => {
  await using cluster = await startCluster({ nameservers: 2, topics: { orders: 4 } })
  await using client = new ClusterClient()
  const [first] = cluster.nameserverNodes
  await first!.kill()
  await rejects(client.route(first!.address, 'orders'), { code: 'REMOTING_CONNECT_FAILED' })
  equal(Object.keys(await client.route(cluster.nameservers[1]!, 'orders')).length, 1)
  await first!.restart()
  equal(Object.keys(await client.route(first!.address, 'orders')).length, 1)
})
