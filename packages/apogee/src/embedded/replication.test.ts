import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RocketMQ } from '@apogee/client'
import { ResponseCode } from '@apogee/protocol'
import type { Cluster } from './cluster.ts'
import { startCluster } from './start-cluster.ts'
import { ClusterClient } from './testing/cluster-client.ts'

const { FLUSH_SLAVE_TIMEOUT, SLAVE_NOT_AVAILABLE, SUCCESS } = ResponseCode

async function bodies(cluster: Cluster, role: 'master' | 'slave'): Promise<string[]> {
  const messages = await cluster.messages('orders', { role })
  return messages.map(({ body }) => body.toString())
}

test('slaves are there, in sync, and have the topics, when the cluster is ready', async () => {
  await using cluster = await startCluster({
    mode: 'sync-replica',
    masters: 2,
    slaves: 2,
    topics: { orders: 3 },
  })
  deepEqual(
    cluster.brokers.map(({ brokerId, brokerName, name, role }) => [
      name,
      brokerName,
      brokerId,
      role,
    ]),
    [
      ['broker-a', 'broker-a', 0, 'master'],
      ['broker-a-1', 'broker-a', 1, 'slave'],
      ['broker-a-2', 'broker-a', 2, 'slave'],
      ['broker-b', 'broker-b', 0, 'master'],
      ['broker-b-1', 'broker-b', 1, 'slave'],
      ['broker-b-2', 'broker-b', 2, 'slave'],
    ],
  )
  const slaves = cluster.replication().flatMap((one) => one.slaves)
  equal(slaves.length, 4)
  for (const { inSync, lag, node, problem, state } of slaves) {
    deepEqual(
      { inSync, lag, problem, state },
      { inSync: true, lag: 0, problem: null, state: 'following' },
      node,
    )
  }
  await using client = new ClusterClient()
  await cluster.topics.create('late', { queues: 2 })
  // A topic that a slave does not have is an error here.
  for (const { address } of cluster.slaves) deepEqual(await client.pull(address, 'late', {}), [])
})

test('what was acknowledged by a synchronous master that is killed is read from its slave, and counted once', async () => {
  await using cluster = await startCluster({ mode: 'sync-replica', topics: { orders: 1 } })
  await using client = new ClusterClient()
  const [master] = cluster.masters
  const [slave] = cluster.slaves
  const acknowledged: string[] = []
  const sends = Array.from({ length: 200 }, async (_, i) => {
    const sent = await client.send(master!.address, 'orders', `${i}`).catch(() => null)
    if (sent?.code !== SUCCESS) return
    acknowledged.push(`${i}`)
    if (acknowledged.length === 50) await master!.kill()
  })
  await Promise.all(sends)
  ok(acknowledged.length >= 50)
  const kept = await bodies(cluster, 'slave')
  deepEqual(
    acknowledged.filter((body) => !kept.includes(body)),
    [],
  )
  deepEqual(await client.pull(slave!.address, 'orders', {}), kept.slice(0, 32))
  deepEqual(await bodies(cluster, 'master'), [])
  equal((await cluster.lag('consumers', 'orders')).total, kept.length)

  await master!.restart()
  await cluster.inSync()
  const all = await bodies(cluster, 'master')
  deepEqual(await bodies(cluster, 'slave'), all)
  equal((await cluster.lag('consumers', 'orders')).total, all.length)
  const [message] = await cluster.messages('orders', { broker: 'broker-a-1', limit: 1 })
  deepEqual([message?.broker, message?.node], ['broker-a', 'broker-a-1'])
  equal((await client.send(master!.address, 'orders', 'again')).code, SUCCESS)
})

test('without its slave a synchronous master says so at once; a partition is a silence first', async () => {
  const config = { slaveTimeout: 100 }
  await using cluster = await startCluster({ mode: 'sync-replica', topics: ['orders'], config })
  await using client = new ClusterClient()
  const { address } = cluster.masters[0]!
  const [slave] = cluster.slaves
  await slave!.kill()
  await cluster.waitFor(() => !cluster.replication()[0]!.slaves[0]!.inSync)
  equal((await client.send(address, 'orders', 'alone')).code, SLAVE_NOT_AVAILABLE)
  await slave!.restart()
  equal((await client.send(address, 'orders', 'together')).code, SUCCESS)

  const partition = cluster.faults.partition('broker-a', 'broker-a-1')
  equal((await client.send(address, 'orders', 'silence')).code, FLUSH_SLAVE_TIMEOUT)
  equal((await client.send(address, 'orders', 'known')).code, SLAVE_NOT_AVAILABLE)
  equal((await bodies(cluster, 'slave')).includes('silence'), false)
  partition.heal()
  await cluster.inSync()
  equal((await client.send(address, 'orders', 'healed')).code, SUCCESS)
  deepEqual(await bodies(cluster, 'slave'), await bodies(cluster, 'master'))
})

