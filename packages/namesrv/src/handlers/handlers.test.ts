import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import {
  DataVersion,
  decodeBody,
  encodeBody,
  encodeRegisterBrokerBody,
  RequestCode,
  registerBodyCrc32,
  TopicConfigSerializeWrapper,
} from '@apogee/protocol'
import type { Answer } from '@apogee/remoting'
import fc from 'fast-check'
import { brokerBody, registerFields } from '../testing/broker-body.ts'
import { FakeConnection, HandlerBench } from '../testing/handler-bench.ts'

const bodyText = (answer: Answer): string => answer.body?.toString() ?? ''
const body = (topics: string[], counter = 1): Buffer =>
  encodeRegisterBrokerBody(brokerBody(topics, counter), false)

async function register(
  bench: HandlerBench,
  fields: Record<string, string>,
  topics: string[] = ['T1', 'T2'],
  connection = new FakeConnection(7),
): Promise<Answer> {
  return bench.call(RequestCode.REGISTER_BROKER, { fields, body: body(topics), connection })
}

test('every request code of a NameServer has a handler, and no other', () => {
  const codes = new HandlerBench().registry.list().map((one) => one.code)
  assert.deepEqual(
    codes,
    [
      100, 101, 102, 103, 104, 105, 106, 205, 206, 216, 217, 219, 224, 304, 311, 312, 313, 318, 319,
      322, 327, 901, 904,
    ],
  )
})

test('only routes are for anyone to ask', () => {
  const open = new HandlerBench().registry.list().filter((one) => one.permission === 'client')
  assert.deepEqual(
    open.map((one) => [one.code, one.lane]),
    [[105, 'route']],
  )
})

test('a slave is told its master, a master nothing', async () => {
  const bench = new HandlerBench()
  const master = await register(bench, registerFields('a', '1:1'))
  assert.deepEqual([master.code, [...(master.fields ?? [])]], [0, []])
  const slave = await register(bench, registerFields('a', '2:2', { brokerId: '1' }))
  assert.deepEqual(
    [...(slave.fields ?? [])],
    [
      ['haServerAddr', '1:12'],
      ['masterAddr', '1:1'],
    ],
  )
})

test('a body whose checksum is wrong is refused, one with checksum 0 is not checked', async () => {
  const bench = new HandlerBench()
  const wrong = await register(bench, registerFields('a', '1:1', { bodyCrc32: '12345' }))
  assert.deepEqual([wrong.code, wrong.remark], [1, 'crc32 not match'])
  const right = { bodyCrc32: String(registerBodyCrc32(body(['T1', 'T2']))) }
  assert.equal((await register(bench, registerFields('a', '1:1', right))).code, 0)
  assert.equal((await register(bench, registerFields('a', '1:1', { bodyCrc32: '0' }))).code, 0)
})

