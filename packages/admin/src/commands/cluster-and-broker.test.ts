import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminWorld, BROKER_1, BROKER_2, CLUSTER } from '../testing/admin-world.ts'

test('cluster list shows every broker with its load, and says who does not answer', async () => {
  const world = await AdminWorld.start(1, 2)
  const [first, second] = await world.rows('clusterList')
  assert.equal(first!['cluster'], CLUSTER)
  assert.equal(first!['broker'], 'broker-1')
  assert.equal(first!['brokerId'], 0)
  assert.equal(first!['address'], BROKER_1)
  assert.match(String(first!['version']), /^V5_/)
  assert.equal(first!['inTps'], 0)
  assert.equal(second!['broker'], 'broker-2')

  world.machine('10.0.0.2').cutPower()
  const output = await world.run('cluster list')
  assert.equal(output.kind, 'table')
  assert.deepEqual(
    output.problems?.map(({ target, code }) => [target, code]),
    [[BROKER_2, 'ADMIN_BROKER_UNREACHABLE']],
  )
  const rows = output.kind === 'table' ? output.rows : []
  assert.equal(rows[1]!['broker'], 'broker-2', 'a broker that is down stays in the list')
  assert.equal(rows[1]!['version'], null)
})

test('cluster list can count messages of a day, and repeat itself', async () => {
  const world = await AdminWorld.start(2)
  await world.topic('T')
  await world.send('T', 3)
  const [row] = await world.rows('clusterList', { moreStats: true })
  assert.equal(row!['inToday'], 3)
  const outputs = await world.stream('clusterList', { intervalSeconds: '1' }, 3)
  assert.equal(outputs.length, 3)
})

test('a cluster that nobody registered is an error that names those that did', async () => {
  const world = await AdminWorld.start(3)
  const wanted = { code: 'ADMIN_CLUSTER_NOT_FOUND', hint: /DefaultCluster/ }
  await assert.rejects(world.run('clusterList', { clusterName: 'Nowhere' }), wanted)
})

test('clusterRT sends to every broker and counts what came back', async () => {
  const world = await AdminWorld.start(4, 2)
  const [output] = await world.stream('clusterRT', { amount: '2', intervalSeconds: '1' }, 1)
  const rows = output?.kind === 'table' ? output.rows : []
  assert.deepEqual(
    rows.map((row) => [row['cluster'], row['broker'], row['succeeded'], row['failed']]),
    [
      [CLUSTER, 'broker-1', 2, 0],
      [CLUSTER, 'broker-2', 2, 0],
    ],
  )
  assert(typeof rows[0]!['meanMs'] === 'number')
})

test('broker status shows what one broker reports, key by key', async () => {
  const world = await AdminWorld.start(5)
  const rows = await world.rows('brokerStatus', { brokerAddr: BROKER_1 })
  const values = new Map(rows.map((row) => [row['key'], row['value']]))
  assert.equal(values.get('commitLogMinOffset'), '0')
  assert.match(String(values.get('bootTimestamp')), /^\d+$/)
  assert.equal(rows[0]!['broker'], 'broker-1')
})

test('broker status needs a broker or a cluster, and not both', async () => {
  const world = await AdminWorld.start(6)
  const usage = { code: 'ADMIN_USAGE' }
  await assert.rejects(world.run('brokerStatus'), usage)
  const both = { brokerAddr: BROKER_1, clusterName: CLUSTER }
  await assert.rejects(world.run('brokerStatus', both), usage)
})

test('a broker that nobody runs is unreachable', async () => {
  const world = await AdminWorld.start(7)
  await assert.rejects(world.run('brokerStatus', { brokerAddr: '10.0.0.9:10911' }), {
    code: 'ADMIN_BROKER_UNREACHABLE',
    address: '10.0.0.9:10911',
    retriable: true,
  })
})

