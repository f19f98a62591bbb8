import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../command.ts'
import { AdminWorld } from '../testing/admin-world.ts'

const NO_MESSAGE = { code: 'ADMIN_MESSAGE_NOT_FOUND' }
const NO_TOPIC = { code: 'ADMIN_TOPIC_NOT_FOUND' }
const USAGE = { code: 'ADMIN_USAGE' }

/** Three messages in queue 0 of `orders`, tagged and with keys. */
async function withMessages(seed: number): Promise<{ world: AdminWorld; rows: readonly Row[] }> {
  const world = await AdminWorld.start(seed)
  await world.topic('orders')
  await world.send('orders', 3, { tags: 'red', keys: 'k-1 k-2' })
  const rows = await world.rows('message find', { topic: 'orders', beginMs: '0' })
  return { world, rows }
}

test('sendMessage stores a message in the queue that is named, or in any', async () => {
  const world = await AdminWorld.start(1)
  await world.topic('orders')
  const raw = {
    topic: 'orders',
    body: 'hello',
    keys: 'k',
    tags: 't',
    brokerName: 'broker-1',
    queueId: '1',
  }
  const [sent] = await world.rows('sendMessage', raw)
  const { broker, queueId, status, queueOffset } = sent!
  assert.deepEqual([broker, queueId, status, queueOffset], ['broker-1', 1, 'SEND_OK', 0])
  const found = await world.run('queryMsgById', { topic: 'orders', msgIds: sent!['offsetMsgId'] })
  const value = found.kind === 'record' ? found.value : {}
  assert.deepEqual([value['body'], value['tags'], value['keys']], ['hello', 't', ['k']])
  assert.equal((await world.rows('message send', { topic: 'orders', body: 'x' })).length, 1)
  const separator = { ...raw, keys: 'a\x02b' }
  await assert.rejects(world.run('sendMessage', separator), USAGE)
  const bad = { ...raw, queueId: '9' }
  await assert.rejects(world.run('sendMessage', bad), { code: 'ADMIN_QUEUE_NOT_FOUND' })
})

test('a message to an unknown topic makes it where brokers do that, else the topic is what is missing', async () => {
  const world = await AdminWorld.start(2)
  const [sent] = await world.rows('sendMessage', { topic: 'fresh', body: 'x' })
  assert.equal(sent!['status'], 'SEND_OK')
  const strict = await AdminWorld.start(3, 1, { autoCreateTopicEnable: false })
  await assert.rejects(strict.run('sendMessage', { topic: 'fresh', body: 'x' }), NO_TOPIC)
})

test('checkMsgSendRT shows how long each message takes', async () => {
  const world = await AdminWorld.start(4)
  await world.topic('orders')
  const output = await world.run('checkMsgSendRT', {
    topic: 'orders',
    amount: '3',
    sizeBytes: '16',
  })
  const rows = output.kind === 'table' ? output.rows : []
  assert.deepEqual(
    rows.map((row) => [row['isSent'], row['status']]),
    Array(3).fill([true, 'SEND_OK']),
  )
  assert.match(output.notes![0]!, /mean/)
})

