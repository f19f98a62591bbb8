import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminWorld, BROKER_1, BROKER_2, CLUSTER, commandOf } from '../testing/admin-world.ts'

const NO_GROUP = { code: 'ADMIN_GROUP_NOT_FOUND' }
const OFFLINE = { code: 'ADMIN_CONSUMER_NOT_ONLINE' }

/** A topic of two queues with a group that has offsets at its beginning: three and two messages wait. */
async function withLag(seed: number): Promise<AdminWorld> {
  const world = await AdminWorld.start(seed)
  await world.topic('orders')
  await world.send('orders', 3)
  await world.send('orders', 2, { queueId: 1 })
  await world.settle(world.admin.groups.create('billing'))
  await world.settle(world.admin.groups.resetOffset('billing', 'orders', 'earliest'))
  return world
}

test('a group is created, shown, changed without losing its other settings, and deleted', async () => {
  const world = await AdminWorld.start(1, 2)
  const created = await world.rows('updateSubGroup', {
    group: 'billing',
    clusterName: CLUSTER,
    retryMaxTimes: '7',
  })
  assert.deepEqual(
    created.map(({ address, groupName, retryMaxTimes, consumeEnable }) => [
      address,
      groupName,
      retryMaxTimes,
      consumeEnable,
    ]),
    [
      [BROKER_1, 'billing', 7, true],
      [BROKER_2, 'billing', 7, true],
    ],
  )
  const policy = '{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000]}}'
  const change = { group: 'billing', consumeEnable: 'false', groupRetryPolicy: policy }
  await world.run('group create', change)
  const [shown] = await world.rows('getConsumerConfig', { group: 'billing' })
  assert.equal(shown!['retryMaxTimes'], 7)
  assert.equal(shown!['consumeEnable'], false)
  assert.deepEqual(shown!['groupRetryPolicy'], {
    type: 'CUSTOMIZED',
    exponentialRetryPolicy: null,
    customizedRetryPolicy: { next: [1000] },
  })

  const removal = { group: 'billing', removeOffset: 'true' }
  assert.match(
    commandOf('deleteSubGroup').damage!({ group: 'billing', removeOffset: true })!,
    /how far/,
  )
  const deleted = await world.rows('deleteSubGroup', removal)
  assert.deepEqual(
    deleted.map((row) => row['result']),
    ['deleted', 'deleted'],
  )
  await assert.rejects(world.run('group describe', { group: 'billing' }), NO_GROUP)
  await assert.rejects(world.run('group delete', removal), NO_GROUP)
})

test('what is no retry policy is refused before any broker is asked', async () => {
  const world = await AdminWorld.start(2)
  const raw = { group: 'billing', groupRetryPolicy: '{"type":"NEVER"}' }
  await assert.rejects(world.run('group create', raw), { code: 'ADMIN_USAGE' })
})

test('deleting a group deletes its retry and dead-letter topics', async () => {
  const world = await AdminWorld.start(3)
  await world.settle(world.admin.groups.create('billing'))
  await world.topic('%DLQ%billing', 1)
  await world.run('group delete', { group: 'billing' })
  await assert.rejects(world.run('topic describe', { topic: '%DLQ%billing' }), {
    code: 'ADMIN_TOPIC_NOT_FOUND',
  })
})

test('groups of a file are created together', async () => {
  const world = await AdminWorld.start(4)
  world.files.set('/g.json', '[{"groupName":"a","retryMaxTimes":3},{"groupName":"b"}]')
  const rows = await world.rows('updateSubGroupList', { clusterName: CLUSTER, filename: '/g.json' })
  assert.deepEqual(rows, [{ address: BROKER_1, broker: 'broker-1', groups: 2 }])
  const [shown] = await world.rows('group describe', { group: 'a' })
  assert.equal(shown!['retryMaxTimes'], 3)
})