test('a slave that hangs costs slaveTimeout once, and is in sync again when it goes on', async () => {
  const config = { slaveTimeout: 100 }
  await using cluster = await startCluster({ mode: 'sync-replica', topics: ['orders'], config })
  await using client = new ClusterClient()
  const { address } = cluster.masters[0]!
  const [slave] = cluster.slaves
  slave!.pause()
  equal((await client.send(address, 'orders', 'late')).code, FLUSH_SLAVE_TIMEOUT)
  equal((await client.send(address, 'orders', 'alone')).code, SLAVE_NOT_AVAILABLE)
  await slave!.resume()
  await cluster.inSync()
  equal((await client.send(address, 'orders', 'again')).code, SUCCESS)
  deepEqual(await bodies(cluster, 'slave'), ['late', 'alone', 'again'])
})

test('a link that works one way only, to the slave or from it, acknowledges nothing', async () => {
  const config = { slaveTimeout: 100 }
  await using cluster = await startCluster({ mode: 'sync-replica', topics: ['orders'], config })
  await using client = new ClusterClient()
  const { address } = cluster.masters[0]!
  cluster.faults.partition('broker-a-1', 'broker-a', { oneWay: true })
  equal((await client.send(address, 'orders', 'stored there')).code, FLUSH_SLAVE_TIMEOUT)
  await cluster.waitFor(async () => (await bodies(cluster, 'slave')).length === 1)
  cluster.faults.heal()
  await cluster.inSync()
  cluster.faults.partition('broker-a', 'broker-a-1', { oneWay: true })
  equal((await client.send(address, 'orders', 'not there')).code, FLUSH_SLAVE_TIMEOUT)
  deepEqual(await bodies(cluster, 'slave'), ['stored there'])
  cluster.faults.heal()
  await cluster.inSync()
  deepEqual(await bodies(cluster, 'slave'), ['stored there', 'not there'])
})

test('clients can be cut off from brokers, which go on among themselves', async () => {
  await using cluster = await startCluster({ mode: 'sync-replica', topics: ['orders'] })
  await using client = new ClusterClient()
  const { address } = cluster.masters[0]!
  equal((await client.send(address, 'orders', 'before')).code, SUCCESS)
  const cut = cluster.faults.partition('clients', ['broker-a', 'broker-a-1'])
  const lost = client.send(address, 'orders', 'cut', { timeoutMs: 100 })
  await rejects(lost, { code: 'REMOTING_TIMEOUT' })
  equal(cluster.replication()[0]!.slaves[0]!.inSync, true)
  ok(Object.keys(await client.route(cluster.nameservers[0]!, 'orders')).includes(address))
  cut.heal()
  // What was sent into the cut arrives when it is mended, as with TCP.
  await cluster.waitFor(async () => (await bodies(cluster, 'master')).includes('cut'))
  equal((await client.send(address, 'orders', 'after')).code, SUCCESS)
  throws(() => cluster.faults.partition('broker-a', 'broker-x'), { code: 'CLUSTER_OPTION_INVALID' })
})

test('a broker that is cut off from its NameServer leaves the routes in time, and returns', async () => {
  await using cluster = await startCluster({ brokers: 2, time: 'virtual', topics: { orders: 1 } })
  await using client = new ClusterClient()
  const [first, second] = cluster.brokers
  const route = async (): Promise<string[]> =>
    Object.keys(await client.route(cluster.nameservers[0]!, 'orders')).sort()
  cluster.faults.partition('broker-b', 'namesrv-1')
  await cluster.clock.advance(180_000)
  deepEqual(await route(), [first!.address])
  equal((await client.send(second!.address, 'orders', 'still there')).code, SUCCESS)
  cluster.faults.heal()
  await cluster.clock.advance(60_000)
  deepEqual(await route(), [first!.address, second!.address].sort())
})

