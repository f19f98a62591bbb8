import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminWorld, BROKER_1, BROKER_2, CLUSTER } from '../testing/admin-world.ts'

/** broker-1 with a slave on the machine of broker-2, which follows it when this returns. */
async function pair(
  seed: number,
  role: 'SYNC_MASTER' | 'ASYNC_MASTER' = 'SYNC_MASTER',
): Promise<AdminWorld> {
  const world = new AdminWorld(seed, { haAllowedPeers: '10.0.0.0/24' })
  await world.startNameServer()
  await world.startBroker(1, { brokerRole: role })
  await world.startBroker(2, { brokerName: 'broker-1', brokerRole: 'SLAVE', brokerId: 1 })
  await world.topic('T')
  await world.pass(15_000)
  await world.send('T', 5)
  await world.pass(2_000)
  return world
}

test('cluster replicas shows who is in sync, how far each is and who serves', async () => {
  const world = await pair(1)
  const [master, slave, ...others] = await world.rows('cluster replicas')
  assert.deepEqual(others, [])
  assert.deepEqual(
    [master!['broker'], master!['brokerId'], master!['role'], master!['inSyncReplicas']],
    ['broker-1', 0, 'SYNC_MASTER', 2],
  )
  assert.deepEqual(master!['serves'], ['write', 'read'])
  assert.deepEqual(
    [slave!['brokerId'], slave!['role'], slave!['lagBytes'], slave!['inSync'], slave!['state']],
    [1, 'SLAVE', 0, true, 'following'],
  )
  assert.equal(slave!['offset'], master!['offset'])
  assert(Number(master!['offset']) > 0)
  assert.deepEqual(slave!['serves'], [])
  world.machine('10.0.0.1').kill()
  await world.pass(2_000)
  const rows = await world.rows('cluster replicas')
  assert.deepEqual(
    rows.map((row) => [row['brokerId'], row['serves']]),
    [[1, ['read']]],
  )
})

test('haStatus shows a master with each of its slaves, and a slave with its master', async () => {
  const world = await pair(2, 'ASYNC_MASTER')
  const [master, slave] = await world.rows('haStatus', { clusterName: CLUSTER })
  assert.deepEqual(
    [master!['address'], master!['role'], master!['lagBytes'], master!['inSync']],
    [BROKER_1, 'MASTER', 0, true],
  )
  assert.match(String(master!['peer']), /^10\.0\.0\.2:\d+$/)
  assert.equal(master!['inSyncSlaves'], 1)
  assert.equal(master!['peerOffset'], master!['offset'])
  assert.deepEqual(
    [slave!['address'], slave!['role'], slave!['peer'], slave!['isFollowing']],
    [BROKER_2, 'SLAVE', '10.0.0.1:10912', true],
  )
  assert.equal(slave!['offset'], master!['offset'])
  const own = await world.rows('haStatus', { brokerAddr: BROKER_2 })
  assert.deepEqual(
    own.map((row) => row['role']),
    ['SLAVE'],
  )
})

test('a master without slaves is one row without a peer; the look repeats itself', async () => {
  const world = await AdminWorld.start(3)
  const [row, ...others] = await world.rows('broker replication', { brokerAddr: BROKER_1 })
  assert.deepEqual(others, [])
  assert.deepEqual([row!['role'], row!['peer'], row!['inSyncSlaves']], ['MASTER', null, 0])
  const options = { brokerAddr: BROKER_1, intervalSeconds: '1' }
  assert.equal((await world.stream('haStatus', options, 2)).length, 2)
})

test('haStatus needs a broker or a cluster', async () => {
  const world = await AdminWorld.start(4)
  await assert.rejects(world.run('haStatus'), { code: 'ADMIN_USAGE' })
})

test('cluster list and broker status tell roles and replicas', async () => {
  const world = await pair(5)
  const [master, slave] = await world.rows('clusterList')
  assert.deepEqual(
    [master!['role'], master!['slaves'], master!['inSyncReplicas']],
    ['SYNC_MASTER', 1, 2],
  )
  assert.deepEqual([slave!['role'], slave!['lagBytes']], ['SLAVE', 0])
  const rows = await world.rows('brokerStatus', { brokerAddr: BROKER_2 })
  const said = new Map(rows.map((row) => [row['key'], row['value']]))
  assert.equal(said.get('brokerRole'), 'SLAVE')
  assert.equal(said.get('replicationState'), 'following')
})

test('a topic made in a cluster has its queues on every master, and slaves are not asked', async () => {
  const world = await pair(6)
  await world.startBroker(3)
  const rows = await world.rows('topic create', {
    clusterName: CLUSTER,
    topic: 'U',
    writeQueues: '4',
    readQueues: '4',
  })
  assert.deepEqual(
    rows.map((row) => [row['broker'], row['writeQueues']]),
    [
      ['broker-1', 4],
      ['broker-3', 4],
    ],
  )
  await world.pass(12_000)
  const route = await world.settle(world.admin.topics.route('U'))
  assert.deepEqual(
    new Map(route.queueDatas.map((one) => [one.brokerName, one.writeQueueNums])),
    new Map([
      ['broker-1', 4],
      ['broker-3', 4],
    ]),
  )
})

test('topics and groups are shown by the slave while the master is away', async () => {
  const world = await pair(8)
  await world.run('group create', { group: 'billing' })
  await world.pass(3_000)
  const before = (await world.rows('topic describe', { topic: 'T' })).length
  assert.equal(before, 1)
  world.machine('10.0.0.1').kill()
  await world.pass(2_000)
  const [topic] = await world.rows('topic describe', { topic: 'T' })
  assert.equal(topic!['address'], BROKER_2)
  const groups = await world.rows('group list')
  assert(groups.some((row) => row['group'] === 'billing'))
  await assert.rejects(world.run('topic create', { topic: 'V' }), {
    code: 'ADMIN_BROKER_NOT_FOUND',
  })
})

test('what only masters do is refused by a slave, and the refusal says so', async () => {
  const world = await pair(7)
  await assert.rejects(
    world.run('topic create', { brokerAddr: BROKER_2, topic: 'V' }),
    (error: Error & { code: string }) => {
      assert.match(error.message, /master/)
      return true
    },
  )
})