test('lag is shown for each queue, and with clients who owns it', async () => {
  const world = await withLag(5)
  await world.consumer({
    group: 'billing',
    topic: 'orders',
    owns: [{ topic: 'orders', queueId: 0 }],
  })
  const output = await world.run('consumerProgress', { group: 'billing', isClientShown: 'true' })
  const rows = output.kind === 'table' ? output.rows : []
  assert.deepEqual(
    rows
      .filter(({ topic }) => topic === 'orders')
      .map(({ broker, queueId, brokerOffset, consumerOffset, lag, clientId }) => [
        broker,
        queueId,
        brokerOffset,
        consumerOffset,
        lag,
        clientId,
      ]),
    [
      ['broker-1', 0, 3, 0, 3, '10.0.3.1@test'],
      ['broker-1', 1, 2, 0, 2, null],
    ],
  )
  assert.match(output.notes![1]!, /lag in all: 5/)
  const plain = await world.rows('group lag', { group: 'billing', topic: 'orders' })
  assert.deepEqual(
    plain.map((row) => row['lag']),
    [3, 2],
  )
  const watched = await world.stream('group lag', { group: 'billing', watchSeconds: '1' }, 2)
  assert.equal(watched.length, 2)
  await assert.rejects(world.run('group lag', { group: 'none' }), NO_GROUP)
})

test('a queue that a consumer is giving up has no owner', async () => {
  const world = await withLag(20)
  const owns = [{ topic: 'orders', queueId: 0, isDropped: true }]
  await world.consumer({ group: 'billing', topic: 'orders', owns })
  const raw = { group: 'billing', topic: 'orders', isClientShown: true }
  const rows = await world.rows('group lag', raw)
  assert.deepEqual(
    rows.map((row) => row['clientId']),
    [null, null],
  )
})

test('consumerProgress without a group lists all groups with their members', async () => {
  const world = await withLag(6)
  await world.consumer({ group: 'billing', topic: 'orders' })
  const rows = await world.rows('consumerProgress')
  assert.deepEqual(
    rows.map(({ group, members, type, model, lag }) => [group, members, type, model, lag]),
    [['billing', 1, 'PUSH', 'CLUSTERING', 5]],
  )
  assert.match(String(rows[0]!['version']), /^V5_/)
})

test('group list shows lag by two requests a broker, and members when asked', async () => {
  const world = await withLag(7)
  const output = await world.run('group list')
  const rows = output.kind === 'table' ? output.rows : []
  assert.deepEqual(
    rows.map(({ group, lag, members, consumeEnable }) => [group, lag, members, consumeEnable]),
    [['billing', 5, null, true]],
  )
  assert.match(output.notes![0]!, /system groups not shown/)
  const online = await world.rows('group list', { isOnlineShown: true, isSystemShown: true })
  assert.equal(online.find((row) => row['group'] === 'billing')!['members'], 0)
  assert(online.length > 1)
})

test('group clients shows who is connected and what they subscribe', async () => {
  const world = await AdminWorld.start(8)
  await world.topic('orders')
  await assert.rejects(world.run('consumerConnection', { group: 'billing' }), OFFLINE)
  await world.consumer({ group: 'billing', topic: 'orders', expression: 'red' })
  const output = await world.run('group clients', { group: 'billing' })
  const rows = output.kind === 'table' ? output.rows : []
  assert.equal(rows[0]!['clientId'], '10.0.3.1@test')
  assert.match(String(rows[0]!['clientAddr']), /^10\.0\.3\.1:\d+$/)
  assert.deepEqual(rows[0]!['brokers'], [BROKER_1])
  assert(output.notes!.includes('subscribes orders TAG red'))
})