test('compressed registrations, registrations of old brokers and empty ones are read', async () => {
  const bench = new HandlerBench()
  const compressed = encodeRegisterBrokerBody(brokerBody(['C1', 'C2']), true)
  const old = encodeBody(
    TopicConfigSerializeWrapper,
    brokerBody(['O1', 'O2']).topicConfigSerializeWrapper,
  )
  const inputs = [
    { fields: registerFields('a', '1:1', { compressed: 'true' }), body: compressed },
    { fields: registerFields('b', '2:2'), body: old, version: 36 },
    { fields: registerFields('d', '3:3') },
  ]
  for (const input of inputs) {
    assert.equal((await bench.call(RequestCode.REGISTER_BROKER, input)).code, 0)
  }
  const list = await bench.call(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
  assert.equal(bodyText(list), '{"topicList":["C1","C2","O1","O2"]}')
})

test('a registration that is no registration is refused and leaves nothing', async () => {
  const bench = new HandlerBench()
  for (const text of ['{', '[]', '{"topicConfigSerializeWrapper":5}']) {
    const input = { fields: registerFields('a', '1:1'), body: Buffer.from(text) }
    const answer = await bench.call(RequestCode.REGISTER_BROKER, input)
    assert.equal(answer.code, 1)
    assert.match(answer.remark ?? '', /^bad body: /)
  }
  const bomb = {
    fields: registerFields('a', '1:1', { compressed: 'true' }),
    body: Buffer.from('x'),
  }
  assert.equal((await bench.call(RequestCode.REGISTER_BROKER, bomb)).code, 1)
  const clusters = await bench.call(RequestCode.GET_BROKER_CLUSTER_INFO)
  assert.equal(bodyText(clusters), '{"brokerAddrTable":{},"clusterAddrTable":{}}')
})

test('whatever the body, the answer is an answer', async () => {
  const fields = { ...registerFields('a', '1:1'), topic: 'T', compressed: 'false' }
  const codes = [
    RequestCode.REGISTER_BROKER,
    RequestCode.QUERY_DATA_VERSION,
    RequestCode.REGISTER_TOPIC_IN_NAMESRV,
    RequestCode.UPDATE_NAMESRV_CONFIG,
  ]
  const json = fc.json().map((text) => Buffer.from(text))
  const bytes = fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some))
  const input = fc.tuple(fc.constantFrom(...codes), fc.oneof(json, bytes), fc.boolean())
  await fc.assert(
    fc.asyncProperty(input, async ([code, body, compressed]) => {
      const more = { ...fields, compressed: String(compressed) }
      const answer = await new HandlerBench().call(code, { fields: more, body })
      assert([0, 1, 16, 29].includes(answer.code), `${answer.code}`)
    }),
    { numRuns: 500 },
  )
})

test('a single topic before the whole table is refused with Apache’s words', async () => {
  const answer = await register(new HandlerBench(), registerFields('a', '1:1'), ['T1'])
  assert.deepEqual([answer.code, answer.remark], [1, 'register broker failed'])
})

test('a route is spelled for its reader', async () => {
  const bench = new HandlerBench()
  await register(bench, registerFields('a', '1:1', { enableActingMaster: 'true' }))
  const ask = async (version: number, more: Record<string, string> = {}): Promise<string> =>
    bodyText(
      await bench.call(RequestCode.GET_ROUTEINFO_BY_TOPIC, {
        fields: { topic: 'T1', ...more },
        version,
      }),
    )
  const route = (id: string): string =>
    `{"brokerDatas":[{"brokerAddrs":{${id}:"1:1"},"brokerName":"a","cluster":"c",` +
    '"enableActingMaster":true}],"filterServerTable":{},"queueDatas":[{"brokerName":"a",' +
    '"perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}'
  assert.equal(await ask(400), route('0'))
  assert.equal(await ask(401), route('"0"'))
  assert.equal(await ask(0, { acceptStandardJsonOnly: 'true' }), route('"0"'))
})

test('a topic without a route is code 17', async () => {
  const answer = await new HandlerBench().call(RequestCode.GET_ROUTEINFO_BY_TOPIC, {
    fields: { topic: 'T9' },
  })
  assert.equal(answer.code, 17)
  assert.equal(answer.remark, 'No topic route info in name server for the topic: T9')
})

test('a client that names its zone sees the brokers there', async () => {
  const bench = new HandlerBench()
  await register(bench, registerFields('a', '1:1', { __ZONE_NAME: 'north' }))
  await register(bench, registerFields('b', '2:2', { __ZONE_NAME: 'south' }))
  const ask = async (fields: Record<string, string>): Promise<string> =>
    bodyText(
      await bench.call(RequestCode.GET_ROUTEINFO_BY_TOPIC, { fields: { topic: 'T1', ...fields } }),
    )
  assert.match(await ask({}), /"a".*"b"/)
  const near = await ask({ __ZONE_MODE: 'true', __ZONE_NAME: 'north' })
  assert.match(near, /"brokerName":"a"/)
  assert.doesNotMatch(near, /"brokerName":"b"/)
  assert.match(await ask({ __ZONE_MODE: 'false', __ZONE_NAME: 'north' }), /"b"/)
})

