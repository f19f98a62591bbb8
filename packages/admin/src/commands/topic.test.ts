import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AdminWorld,
  BROKER_1,
  BROKER_2,
  CLUSTER,
  commandOf,
  NAMESRV,
} from '../testing/admin-world.ts'

const NOT_FOUND = { code: 'ADMIN_TOPIC_NOT_FOUND' }

test('a topic is created at every master, and its route is known', async () => {
  const world = await AdminWorld.start(1, 2)
  const raw = {
    topic: 'orders',
    clusterName: CLUSTER,
    readQueues: '4',
    writeQueues: '4',
    order: 'true',
  }
  const rows = await world.rows('updateTopic', raw)
  assert.deepEqual(
    rows.map(({ address, topic, readQueues, perm, order }) => [
      address,
      topic,
      readQueues,
      perm,
      order,
    ]),
    [
      [BROKER_1, 'orders', 4, 6, true],
      [BROKER_2, 'orders', 4, 6, true],
    ],
  )
  const route = await world.rows('topicRoute', { topic: 'orders' })
  assert.deepEqual(
    route.map(({ cluster, broker, readQueues, writeQueues, perm }) => [
      cluster,
      broker,
      readQueues,
      writeQueues,
      perm,
    ]),
    [
      [CLUSTER, 'broker-1', 4, 4, 6],
      [CLUSTER, 'broker-2', 4, 4, 6],
    ],
  )
  assert.deepEqual(route[0]!['addresses'], new Map([[0, BROKER_1]]))
  assert.deepEqual(await world.rows('topicClusterList', { topic: 'orders' }), [
    { cluster: CLUSTER },
  ])
})

test('topic create takes attributes, and one broker only', async () => {
  const world = await AdminWorld.start(2, 2)
  const raw = { topic: 'fifo', brokerAddr: BROKER_2, attributes: '+message.type=FIFO' }
  assert.equal((await world.rows('topic create', raw)).length, 1)
  const rows = await world.rows('topic describe', { topic: 'fifo' })
  assert.deepEqual(
    rows.map(({ broker, readQueues, attributes }) => [broker, readQueues, attributes]),
    [['broker-2', 8, new Map([['message.type', 'FIFO']])]],
  )
  const bad = { topic: 'fifo', attributes: 'message.type=FIFO' }
  await assert.rejects(world.run('topic create', bad), { code: 'ADMIN_USAGE' })
})

test('an illegal topic name is refused with the reason of the broker', async () => {
  const world = await AdminWorld.start(3)
  await assert.rejects(world.run('topic create', { topic: 'a b' }), {
    code: 'ADMIN_REFUSED',
    responseCode: 29,
    retriable: false,
  })
})

test('one broker that is down makes the outcome partial, and is named', async () => {
  const world = await AdminWorld.start(4, 2)
  world.machine('10.0.0.2').cutPower()
  const output = await world.run('topic create', { topic: 'orders' })
  assert.equal(output.kind === 'table' && output.rows.length, 1)
  assert.deepEqual(
    output.problems?.map(({ target, code, retriable }) => [target, code, retriable]),
    [[BROKER_2, 'ADMIN_BROKER_UNREACHABLE', true]],
  )
})

test('topics of a file are created together, or none when the file is wrong', async () => {
  const world = await AdminWorld.start(5)
  world.files.set(
    '/t.json',
    '[{"topicName":"A","readQueueNums":2,"writeQueueNums":2},{"topicName":"B"}]',
  )
  const raw = { clusterName: CLUSTER, filename: '/t.json' }
  assert.deepEqual(await world.rows('updateTopicList', raw), [
    { address: BROKER_1, broker: 'broker-1', topics: 2 },
  ])
  const described = await world.rows('topic describe', { topic: 'A' })
  assert.equal(described[0]!['readQueues'], 2)
  world.files.set('/t.json', '{"topicName":"A"}')
  await assert.rejects(world.run('updateTopicList', raw), { code: 'ADMIN_FILE' })
  const missing = { clusterName: CLUSTER, filename: '/none.json' }
  await assert.rejects(world.run('updateTopicList', missing), { code: 'ADMIN_FILE' })
})

test('a deleted topic is gone from brokers and NameServers; a dry run changes nothing', async () => {
  const world = await AdminWorld.start(6, 2)
  await world.topic('orders')
  const dry = await world.rows('deleteTopic', {
    topic: 'orders',
    clusterName: CLUSTER,
    dryRun: true,
  })
  assert.deepEqual(
    dry.map((row) => row['result']),
    ['would be deleted', 'would be deleted'],
  )
  assert.equal((await world.rows('topicRoute', { topic: 'orders' })).length, 2)

  const rows = await world.rows('topic delete', { topic: 'orders' })
  assert.deepEqual(
    rows.map((row) => row['result']),
    ['deleted', 'deleted'],
  )
  await assert.rejects(world.run('topicRoute', { topic: 'orders' }), NOT_FOUND)
  await assert.rejects(world.run('topic describe', { topic: 'orders' }), NOT_FOUND)
  await assert.rejects(world.run('topic delete', { topic: 'orders' }), NOT_FOUND)
})