test('consumerStatus asks every member, and all about one', async () => {
  const world = await AdminWorld.start(9)
  await world.topic('orders')
  const owns = [{ topic: 'orders', queueId: 0, cachedMsgCount: 4 }]
  await world.consumer({ group: 'billing', topic: 'orders', owns })
  await world.consumer({ group: 'billing', topic: 'orders', expression: 'red' })
  const output = await world.run('consumerStatus', { group: 'billing' })
  const rows = output.kind === 'table' ? output.rows : []
  assert.deepEqual(
    rows.map(({ clientId, queues, cachedMessages, subscriptions }) => [
      clientId,
      queues,
      cachedMessages,
      subscriptions,
    ]),
    [
      ['10.0.3.1@test', 1, 4, ['orders *']],
      ['10.0.3.2@test', 0, 0, ['orders red']],
    ],
  )
  assert(output.notes!.some((note) => note.includes('subscribes "red" of orders')))
  const one = { group: 'billing', clientId: '10.0.3.1@test' }
  const shown = await world.run('group status', one)
  assert.equal(shown.kind === 'record' && shown.value['clientId'], '10.0.3.1@test')
  await assert.rejects(world.run('group status', { group: 'billing', clientId: 'x' }), OFFLINE)
  await assert.rejects(world.run('group status', { group: 'none' }), OFFLINE)
})

test('getConsumerStatus gives what consumers themselves say', async () => {
  const world = await AdminWorld.start(10)
  await world.topic('orders')
  await world.consumer({
    group: 'billing',
    topic: 'orders',
    owns: [{ topic: 'orders', queueId: 1 }],
  })
  const rows = await world.rows('getConsumerStatus', { group: 'billing', topic: 'orders' })
  assert.deepEqual(rows, [{ clientId: '10.0.3.1@test', broker: 'broker-1', queueId: 1, offset: 7 }])
  const none = { group: 'none', topic: 'orders' }
  await assert.rejects(world.run('getConsumerStatus', none), { code: 'ADMIN_REFUSED' })
})

test('a dry run of a reset shows every queue and changes nothing', async () => {
  const world = await withLag(11)
  const raw = { group: 'billing', topic: 'orders', to: 'latest', dryRun: true }
  assert.equal(commandOf('group reset-offset').damage!({ ...raw }), null)
  const rows = await world.rows('group reset-offset', raw)
  assert.deepEqual(
    rows.map(({ queueId, from, to, difference }) => [queueId, from, to, difference]),
    [
      [0, 0, 3, 3],
      [1, 0, 2, 2],
    ],
  )
  assert.deepEqual(
    (await world.rows('group lag', { group: 'billing' })).map((row) => row['lag']),
    [3, 2],
  )
})

test('a group is moved to the end, the beginning, a time and an offset', async () => {
  const world = await withLag(12)
  const place = { group: 'billing', topic: 'orders' }
  const lags = async (): Promise<unknown[]> =>
    (await world.rows('group lag', { group: 'billing' })).map((row) => row['lag'])
  const skipped = await world.rows('skipAccumulatedMessage', place)
  assert.deepEqual(
    skipped.map(({ from, to }) => [from, to]),
    [
      [0, 3],
      [0, 2],
    ],
  )
  assert.deepEqual(await lags(), [0, 0])
  await world.run('resetOffsetByTime', { ...place, time: '0' })
  assert.deepEqual(await lags(), [3, 2])
  await world.run('resetOffsetByTime', { ...place, time: '-1' })
  assert.deepEqual(await lags(), [0, 0])

  await world.pass(60_000)
  await world.send('orders', 4)
  const byTime = await world.rows('group reset-offset', { ...place, to: '-30s' })
  assert.deepEqual(
    byTime.map((row) => row['to']),
    [3, 2],
  )
  const one = { ...place, to: 'offset:1', brokerName: 'broker-1', queueId: '0' }
  assert.deepEqual(
    (await world.rows('group reset-offset', one)).map(({ queueId, from, to }) => [
      queueId,
      from,
      to,
    ]),
    [[0, 3, 1]],
  )
  const atBroker = { ...place, time: 'now', brokerAddr: BROKER_1, queueId: '1', offset: '2' }
  assert.deepEqual(
    (await world.rows('resetOffsetByTime', atBroker)).map((row) => row['to']),
    [2],
  )
})