test('broker configuration is shown and changed while it runs', async () => {
  const world = await AdminWorld.start(8)
  const change = { clusterName: CLUSTER, key: 'fileReservedTime', value: '71' }
  assert.deepEqual(await world.rows('updateBrokerConfig', change), [
    { address: BROKER_1, key: 'fileReservedTime', value: '71' },
  ])
  const shown = { brokerAddr: BROKER_1, key: 'fileReservedTime' }
  assert.deepEqual(await world.rows('broker get-config', shown), [
    { address: BROKER_1, broker: 'broker-1', key: 'fileReservedTime', value: '71' },
  ])
  const all = await world.rows('getBrokerConfig', { brokerAddr: BROKER_1 })
  assert(all.length > 50)
})

test('a configuration key that may not change is refused with the reason', async () => {
  const world = await AdminWorld.start(9)
  const change = { brokerAddr: BROKER_1, key: 'listenPort', value: '1' }
  await assert.rejects(world.run('updateBrokerConfig', change), {
    code: 'ADMIN_NO_PERMISSION',
    responseCode: 16,
  })
})

test('brokerConsumeStats shows every group of a broker, above a level', async () => {
  const world = await AdminWorld.start(10)
  await world.topic('T')
  await world.send('T', 5)
  await world.settle(world.admin.groups.create('g'))
  await world.settle(world.admin.groups.resetOffset('g', 'T', 'earliest'))
  const rows = await world.rows('brokerConsumeStats', { brokerAddr: BROKER_1, level: '1' })
  assert.deepEqual(
    rows.map((row) => [row['topic'], row['group'], row['broker'], row['queueId'], row['lag']]),
    [['T', 'g', 'broker-1', 0, 5]],
  )
})

test('housekeeping is done at every broker that is meant', async () => {
  const world = await AdminWorld.start(11, 2)
  for (const name of ['cleanExpiredCQ', 'deleteExpiredCommitLog', 'cleanUnusedTopic']) {
    const rows = await world.rows(name)
    assert.deepEqual(
      rows.map((row) => [row['address'], row['result']]),
      [
        [BROKER_1, 'done'],
        [BROKER_2, 'done'],
      ],
      name,
    )
    assert.equal((await world.rows(name, { brokerAddr: BROKER_2 })).length, 1, name)
  }
})

test('sendMsgStatus says what a broker answers to each message', async () => {
  const world = await AdminWorld.start(12)
  const rows = await world.rows('sendMsgStatus', { brokerName: 'broker-1', count: '3' })
  assert.deepEqual(
    rows.map((row) => row['status']),
    ['SEND_OK', 'SEND_OK', 'SEND_OK'],
  )
  await assert.rejects(world.run('sendMsgStatus', { brokerName: 'nobody' }), {
    code: 'ADMIN_BROKER_NOT_FOUND',
    hint: /broker-1/,
  })
})

test('exports give topics, groups, configurations and metrics, or write them to a folder', async () => {
  const world = await AdminWorld.start(13, 2)
  await world.topic('T')
  await world.settle(world.admin.groups.create('g'))
  const metadata = await world.run('exportMetadata', { clusterName: CLUSTER })
  assert.equal(metadata.kind, 'record')
  const topics = (metadata.value as { topicConfigTable: Map<string, { readQueueNums: number }> })
    .topicConfigTable
  assert.deepEqual([...topics.keys()], ['T'])
  assert.equal(topics.get('T')!.readQueueNums, 4, 'the queues of both brokers')

  const file = { clusterName: CLUSTER, filePath: '/out/', isTopicOnly: true }
  assert.deepEqual((await world.run('exportMetadata', file)).kind, 'done')
  assert(JSON.parse(world.files.get('/out/topic.json')!).topicConfigTable.T)

  const configs = await world.run('exportConfigs', { clusterName: CLUSTER })
  const { clusterScale } = configs.kind === 'record' ? (configs.value as never) : assert.fail()
  assert.deepEqual(clusterScale, { namesrvSize: 1, masterBrokerSize: 2, slaveBrokerSize: 0 })

  await world.run('exportMetrics', { clusterName: CLUSTER, filePath: '/out' })
  const metrics = JSON.parse(world.files.get('/out/metrics.json')!)
  assert.equal(metrics.evaluateReport['broker-1'].runtimeQuota.topicSize, 1)
  assert.equal(metrics.totalData.totalTps.totalNormalInTps, 0)
})