test('messages are found by key, by id of either kind, and by time', async () => {
  const { world, rows } = await withMessages(5)
  assert.deepEqual(
    rows.map((row) => row['queueOffset']),
    [0, 1, 2],
  )
  const byKey = await world.rows('queryMsgByKey', { topic: 'orders', key: 'k-2' })
  assert.deepEqual(
    byKey.map((row) => row['queueOffset']),
    [0, 1, 2],
  )
  const byTag = { topic: 'orders', key: 'red', keyType: 'T' }
  await assert.rejects(world.run('queryMsgByKey', byTag), { ...NO_MESSAGE, message: /tag red/ })
  const two = await world.rows('message find', { topic: 'orders', key: 'k-1', max: '2' })
  assert.equal(two.length, 2)
  const { msgId, offsetMsgId } = rows[1]!
  const byId = await world.rows('message find', { topic: 'orders', id: msgId })
  assert.deepEqual(
    byId.map((row) => row['queueOffset']),
    [1],
  )
  const byPlace = await world.rows('message find', { id: offsetMsgId })
  assert.deepEqual(
    byPlace.map((row) => row['queueOffset']),
    [1],
  )
  const withTopic = await world.rows('message find', { id: offsetMsgId, topic: 'orders' })
  assert.deepEqual(
    withTopic.map((row) => row['queueOffset']),
    [1],
    'an offset id of 32 digits too',
  )

  await world.pass(60_000)
  await world.send('orders', 1)
  const late = await world.rows('message find', { topic: 'orders', beginMs: '-30s' })
  assert.deepEqual(
    late.map((row) => row['queueOffset']),
    [3],
  )
  const early = await world.rows('message find', { topic: 'orders', beginMs: '0', endMs: '-30s' })
  assert.equal(early.length, 3)
})

test('messages of a range of time come from every queue, the oldest first', async () => {
  const world = await AdminWorld.start(18)
  await world.topic('orders')
  for (const queueId of [1, 0, 1, 0]) {
    await world.send('orders', 1, { queueId })
    await world.pass(10)
  }
  const find = { topic: 'orders', beginMs: '0', max: '3' }
  const rows = await world.rows('message find', find)
  assert.deepEqual(
    rows.map(({ queueId, queueOffset }) => [queueId, queueOffset]),
    [
      [1, 0],
      [0, 0],
      [1, 1],
    ],
  )
})

test('looking for messages says what is missing', async () => {
  const { world } = await withMessages(6)
  const cases: [Record<string, unknown>, { code: string }][] = [
    [{ topic: 'orders', key: 'none' }, NO_MESSAGE],
    [{ topic: 'none', key: 'k' }, NO_TOPIC],
    [{ topic: 'orders', id: '7F0000010A2C18B4AAC2937E5E2B0000' }, NO_MESSAGE],
    [{ id: 'not-an-id' }, USAGE],
    [{ topic: 'orders' }, USAGE],
    [{}, USAGE],
    [{ topic: 'orders', beginMs: '-1s', endMs: '-1s' }, NO_MESSAGE],
  ]
  for (const [raw, wanted] of cases) {
    await assert.rejects(world.run('message find', raw), wanted, JSON.stringify(raw))
  }
})

test('a message is shown whole with what each group made of it', async () => {
  const { world, rows } = await withMessages(7)
  await world.consumer({ group: 'billing', topic: 'orders' })
  await world.consumer({ group: 'blue-only', topic: 'orders', expression: 'blue' })
  await world.consumer({ group: 'caster', topic: 'orders', messageModel: 'BROADCASTING' })
  await world.consumer({ group: 'puller', topic: 'orders', consumeType: 'CONSUME_ACTIVELY' })
  const [queue] = await world.settle(world.admin.offsets.queues('orders'))
  for (const group of ['billing', 'blue-only', 'gone']) {
    await world.settle(world.admin.groups.create(group))
    await world.settle(world.admin.offsets.commit(group, queue!, 2))
  }
  const show = async (index: number): Promise<unknown[]> => {
    const output = await world.run('message show', { id: rows[index]!['msgId'], topic: 'orders' })
    const tracks = output.kind === 'record' ? (output.value['tracks'] as Row[]) : []
    return tracks.map(({ group, trackType, isPassed }) => [group, trackType, isPassed])
  }
  assert.deepEqual(await show(1), [
    ['billing', 'CONSUMED', true],
    ['blue-only', 'CONSUMED_BUT_FILTERED', true],
    ['caster', 'CONSUME_BROADCASTING', false],
    ['gone', 'NOT_ONLINE', true],
    ['puller', 'PULL', false],
  ])
  assert.deepEqual((await show(2))[0], ['billing', 'NOT_CONSUME_YET', false])
})