test('a reset says what is wrong before it changes anything', async () => {
  const world = await withLag(13)
  const place = { group: 'billing', topic: 'orders' }
  const cases: [Record<string, unknown>, string][] = [
    [{ ...place, topic: 'none', to: 'latest' }, 'ADMIN_TOPIC_NOT_FOUND'],
    [{ ...place, group: 'none', to: 'latest' }, 'ADMIN_GROUP_NOT_FOUND'],
    [{ ...place, to: 'offset:1' }, 'ADMIN_USAGE'],
    [{ ...place, to: 'offset:1', queueId: '0' }, 'ADMIN_USAGE'],
    [{ ...place, to: 'offset:1', queueId: '9', brokerName: 'broker-1' }, 'ADMIN_QUEUE_NOT_FOUND'],
    [{ ...place, to: 'sometime' }, 'ADMIN_USAGE'],
  ]
  for (const [raw, code] of cases) {
    await assert.rejects(world.run('group reset-offset', raw), { code }, JSON.stringify(raw))
  }
})

test('a broker that leaves resets to its clients gets the offsets set when none is online', async () => {
  const world = await AdminWorld.start(14, 1, { useServerSideResetOffset: false })
  await world.topic('orders')
  await world.send('orders', 3)
  await world.settle(world.admin.groups.create('billing'))
  const queues = await world.settle(world.admin.offsets.queues('orders'))
  for (const queue of queues) await world.settle(world.admin.offsets.commit('billing', queue, 0))
  const rows = await world.rows('skipAccumulatedMessage', { group: 'billing', topic: 'orders' })
  assert.deepEqual(
    rows.map((row) => row['to']),
    [3, 0],
  )
  assert.equal(await world.settle(world.admin.offsets.committed('billing', queues[0]!)), 3)
})

test('a reset where one broker is down is partial and says so', async () => {
  const world = await AdminWorld.start(15, 2)
  await world.topic('orders', 1)
  await world.settle(world.admin.groups.create('billing'))
  world.machine('10.0.0.2').cutPower()
  for (const dryRun of [true, false]) {
    const raw = { group: 'billing', topic: 'orders', to: 'latest', dryRun }
    const output = await world.run('group reset-offset', raw)
    const rows = output.kind === 'table' ? output.rows : []
    assert.deepEqual(
      rows.map((row) => row['broker']),
      ['broker-1'],
    )
    assert.deepEqual(
      output.problems?.map(({ target, code }) => [target, code]),
      [[BROKER_2, 'ADMIN_BROKER_UNREACHABLE']],
    )
  }
})

test('one group takes the place of another', async () => {
  const world = await withLag(16)
  await world.run('skipAccumulatedMessage', { group: 'billing', topic: 'orders' })
  const raw = { srcGroup: 'billing', destGroup: 'billing-v2', topic: 'orders' }
  assert.deepEqual(await world.rows('cloneGroupOffset', raw), [
    { address: BROKER_1, broker: 'broker-1', ...raw },
  ])
  const queues = await world.settle(world.admin.offsets.queues('orders'))
  assert.equal(await world.settle(world.admin.offsets.committed('billing-v2', queues[0]!)), 3)
})

test('group why names the missing consumer in a sentence that says what to do', async () => {
  const world = await withLag(17)
  const output = await world.run('group why', { group: 'billing' })
  const rows = output.kind === 'table' ? output.rows : []
  assert.deepEqual(
    rows.map((row) => row['code']),
    ['NO_CONSUMER'],
  )
  assert.match(String(rows[0]!['hint']), /Start a consumer/)
  assert.deepEqual(output.notes, ['0 members, 2 queues, 5 messages wait'])
  await assert.rejects(world.run('group why', { group: 'none' }), NO_GROUP)
})

test('monitoring looks at every group again and again', async () => {
  const world = await withLag(18)
  const outputs = await world.stream('startMonitoring', { intervalSeconds: '10' }, 2)
  const rows = outputs.map((output) => (output.kind === 'table' ? output.rows : []))
  assert.deepEqual(
    rows[0]!.map(({ group, lag, code }) => [group, lag, code]),
    [['billing', 5, null]],
  )
  assert.deepEqual(
    rows[1]!.map(({ group, lag, code }) => [group, lag, code]),
    [['billing', 5, 'NO_CONSUMER']],
  )
})