test('destructive commands say what is lost, and dry runs that nothing is', () => {
  const topic = commandOf('deleteTopic')
  assert.match(topic.damage!({ topic: 'orders', clusterName: CLUSTER })!, /Every message of orders/)
  assert.equal(topic.damage!({ topic: 'orders', dryRun: true }), null)
})

test('topicList gives every name, and with -c the groups of each', async () => {
  const world = await AdminWorld.start(7)
  await world.topic('orders')
  await world.consumer({ group: 'billing', topic: 'orders' })
  const names = (await world.rows('topicList')).map((row) => row['topic'])
  for (const name of ['orders', 'TBW102', '%RETRY%billing']) assert(names.includes(name), name)
  const rows = await world.rows('topicList', { isClusterModel: true })
  assert(
    rows.some(({ cluster, topic, group }) => {
      return cluster === CLUSTER && topic === 'orders' && group === 'billing'
    }),
  )
  assert(rows.some(({ topic, group }) => topic === 'TBW102' && group === null))
})

test('topic list shows the topics of users, with the queues of all brokers together', async () => {
  const world = await AdminWorld.start(8, 2)
  await world.topic('orders', 3)
  const output = await world.run('topic list')
  const rows = output.kind === 'table' ? output.rows : []
  assert.deepEqual(
    rows.map(({ topic, kind, readQueues, brokers }) => [topic, kind, readQueues, brokers]),
    [['orders', 'normal', 6, ['broker-1', 'broker-2']]],
  )
  assert.match(output.notes![0]!, /internal topics not shown/)
  const all = await world.rows('topic list', { isInternalShown: true })
  assert(all.some(({ topic, kind }) => topic === 'broker-1' && kind === 'system'))
})

test('topic stats shows how far each queue reaches', async () => {
  const world = await AdminWorld.start(9)
  await world.topic('orders')
  await world.send('orders', 3, { queueId: 1 })
  const rows = await world.rows('topicStatus', { topic: 'orders' })
  assert.deepEqual(
    rows.map(({ broker, queueId, minOffset, maxOffset, messages }) => [
      broker,
      queueId,
      minOffset,
      maxOffset,
      messages,
    ]),
    [
      ['broker-1', 0, 0, 0, 0],
      ['broker-1', 1, 0, 3, 3],
    ],
  )
  assert(Number(rows[1]!['lastStoredAtMs']) > 0)
  await assert.rejects(world.run('topicStatus', { topic: 'none' }), NOT_FOUND)
})

test('topic perm changes the permission and nothing else', async () => {
  const world = await AdminWorld.start(10)
  await world.run('topic create', {
    topic: 'orders',
    readQueues: '5',
    writeQueues: '5',
    order: 'true',
  })
  const rows = await world.rows('updateTopicPerm', { topic: 'orders', perm: '4' })
  assert.deepEqual(rows, [{ address: BROKER_1, broker: 'broker-1', before: 6, perm: 4 }])
  const [described] = await world.rows('topic describe', { topic: 'orders' })
  const { perm, readQueues, order } = described!
  assert.deepEqual([perm, readQueues, order], [4, 5, true])
  await assert.rejects(world.run('topic perm', { topic: 'none', perm: '4' }), NOT_FOUND)
})

test('the order configuration of a topic is put, read and deleted', async () => {
  const world = await AdminWorld.start(11)
  const raw = { topic: 'orders', method: 'put', orderConf: 'broker-1:4' }
  assert.equal((await world.run('updateOrderConf', raw)).kind, 'done')
  const found = await world.run('updateOrderConf', { topic: 'orders', method: 'get' })
  assert.deepEqual(found.kind === 'record' && found.value, {
    topic: 'orders',
    orderConf: 'broker-1:4',
  })
  await world.run('topic order-conf', { topic: 'orders', method: 'delete' })
  const get = { topic: 'orders', method: 'get' }
  await assert.rejects(world.run('updateOrderConf', get), {
    code: 'ADMIN_KEY_NOT_FOUND',
    responseCode: 22,
  })
  await assert.rejects(world.run('updateOrderConf', { topic: 'orders', method: 'put' }), {
    code: 'ADMIN_USAGE',
  })
  await assert.rejects(world.run('updateOrderConf', { topic: 'orders', method: 'x' }), {
    code: 'ADMIN_USAGE',
  })
})

test('allocateMQ shares queues as consumers would', async () => {
  const world = await AdminWorld.start(12)
  await world.topic('orders', 5)
  const rows = await world.rows('allocateMQ', { topic: 'orders', ipList: 'a,b' })
  assert.deepEqual(
    rows.map(({ client, queueId }) => [client, queueId]),
    [
      ['a', 0],
      ['a', 1],
      ['a', 2],
      ['b', 3],
      ['b', 4],
    ],
  )
})