test('queryMsgByOffset and queryMsgByUniqueKey show the same message', async () => {
  const { world, rows } = await withMessages(8)
  const { msgId } = rows[2]!
  const place = { topic: 'orders', brokerName: 'broker-1', queueId: '0', offset: '2' }
  const byOffset = await world.run('queryMsgByOffset', place)
  assert.equal(byOffset.kind === 'record' && byOffset.value['msgId'], msgId)
  const byId = await world.run('queryMsgByUniqueKey', { topic: 'orders', msgId })
  assert.equal(byId.kind === 'record' && byId.value['queueOffset'], 2)
  const all = { topic: 'orders', msgId, areAllShown: true }
  assert.equal((await world.rows('queryMsgByUniqueKey', all)).length, 1)
  await assert.rejects(world.run('queryMsgByOffset', { ...place, offset: '9' }), NO_MESSAGE)
  await assert.rejects(world.run('queryMsgByOffset', { ...place, queueId: '9' }), {
    code: 'ADMIN_QUEUE_NOT_FOUND',
  })
})

test('queryMsgById takes several ids, hands a message to a consumer, and sends it again', async () => {
  const { world, rows } = await withMessages(9)
  const [first, second] = rows.map((row) => String(row['offsetMsgId']))
  const both = await world.rows('queryMsgById', { topic: 'orders', msgIds: `${first},${second}` })
  assert.deepEqual(
    both.map((row) => row['body']),
    ['m-0', 'm-1'],
  )
  const group = { topic: 'orders', msgIds: first, group: 'billing' }
  await assert.rejects(world.run('queryMsgById', group), { code: 'ADMIN_CONSUMER_NOT_ONLINE' })
  await world.consumer({ group: 'billing', topic: 'orders' })
  const [consumed] = await world.rows('queryMsgById', group)
  assert.deepEqual(
    [consumed!['clientId'], consumed!['consumeResult'], consumed!['spentMs']],
    ['10.0.3.1@test', 'CR_SUCCESS', 3],
  )
  const again = { topic: 'orders', msgIds: first, isSentAgain: 'true' }
  const [sent] = await world.rows('queryMsgById', again)
  assert.equal(sent!['status'], 'SEND_OK')
  assert.notEqual(sent!['newOffsetMsgId'], first)
  const gone = { topic: 'orders', msgIds: first!.replace(/.{8}$/, '00FFFFFF') }
  await assert.rejects(world.run('queryMsgById', gone), NO_MESSAGE)
})

test('message resend hands a message to the consumer that is named', async () => {
  const { world, rows } = await withMessages(10)
  await world.consumer({ group: 'billing', topic: 'orders' })
  await world.consumer({ group: 'billing', topic: 'orders' })
  const raw = {
    id: rows[0]!['msgId'],
    topic: 'orders',
    group: 'billing',
    clientId: '10.0.3.2@test',
  }
  const [result] = await world.rows('message resend', raw)
  assert.deepEqual([result!['clientId'], result!['consumeResult']], ['10.0.3.2@test', 'CR_SUCCESS'])
  const unknown = { ...raw, clientId: 'nobody' }
  await assert.rejects(world.run('message resend', unknown), { code: 'ADMIN_CONSUMER_NOT_ONLINE' })
})