test('order configuration goes to brokers and, if wanted, into routes', async () => {
  const bench = new HandlerBench()
  const put = { namespace: 'ORDER_TOPIC_CONFIG', key: 'T1', value: 'a:4' }
  await bench.call(RequestCode.PUT_KV_CONFIG, { fields: put })
  const registered = await register(bench, registerFields('a', '1:1'))
  assert.equal(bodyText(registered), '{"table":{"T1":"a:4"}}')
  const ask = { fields: { topic: 'T1' } }
  const without = await bench.call(RequestCode.GET_ROUTEINFO_BY_TOPIC, ask)
  assert.doesNotMatch(bodyText(without), /orderTopicConf/)
  bench.settings.apply(new Map([['orderMessageEnable', true]]))
  bench.settings.apply(new Map([['returnOrderTopicConfigToBroker', false]]))
  const withOrder = await bench.call(RequestCode.GET_ROUTEINFO_BY_TOPIC, ask)
  assert.match(bodyText(withOrder), /"orderTopicConf":"a:4"/)
  assert.equal(bodyText(await register(bench, registerFields('a', '1:1'))), '')
})

test('no routes until the NameServer has waited for brokers, if it shall', async () => {
  const bench = new HandlerBench({ needWaitForService: true })
  await register(bench, registerFields('a', '1:1'))
  const ask = { fields: { topic: 'T1' } }
  bench.nowMs = 44_999
  const early = await bench.call(RequestCode.GET_ROUTEINFO_BY_TOPIC, ask)
  assert.deepEqual([early.code, early.remark], [1, 'name server not ready'])
  bench.nowMs = 45_000
  assert.equal((await bench.call(RequestCode.GET_ROUTEINFO_BY_TOPIC, ask)).code, 0)
})

test('the KV config is put, read, listed and deleted', async () => {
  const bench = new HandlerBench()
  const kv = (code: number, fields: Record<string, string>): Promise<Answer> =>
    bench.call(code, { fields: { namespace: 'n', ...fields } })
  const missing = await kv(RequestCode.GET_KV_CONFIG, { key: 'k' })
  assert.deepEqual([missing.code, missing.remark], [22, 'No config item, Namespace: n Key: k'])
  assert.equal((await kv(RequestCode.GET_KVLIST_BY_NAMESPACE, {})).code, 22)
  assert.equal((await kv(RequestCode.PUT_KV_CONFIG, { key: 'k', value: 'v' })).code, 0)
  const found = await kv(RequestCode.GET_KV_CONFIG, { key: 'k' })
  assert.equal(found.fields?.get('value'), 'v')
  assert.equal(bodyText(await kv(RequestCode.GET_KVLIST_BY_NAMESPACE, {})), '{"table":{"k":"v"}}')
  assert.equal((await kv(RequestCode.DELETE_KV_CONFIG, { key: 'k' })).code, 0)
  assert.equal((await kv(RequestCode.GET_KV_CONFIG, { key: 'k' })).code, 22)
  assert.equal(bodyText(await kv(RequestCode.GET_KVLIST_BY_NAMESPACE, {})), '{"table":{}}')
})

test('a KV config that grows too large is refused', async () => {
  const bench = new HandlerBench({ kvConfigBytesMax: 1024 })
  const fields = { namespace: 'n', key: 'k', value: 'x'.repeat(2_000) }
  const answer = await bench.call(RequestCode.PUT_KV_CONFIG, { fields })
  assert.equal(answer.code, 1)
  assert.match(answer.remark ?? '', /^KV_CONFIG_TOO_LARGE: .*kvConfigBytesMax=1024/)
  assert.equal((await bench.call(RequestCode.GET_KV_CONFIG, { fields })).code, 22)
})