test('statsAll shows traffic and lag of each topic and group', async () => {
  const world = await AdminWorld.start(13)
  await world.topic('orders')
  await world.topic('quiet')
  await world.consumer({ group: 'billing', topic: 'orders' })
  await world.send('orders', 4)
  await world.pass(70_000)
  const rows = await world.rows('statsAll', { topic: 'orders' })
  const { topic, group, lag, inToday } = rows[0]!
  assert.deepEqual([topic, group, lag, inToday], ['orders', 'billing', 4, 4])
  const active = await world.rows('topic traffic', { isActiveOnly: true })
  assert(active.every((row) => row['topic'] === 'orders'))
  const all = await world.rows('topic traffic')
  assert(all.some((row) => row['topic'] === 'quiet' && row['group'] === null))
  await assert.rejects(world.run('statsAll', { topic: 'none' }), NOT_FOUND)
})

test('queryCq shows the entries of a queue on disk', async () => {
  const world = await AdminWorld.start(14)
  await world.topic('orders')
  await world.send('orders', 3, { tags: 'red' })
  const raw = { topic: 'orders', queueId: '0', index: '1', count: '2', brokerAddr: BROKER_1 }
  const output = await world.run('queryCq', raw)
  const rows = output.kind === 'table' ? output.rows : []
  assert.deepEqual(
    rows.map(({ index, tagsCode }) => [index, tagsCode]),
    [
      [1, 112785],
      [2, 112785],
    ],
  )
  assert.deepEqual(output.notes, [`${BROKER_1}: min 0, max 3`])
})

test('KV configuration is put, read, listed and deleted', async () => {
  const world = await AdminWorld.start(15)
  const key = { namespace: 'ns', key: 'k' }
  const put = await world.run('updateKvConfig', { ...key, value: 'v' })
  assert.deepEqual(put.kind === 'done' && put.value, { namespace: 'ns', key: 'k', value: 'v' })
  const got = await world.run('kv get', key)
  assert.deepEqual(got.kind === 'record' && got.value['value'], 'v')
  assert.deepEqual(await world.rows('kv list', { namespace: 'ns' }), [{ key: 'k', value: 'v' }])
  await world.run('deleteKvConfig', key)
  await assert.rejects(world.run('kv get', key), { code: 'ADMIN_KEY_NOT_FOUND' })
})

test('the configuration of NameServers is shown and changed', async () => {
  const world = await AdminWorld.start(16)
  const change = { key: 'orderMessageEnable', value: 'true' }
  assert.deepEqual(await world.rows('updateNamesrvConfig', change), [
    { namesrv: NAMESRV, ...change },
  ])
  assert.deepEqual(await world.rows('namesrv get-config', { key: 'orderMessageEnable' }), [
    { namesrv: NAMESRV, ...change },
  ])
  assert((await world.rows('getNamesrvConfig')).length > 5)
  const bad = { key: 'kvConfigPath', value: '/x' }
  await assert.rejects(world.run('updateNamesrvConfig', bad), { code: 'ADMIN_NO_PERMISSION' })
})

test('a drained broker is out of the routes of producers until it is undrained', async () => {
  const world = await AdminWorld.start(17)
  await world.topic('orders')
  const [wiped] = await world.rows('wipeWritePerm', { brokerName: 'broker-1' })
  assert.equal(wiped!['namesrv'], NAMESRV)
  assert(Number(wiped!['topics']) > 0)
  assert.equal((await world.rows('topicRoute', { topic: 'orders' }))[0]!['perm'], 4)
  await world.run('addWritePerm', { brokerName: 'broker-1' })
  assert.equal((await world.rows('topicRoute', { topic: 'orders' }))[0]!['perm'], 6)
  const unknown = await world.run('wipeWritePerm', { brokerName: 'nobody' })
  assert.match(unknown.notes![0]!, /nobody/)
})

test('without a NameServer that answers, the error names those that were asked', async () => {
  const world = new AdminWorld(18)
  await assert.rejects(world.run('topicList'), {
    code: 'ADMIN_NAMESRV_UNREACHABLE',
    retriable: true,
    message: /10\.0\.1\.1:9876/,
  })
  const none = new AdminWorld(19, {}, [])
  await assert.rejects(none.run('topicList'), { code: 'ADMIN_NAMESRV_UNREACHABLE', hint: /-n/ })
  await assert.rejects(none.run('getNamesrvConfig'), { code: 'ADMIN_NAMESRV_UNREACHABLE' })
})

test('a NameServer that is down is passed over for the next of the list', async () => {
  const world = new AdminWorld(20, {}, ['10.0.1.9:9876', NAMESRV])
  await world.startNameServer()
  await world.startBroker(1)
  assert((await world.rows('topicList')).length > 0)
})