test('printMsg gives every message of a topic, page after page', async () => {
  const world = await AdminWorld.start(11)
  await world.topic('orders')
  await world.send('orders', 70, { tags: 'red' })
  await world.send('orders', 2, { queueId: 1, tags: 'blue' })
  const outputs = await world.stream('printMsg', { topic: 'orders' }, 99)
  const pages = outputs.map((output) => (output.kind === 'table' ? output : assert.fail()))
  assert.deepEqual(
    pages.map(({ rows, isContinued }) => [rows.length, isContinued]),
    [
      [64, false],
      [8, true],
    ],
  )
  assert.equal(pages[0]!.rows[5]!['body'], 'm-5')
  const tagged = await world.stream(
    'printMsg',
    { topic: 'orders', subExpression: 'blue', isBodyShown: 'false' },
    9,
  )
  assert.deepEqual(
    tagged.map((one) => (one.kind === 'table' ? one.rows.length : 0)),
    [2],
  )
  const few = await world.stream('message print', { topic: 'orders', max: '3' }, 9)
  assert.deepEqual(
    few.map((one) => (one.kind === 'table' ? one.rows.length : 0)),
    [3],
  )
  await assert.rejects(world.stream('printMsg', { topic: 'none' }, 1), NO_TOPIC)
})

test('printMsgByQueue prints one queue, and counts by tag', async () => {
  const world = await AdminWorld.start(12)
  await world.topic('orders')
  await world.send('orders', 2, { tags: 'red' })
  await world.send('orders', 3, { tags: 'blue' })
  await world.send('orders', 4, { queueId: 1 })
  const place = { topic: 'orders', brokerName: 'broker-1', queueId: '0' }
  const [page] = await world.stream('printMsgByQueue', place, 9)
  assert.equal(page?.kind === 'table' && page.rows.length, 5)
  const [counts] = await world.stream('printMsgByQueue', { ...place, isCounted: 'true' }, 9)
  assert.deepEqual(counts?.kind === 'table' && counts.rows, [
    { tag: 'blue', count: 3 },
    { tag: 'red', count: 2 },
  ])
})

test('consumeMessage reads a part of a queue and commits only for a group that is named', async () => {
  const { world } = await withMessages(13)
  const place = { topic: 'orders', brokerName: 'broker-1', queueId: '0' }
  const rows = await world.rows('consumeMessage', { ...place, offset: '1', count: '1' })
  assert.deepEqual(
    rows.map((row) => row['body']),
    ['m-1'],
  )
  await world.settle(world.admin.groups.create('billing'))
  await world.run('consumeMessage', { ...place, group: 'billing', count: '2' })
  const [queue] = await world.settle(world.admin.offsets.queues('orders'))
  assert.equal(await world.settle(world.admin.offsets.committed('billing', queue!)), 2)
  assert.equal((await world.rows('message consume', { topic: 'orders' })).length, 3)
  await assert.rejects(world.run('consumeMessage', { topic: 'orders', offset: '1' }), USAGE)
})

test('a message id says what is in it', async () => {
  const world = await AdminWorld.start(15)
  const id = '7F0000010A2C18B4AAC2937E5E2B0001'
  const output = await world.run('DecodeMessageId', { id })
  const value = output.kind === 'record' ? output.value : {}
  const { address, counter } = value['asProducerId'] as Row
  assert.deepEqual([address, counter], ['127.0.0.1', 1])
  await assert.rejects(world.run('message decode-id', { id: 'zz' }), USAGE)
})

test('bodies that are no text come as base64, and in the character set that is asked for', async () => {
  const world = await AdminWorld.start(17)
  await world.topic('orders')
  const place = await world.settle(world.admin.messages.placeFor('orders'))
  const body = Buffer.from([0xc4, 0xe3])
  const sent = await world.settle(world.admin.messages.send({ topic: 'orders', body }, place))
  const raw = { topic: 'orders', msgIds: sent.offsetMsgId }
  const plain = await world.run('queryMsgById', raw)
  const value = plain.kind === 'record' ? plain.value : {}
  assert.deepEqual([value['body'], value['bodyEncoding']], ['xOM=', 'base64'])
  const gbk = await world.run('queryMsgById', { ...raw, charset: 'GBK' })
  assert.equal(gbk.kind === 'record' && gbk.value['body'], '你')
  await assert.rejects(world.run('queryMsgById', { ...raw, charset: 'none' }), USAGE)
})