test('data versions are compared, and asking is a sign of life', async () => {
  const bench = new HandlerBench()
  await register(bench, registerFields('a', '1:1', { heartbeatTimeoutMillis: '1000' }))
  const fields = registerFields('a', '1:1')
  const ask = async (counter: number): Promise<[string | undefined, unknown]> => {
    const version = { stateVersion: 0, timestamp: 1_700_000_000_000, counter }
    const input = { fields, body: encodeBody(DataVersion, version) }
    const answer = await bench.call(RequestCode.QUERY_DATA_VERSION, input)
    assert(answer.body !== undefined)
    const known = decodeBody(DataVersion, answer.body)
    assert(!isMalformed(known))
    return [answer.fields?.get('changed'), known.counter]
  }
  bench.nowMs += 900
  assert.deepEqual(await ask(1), ['false', 1])
  assert.deepEqual(await ask(2), ['true', 1])
  bench.nowMs += 900
  await bench.call(RequestCode.BROKER_HEARTBEAT, { fields })
  bench.nowMs += 1_000
  bench.routes.expire()
  const group = { clusterName: 'c', brokerName: 'a' }
  const member = await bench.call(RequestCode.GET_BROKER_MEMBER_GROUP, { fields: group })
  const text = '{"brokerMemberGroup":{"brokerAddrs":{0:"1:1"},"brokerName":"a","cluster":"c"}}'
  assert.equal(bodyText(member), text)
  const unknown = await bench.call(RequestCode.QUERY_DATA_VERSION, {
    fields: registerFields('z', '9:9'),
  })
  assert.deepEqual([unknown.fields?.get('changed'), unknown.body], ['true', undefined])
})

test('a silent broker is removed and its connection closed', async () => {
  const bench = new HandlerBench()
  const connection = new FakeConnection(9)
  await register(bench, registerFields('a', '1:1'), ['T1', 'T2'], connection)
  bench.nowMs += 120_001
  bench.routes.expire()
  assert.equal(connection.closedBecause, 'broker_expired')
  const answer = await bench.call(RequestCode.GET_ROUTEINFO_BY_TOPIC, { fields: { topic: 'T1' } })
  assert.equal(answer.code, 17)
})

