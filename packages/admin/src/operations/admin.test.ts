import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RemotingClient, silentLogger } from '@apogee/remoting'
import { AdminWorld, BROKER_1, BROKER_2, CLUSTER, NAMESRV } from '../testing/admin-world.ts'
import { ScriptedServer } from '../testing/scripted-server.ts'
import { AdminTransport } from '../transport/admin-transport.ts'
import { Admin } from './admin.ts'
import { adminOver, connectAdmin } from './over-client.ts'

test('topics are made, listed, looked at and deleted from code', async () => {
  const world = await AdminWorld.start(1, 2)
  const { admin } = world
  await world.settle(admin.topics.create('orders', { queues: 4, type: 'fifo' }))
  const { results } = await world.settle(admin.topics.list())
  const orders = results.find(({ topic }) => topic === 'orders')
  assert.deepEqual(orders, {
    topic: 'orders',
    kind: 'normal',
    brokers: ['broker-1', 'broker-2'],
    clusters: [CLUSTER],
    readQueues: 8,
    writeQueues: 8,
    perm: 6,
    order: false,
    messageType: 'FIFO',
  })
  const route = await world.settle(admin.topics.route('orders'))
  assert.equal(route.queueDatas.length, 2)
  assert.equal((await world.settle(admin.topics.stats('orders'))).results.length, 8)
  await world.settle(admin.topics.delete('orders'))
  await assert.rejects(world.settle(admin.topics.route('orders')), {
    name: 'ApogeeError',
    code: 'ADMIN_TOPIC_NOT_FOUND',
    responseCode: 17,
    address: NAMESRV,
    retriable: false,
  })
})

test('a topic that only the NameServer still knows can be deleted', async () => {
  const world = await AdminWorld.start(2)
  await world.topic('orders')
  await world.settle(world.admin.topics.deleteAnyway('orders', { brokerAddr: BROKER_1 }))
  assert.equal((await world.settle(world.admin.topics.route('orders'))).queueDatas.length, 1)
  await world.settle(world.admin.topics.delete('orders'))
  await assert.rejects(world.settle(world.admin.topics.route('orders')), { responseCode: 17 })
})

test('when one broker of two is down its part is missing, and is named', async () => {
  const world = await AdminWorld.start(3, 2)
  await world.topic('orders', 1)
  await world.settle(world.admin.groups.create('billing'))
  await world.settle(world.admin.groups.resetOffset('billing', 'orders', 'earliest'))
  world.machine('10.0.0.2').cutPower()
  const missing = [[BROKER_2, 'ADMIN_BROKER_UNREACHABLE']]
  const failed = (problems: readonly { target: string; code: string }[]): string[][] =>
    problems.map(({ target, code }) => [target, code])
  const lag = await world.settle(world.admin.groups.lag('billing'))
  assert.deepEqual(
    lag.queues.map(({ brokerName }) => brokerName),
    ['broker-1'],
  )
  assert.deepEqual(failed(lag.problems), missing)
  const stats = await world.settle(world.admin.topics.stats('orders'))
  assert.equal(stats.results.length, 1)
  assert.deepEqual(failed(stats.problems), missing)
  const groups = await world.settle(world.admin.groups.list())
  assert(groups.results.some(({ group }) => group === 'billing'))
  assert.deepEqual(failed(groups.problems), missing)
  const members = await world.settle(world.admin.cluster.members(CLUSTER, 'broker-1'))
  assert.deepEqual(members?.brokerAddrs, new Map([[0, BROKER_1]]))
  assert.equal(await world.settle(world.admin.cluster.members(CLUSTER, 'nobody')), null)
})

test('when every broker is down the first error is thrown', async () => {
  const world = await AdminWorld.start(4)
  world.machine('10.0.0.1').cutPower()
  const { admin } = world
  const down = { code: 'ADMIN_BROKER_UNREACHABLE', address: BROKER_1, retriable: true }
  await assert.rejects(world.settle(admin.topics.list()), down)
  await assert.rejects(world.settle(admin.groups.list()), down)
  await assert.rejects(world.settle(admin.groups.lag('g')), down)
  await assert.rejects(world.settle(admin.clients.allProducers()), down)
  await assert.rejects(world.settle(admin.brokers.config({})), down)
})

test('a broker that is reset meanwhile closes the connection, which may work later', async () => {
  const world = await AdminWorld.start(5)
  await world.settle(world.admin.topics.list())
  world.machine('10.0.0.1').kill()
  await assert.rejects(world.settle(world.admin.topics.configs(BROKER_1)), {
    code: 'ADMIN_BROKER_UNREACHABLE',
    retriable: true,
  })
})

