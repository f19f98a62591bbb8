import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startCluster } from './start-cluster.ts'
import { ClusterClient } from './testing/cluster-client.ts'

test('a client finds topics at once, sends, and sees what the cluster shows', async () => {
  await using cluster = await startCluster({ topics: { orders: 3 } })
  await using client = new ClusterClient()
  const [broker] = cluster.brokers
  equal(cluster.nameservers.length, 1)
  match(broker!.address, /^127\.0\.0\.1:\d+$/)
  deepEqual(await client.route(cluster.nameservers[0]!, 'orders'), { [broker!.address]: 3 })

  const properties: [string, string][] = [
    ['TAGS', 'created'],
    ['KEYS', 'k1 k2'],
    ['UNIQ_KEY', 'ID1'],
    ['region', 'eu'],
  ]
  const sent = await client.send(broker!.address, 'orders', 'one', { queueId: 1, properties })
  equal(sent.code, 0)
  await client.send(broker!.address, 'orders', 'two', { queueId: 1 })
  const [first, second] = await cluster.messages('orders')
  equal(first?.broker, 'broker-a')
  equal(first?.queueId, 1)
  equal(first?.queueOffset, 0)
  equal(first?.body.toString(), 'one')
  equal(first?.tags, 'created')
  deepEqual(first?.keys, ['k1', 'k2'])
  equal(first?.messageId, 'ID1')
  equal(first?.offsetMessageId, sent.fields.get('msgId'))
  equal(first?.properties['region'], 'eu')
  equal(second?.queueOffset, 1)
  equal((await cluster.messages('orders', { limit: 1 })).length, 1)
  deepEqual(await cluster.messages('orders', { queueId: 0 }), [])
  deepEqual(await cluster.messages('none'), [])
})

test('lag, offsets and clients follow what clients do', async () => {
  await using cluster = await startCluster({ topics: { orders: 2 } })
  await using client = new ClusterClient()
  const { address } = cluster.brokers[0]!
  await client.heartbeat(address, 'client-1', 'orders')
  for (let i = 0; i < 3; i++) await client.send(address, 'orders', `${i}`)
  equal((await cluster.lag('consumers', 'orders')).total, 3)
  deepEqual(await cluster.offsets('consumers'), [])
  await client.commit(address, 'orders', 0, 2)
  const progress = { broker: 'broker-a', topic: 'orders', queueId: 0, committed: 2, max: 3, lag: 1 }
  deepEqual(await cluster.offsets('consumers'), [progress])
  deepEqual((await cluster.lag('consumers', 'orders')).queues[0], progress)
  equal((await cluster.lag('consumers', 'orders')).total, 1)
  const [consumer] = cluster.clients('consumers')
  equal(consumer?.clientId, 'client-1')
  equal(consumer?.role, 'consumer')
  equal(cluster.clients('producers')[0]?.role, 'producer')
})

test('several masters share topics, and each NameServer knows all of them', async () => {
  await using cluster = await startCluster({ brokers: 2, nameservers: 2, topics: ['orders'] })
  await using client = new ClusterClient()
  const addresses = cluster.brokers.map(({ address }) => address)
  await cluster.topics.create('late', { queues: 2 })
  for (const nameserver of cluster.nameservers) {
    const orders = await client.route(nameserver, 'orders')
    deepEqual(Object.keys(orders).sort(), addresses.toSorted())
    deepEqual(Object.values(await client.route(nameserver, 'late')), [2, 2])
  }
  for (const address of addresses) await client.send(address, 'orders', address)
  const messages = await cluster.messages('orders')
  deepEqual(
    messages.map(({ broker }) => broker),
    ['broker-a', 'broker-b'],
  )
  deepEqual(
    messages.map(({ body }) => body.toString()),
    addresses,
  )
})

test('what cannot be started is refused with its reason, and nothing is left', async () => {
  const invalid = (text: RegExp) => ({ code: 'CLUSTER_OPTION_INVALID', message: text })
  await rejects(startCluster({ brokers: 0 }), invalid(/brokers: 0/))
  await rejects(startCluster({ store: { folder: 'here' } }), invalid(/absolute/))
  await rejects(
    startCluster({ config: { flushDiskTyp: 'SYNC_FLUSH' } }),
    invalid(/flushDiskType\?/),
  )
  await rejects(startCluster({ config: { namesrvAddr: 'x' } }), invalid(/decided by the cluster/))
  await rejects(startCluster({ brokers: 2, config: { brokerName: 'x' } }), invalid(/one name/))
  await rejects(startCluster({ topics: ['no good'] }), { code: 'CLUSTER_TOPIC_REFUSED' })
  await rejects(startCluster({ config: { brokerRole: 'SLAVE' } }), invalid(/decided by the/))
  await rejects(startCluster({ config: { enableDLegerCommitLog: true } }), {
    code: 'BROKER_ROLE_UNSUPPORTED',
  })
  await rejects(startCluster({ mode: 'dledger' as 'single' }), invalid(/mode: dledger is none/))
  await rejects(startCluster({ mode: 'single', brokers: 2 }), invalid(/one master/))
  await rejects(startCluster({ mode: 'multi-master', slaves: 1 }), invalid(/no slaves/))
  await rejects(startCluster({ masters: 2, brokers: 3 }), invalid(/they are the same/))
  await rejects(startCluster({ slaves: 9 }), invalid(/slaves: 9/))
  const config = (_index: number, brokerId: number) => ({ brokerName: `x${brokerId}` })
  await rejects(startCluster({ slaves: 1, config }), invalid(/slave 1 of x0 is named x1/))
})

test('a temporary store goes with the cluster, a folder stays and is opened again', async () => {
  const before = clusterFolders()
  {
    await using cluster = await startCluster({ store: 'temporary', topics: ['orders'] })
    equal(clusterFolders().length, before.length + 1)
    await using client = new ClusterClient()
    await client.send(cluster.brokers[0]!.address, 'orders', 'one')
  }
  deepEqual(clusterFolders(), before)

  const folder = mkdtempSync(join(tmpdir(), 'apogee-kept-'))
  try {
    {
      await using cluster = await startCluster({ store: { folder }, topics: ['orders'] })
      await using client = new ClusterClient()
      await client.send(cluster.brokers[0]!.address, 'orders', 'kept')
    }
    ok(readdirSync(folder).includes('broker-a'))
    await using cluster = await startCluster({ store: { folder } })
    const [message] = await cluster.messages('orders')
    equal(message?.body.toString(), 'kept')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('waitFor gives the answer, or says what it waited for and why it did not come', async () => {
  await using cluster = await startCluster()
  let asked = 0
  equal(await cluster.waitFor(() => (++asked === 3 ? 'third' : null)), 'third')
  const failing = cluster.waitFor(
    () => {
      throw new Error('not yet')
    },
    { timeoutMs: 5, what: 'the end' },
  )
  await rejects(failing, (error: Error & { code: string }) => {
    equal(error.code, 'CLUSTER_WAIT_TIMEOUT')
    match(error.message, /the end/)
    equal((error.cause as Error).message, 'not yet')
    return true
  })
})

test('nodes log with their names, when there is somebody to log to', async () => {
  const lines: { node?: string }[] = []
  const log = (fields: object): void => void lines.push(fields)
  const logger = { debug: log, info: log, warn: log, error: log }
  await using _cluster = await startCluster({ logger })
  const nodes = new Set(lines.map(({ node }) => node))
  deepEqual(nodes, new Set(['broker-a', 'namesrv-1']))
})

function clusterFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('apogee-cluster-'))
}