test('a broker whose connection is lost is gone at once; one that unregisters, too', async () => {
  const bench = new HandlerBench({ notifyMinBrokerIdChanged: true })
  const connection = new FakeConnection(9)
  const acting = { enableActingMaster: 'true' }
  await register(bench, registerFields('a', '1:1', acting), ['T1', 'T2'], connection)
  await register(bench, registerFields('a', '2:2', { ...acting, brokerId: '1' }))
  connection.close('peer_closed')
  assert.deepEqual(
    bench.notices.map((notice) => [notice.to, notice.minBrokerId, notice.offlineBrokerAddr]),
    [[['2:2'], 1, '1:1']],
  )
  const fields = registerFields('a', '2:2', { brokerId: '1' })
  assert.equal((await bench.call(RequestCode.UNREGISTER_BROKER, { fields })).code, 0)
  const list = await bench.call(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
  assert.equal(bodyText(list), '{"topicList":[]}')
})

test('topics are listed by cluster, unit and system, unless the lists are switched off', async () => {
  const bench = new HandlerBench()
  await register(bench, registerFields('a', '1:1'))
  const byCluster = { fields: { cluster: 'c' } }
  const list = async (code: number, input = {}): Promise<string> => {
    const answer = await bench.call(code, input)
    return answer.code === 0 ? bodyText(answer) : `${answer.code} ${answer.remark}`
  }
  const lists = {
    [RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER]: '{"topicList":["T1","T2"]}',
    [RequestCode.GET_TOPICS_BY_CLUSTER]: '{"topicList":["T1","T2"]}',
    [RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS]: '{"brokerAddr":"1:1","topicList":["c","a"]}',
    [RequestCode.GET_UNIT_TOPIC_LIST]: '{"topicList":[]}',
    [RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST]: '{"topicList":[]}',
    [RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST]: '{"topicList":[]}',
  }
  for (const [code, text] of Object.entries(lists)) {
    assert.equal(await list(Number(code), byCluster), text, code)
  }
  bench.settings.apply(
    new Map([
      ['enableTopicList', false],
      ['enableAllTopicList', false],
    ]),
  )
  for (const [code, text] of Object.entries(lists)) {
    const isSystem = Number(code) === RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS
    assert.equal(await list(Number(code), byCluster), isSystem ? text : '1 disable', code)
  }
})

test('topics are registered and deleted by hand, and write permission is taken and given', async () => {
  const bench = new HandlerBench({ topicsMax: 3 })
  await register(bench, registerFields('a', '1:1'))
  const topic = (topic: string, brokerName: string): Promise<Answer> => {
    const queues = `{"queueDatas":[{"brokerName":"${brokerName}","perm":6,"readQueueNums":1,"writeQueueNums":1}]}`
    const input = { fields: { topic }, body: Buffer.from(queues) }
    return bench.call(RequestCode.REGISTER_TOPIC_IN_NAMESRV, input)
  }
  assert.equal((await topic('N1', 'a')).code, 0)
  assert.equal((await topic('N2', 'nobody')).code, 0)
  assert.equal((await topic('N3', 'a')).code, 1)
  const empty = await bench.call(RequestCode.REGISTER_TOPIC_IN_NAMESRV, { fields: { topic: 'N4' } })
  assert.equal(empty.code, 0)
  const fields = { brokerName: 'a' }
  const wiped = await bench.call(RequestCode.WIPE_WRITE_PERM_OF_BROKER, { fields })
  assert.equal(wiped.fields?.get('wipeTopicCount'), '3')
  const added = await bench.call(RequestCode.ADD_WRITE_PERM_OF_BROKER, { fields })
  assert.equal(added.fields?.get('addTopicCount'), '3')
  await bench.call(RequestCode.DELETE_TOPIC_IN_NAMESRV, { fields: { topic: 'T1' } })
  const inCluster = { topic: 'T2', clusterName: 'c' }
  await bench.call(RequestCode.DELETE_TOPIC_IN_NAMESRV, { fields: inCluster })
  const list = await bench.call(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
  assert.equal(bodyText(list), '{"topicList":["N1"]}')
})

test('the configuration is shown, and changed by the allow-list', async () => {
  const bench = new HandlerBench({ kvConfigPath: '', listenPort: 1234 })
  const update = (text: string): Promise<Answer> =>
    bench.call(RequestCode.UPDATE_NAMESRV_CONFIG, { body: Buffer.from(text) })
  assert.equal((await update('orderMessageEnable=true\nwaitSecondsForService=9\n')).code, 0)
  const shown = bodyText(await bench.call(RequestCode.GET_NAMESRV_CONFIG))
  assert.match(shown, /^listenPort=1234$/m)
  assert.match(shown, /^orderMessageEnable=true$/m)
  assert.deepEqual(Object.fromEntries(bench.kept), {
    orderMessageEnable: 'true',
    waitSecondsForService: '9',
  })
  const forbidden = await update('enableTopicList=false\nkvConfigPath=/etc/cron.d/x\n')
  assert.deepEqual(
    [forbidden.code, forbidden.remark],
    [16, 'CONFIG_NOT_RELOADABLE: kvConfigPath cannot change at runtime'],
  )
  assert.equal(bench.settings.values.enableTopicList, true)
  assert.equal((await update('waitSecondsForService=soon')).code, 29)
  assert.equal((await update('a=\\u12')).code, 1)
  assert.equal((await update('')).code, 0)
  bench.keepProblem = 'EACCES'
  const notKept = await update('enableTopicList=false')
  assert.deepEqual(
    [notKept.code, notKept.remark],
    [1, 'in effect, but not kept for a restart: EACCES'],
  )
})