test('tables are read whole from brokers that split them', async () => {
  const values = { enableSplitMetadata: true, splitMetadataSize: 7 }
  const world = await AdminWorld.start(6, 1, values)
  const configs = Array.from({ length: 40 }, (_, i) => `t-${i}`)
  for (const topic of configs) await world.settle(world.admin.topics.create(topic, { queues: 1 }))
  for (let i = 0; i < 20; i++) await world.settle(world.admin.groups.create(`g-${i}`))
  const topics = await world.settle(world.admin.topics.configs(BROKER_1))
  assert.equal(topics.filter(({ topicName }) => topicName.startsWith('t-')).length, 40)
  const groups = await world.settle(world.admin.groups.configs(BROKER_1))
  assert.equal(groups.filter(({ groupName }) => groupName.startsWith('g-')).length, 20)
})

test('a table in pages is put together by asking for the next page with the version of the first', async () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const env = new AdminWorld(7).machine('10.0.2.9').boot()
  const { admin, asked } = new ScriptedServer(env, [], ({ fields }) => {
    const first = Number(fields?.get('topicSeq') ?? 0)
    const table = names.slice(first, first + 2).map((name) => `"${name}":{"topicName":"${name}"}`)
    const version = '"dataVersion":{"stateVersion":0,"timestamp":1,"counter":3}'
    const body = `{"topicConfigTable":{${table.join(',')}},${version}}`
    return { fields: { totalTopicNum: '5' }, body }
  })
  const found = await admin.topics.configs(BROKER_1)
  assert.deepEqual(
    found.map(({ topicName }) => topicName),
    names,
  )
  const version = '{"counter":3,"stateVersion":0,"timestamp":1}'
  assert.deepEqual(
    asked.map(({ fields }) => fields?.get('dataVersion')),
    [undefined, version, version],
  )
})

test('requests are signed by the hook that is given', async () => {
  const world = await AdminWorld.start(8)
  const sent: (string | undefined)[] = []
  const env = world.machine('10.0.2.9').boot()
  const inner = new RemotingClient({}, { env, log: silentLogger })
  const connections = {
    invoke: (address: string, request: Parameters<typeof inner.invoke>[1], timeoutMs: number) => {
      sent.push(request.fields?.get('Signature'))
      return inner.invoke(address, request, timeoutMs)
    },
    close: () => inner.close(),
  }
  const sign = ({ code }: { code: number }): Map<string, string> => {
    return new Map([['Signature', `for ${code}`]])
  }
  const transport = new AdminTransport({ namesrvAddrs: [NAMESRV], sign }, env, connections)
  await world.settle(new Admin(transport).topics.names())
  assert.deepEqual(sent, ['for 206'])
})

test('administration takes the options of a client, and its connections', async () => {
  const world = await AdminWorld.start(9)
  const env = world.machine('10.0.2.9').boot()
  const admin = await connectAdmin({ nameservers: [NAMESRV], env })
  assert((await world.settle(admin.topics.names())).includes('TBW102'))
  world.machine('10.0.0.1').cutPower()
  await assert.rejects(world.settle(admin.topics.list()), { code: 'ADMIN_BROKER_UNREACHABLE' })
  await world.settle(admin.close())
  await assert.rejects(world.settle(admin.topics.names()), { code: 'ADMIN_NAMESRV_UNREACHABLE' })
})

test('closing what works over a client leaves the client open', async () => {
  const world = await AdminWorld.start(10)
  const { transport } = world.admin
  let closed = 0
  const remote = {
    invoke: transport.invoke.bind(transport),
    close: () => {
      closed += 1
    },
  }
  const client = {
    env: world.machine('10.0.2.9').boot(),
    nameServers: { addresses: [NAMESRV] },
    remote,
  }
  const admin = adminOver(client as unknown as Parameters<typeof adminOver>[0])
  assert((await world.settle(admin.topics.names())).length > 0)
  await world.settle(admin.close())
  assert.equal(closed, 0)
})

test('what a server says is told with its own word and code', async () => {
  const answers: [number, string | null, object][] = [
    [
      1,
      'org.apache.rocketmq.acl.common.AclException: no',
      { code: 'ADMIN_NO_PERMISSION', retriable: false },
    ],
    [2, '[TIMEOUT_CLEAN_QUEUE]', { code: 'ADMIN_BUSY', retriable: true, responseCode: 2 }],
    [3, ' request type 206 not supported', { code: 'ADMIN_NOT_SUPPORTED', responseCode: 3 }],
    [16, 'no', { code: 'ADMIN_NO_PERMISSION' }],
    [99, null, { code: 'ADMIN_REFUSED', message: /UNKNOWN_99: no reason given/ }],
  ]
  const env = new AdminWorld(11).machine('10.0.2.9').boot()
  for (const [code, remark, wanted] of answers) {
    const { admin } = new ScriptedServer(env, [NAMESRV], () => ({ code, remark }))
    await assert.rejects(admin.topics.names(), wanted, String(code))
  }
})

test('an answer that is no JSON is an error that says from whom', async () => {
  const env = new AdminWorld(12).machine('10.0.2.9').boot()
  const { admin } = new ScriptedServer(env, [NAMESRV], () => ({ body: '<html>' }))
  await assert.rejects(admin.topics.names(), { code: 'ADMIN_ANSWER_INVALID', address: NAMESRV })
})