test('a slow link makes an asynchronous slave lag, and a synchronous acknowledgement late', async () => {
  const lagMs = 80
  for (const mode of ['async-replica', 'sync-replica'] as const) {
    await using cluster = await startCluster({ mode, topics: ['orders'] })
    await using client = new ClusterClient()
    const { address } = cluster.masters[0]!
    const lag = cluster.faults.lag('broker-a-1', lagMs)
    const beganMs = performance.now()
    equal((await client.send(address, 'orders', 'one')).code, SUCCESS)
    const tookMs = performance.now() - beganMs
    if (mode === 'sync-replica') ok(tookMs >= lagMs - 1, `${tookMs} ms`)
    else {
      ok(cluster.replication()[0]!.slaves[0]!.lag! > 0)
      deepEqual(await bodies(cluster, 'slave'), [])
    }
    await cluster.inSync()
    deepEqual(await bodies(cluster, 'slave'), ['one'])
    ok(performance.now() - beganMs >= lagMs - 1)
    lag.heal()
    throws(() => cluster.faults.lag('broker-a', -1), { code: 'CLUSTER_OPTION_INVALID' })
  }
})

test('a slave whose master has lost its tail keeps that aside, starts anew by itself and follows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'apogee-diverged-'))
  const events: string[] = []
  const note = (fields: object): void =>
    void events.push(String((fields as { event?: string }).event))
  const logger = { debug: note, info: note, warn: note, error: note }
  try {
    const options = {
      mode: 'async-replica',
      // Small files are copied quickly.
      config: { mappedFileSizeCommitLog: 1 << 20, messageIndexEnable: false },
      store: { folder },
      topics: { orders: 1 },
      logger,
    } as const
    await using cluster = await startCluster(options)
    await using client = new ClusterClient()
    const [master] = cluster.masters
    const [slave] = cluster.slaves
    const send = async (prefix: string, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await client.send(master!.address, 'orders', `${prefix}${i}`)
      await cluster.inSync()
    }
    await send('kept', 5)
    await master!.stop()
    cpSync(join(folder, 'broker-a'), join(folder, 'aside'), { recursive: true })
    await master!.restart()
    await send('lost', 5)
    await master!.kill()
    equal((await bodies(cluster, 'slave')).length, 10)
    rmSync(join(folder, 'broker-a'), { recursive: true })
    cpSync(join(folder, 'aside'), join(folder, 'broker-a'), { recursive: true })
    const { address } = slave!
    await master!.restart()
    ok(events.includes('log_diverged'))
    ok(slave!.isRunning)
    await cluster.inSync()
    equal(slave!.address, address)
    await send('new', 2)
    const all = ['kept0', 'kept1', 'kept2', 'kept3', 'kept4', 'new0', 'new1']
    deepEqual(await bodies(cluster, 'master'), all)
    deepEqual(await bodies(cluster, 'slave'), all)
    match(readdirSync(join(folder, 'broker-a-1', 'diverged')).join(), /^\d+-\d+\.log$/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('with several masters one that is killed stops nobody, and its messages come back with it', async () => {
  await using cluster = await startCluster({ mode: 'multi-master', topics: { orders: 2 } })
  await using mq = new RocketMQ({ nameservers: cluster.nameservers })
  const producer = await mq.producer({ group: 'P' })
  const sent = new Set<string>()
  const send = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const body = `${sent.size}`
      await producer.send({ topic: 'orders', body })
      sent.add(body)
    }
  }
  await send(8)
  await cluster.masters[0]!.kill()
  await send(8)
  equal(
    (await cluster.messages('orders')).every(({ broker }) => broker === 'broker-b'),
    true,
  )
  await cluster.masters[0]!.restart()
  const all = await bodies(cluster, 'master')
  deepEqual(
    [...sent].filter((body) => !all.includes(body)),
    [],
  )
})

test('hours pass at once in a cluster with slaves, and they have what came meanwhile', async () => {
  await using cluster = await startCluster({
    mode: 'sync-replica',
    time: 'virtual',
    topics: { orders: 1 },
  })
  await using client = new ClusterClient()
  const { address } = cluster.masters[0]!
  const properties: [string, string][] = [['DELAY', '18']]
  equal((await client.send(address, 'orders', 'late', { properties })).code, SUCCESS)
  await cluster.clock.advance(2 * 3_600_000 + 1000)
  await cluster.inSync()
  deepEqual(await bodies(cluster, 'master'), ['late'])
  deepEqual(await bodies(cluster, 'slave'), ['late'])
  equal(cluster.replication()[0]!.slaves[0]!.inSync, true)
})
