import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminWorld, BROKER_1 } from '../testing/admin-world.ts'

const NO_MESSAGE = { code: 'ADMIN_MESSAGE_NOT_FOUND' }

function line(...fields: (string | number)[]): string {
  return `${fields.join('\x01')}\x02`
}

function published(id: string): string {
  const sent = ['shop', 'orders', id, 'red', 'k', BROKER_1, 3, 7, 0]
  return line('Pub', 1_000, 'region', ...sent, 'OFFSET-ID', 'true', 'client')
}

test('traces of a message are read from the trace topic, in the order of time', async () => {
  const world = await AdminWorld.start(14, 1, { traceTopicEnable: true })
  const id = '7F0000010A2C18B4AAC2937E5E2B0000'
  const body =
    line('SubAfter', 'req', id, 12, 'true', 'k', 0, 3_000, 'billing') +
    line('SubBefore', 2_000, 'r', 'billing', 'req', id, 1, 'k') +
    published(id) +
    published('another')
  const place = await world.settle(world.admin.messages.placeFor('RMQ_SYS_TRACE_TOPIC'))
  const message = { topic: 'RMQ_SYS_TRACE_TOPIC', body: Buffer.from(body), keys: `${id} another` }
  await world.settle(world.admin.messages.send(message, place))
  await world.pass(200)
  const rows = await world.rows('queryMsgTraceById', { msgId: id })
  assert.deepEqual(
    rows.map(({ type, seenAtMs, group, costMs, isSuccess }) => [
      type,
      seenAtMs,
      group,
      costMs,
      isSuccess,
    ]),
    [
      ['Pub', 1_000, 'shop', 7, true],
      ['SubBefore', 2_000, 'billing', null, null],
      ['SubAfter', 3_000, 'billing', 12, true],
    ],
  )
  await assert.rejects(world.run('message trace', { msgId: 'none' }), NO_MESSAGE)
})

test('dead letters are listed with their topic and sent there again', async () => {
  const world = await AdminWorld.start(16)
  await world.topic('orders')
  await world.settle(world.admin.groups.create('billing'))
  assert.deepEqual(
    await world.rows('dlq list', { group: 'billing' }),
    [],
    'no topic, no dead letters',
  )
  await assert.rejects(world.run('dlq list', { group: 'none' }), { code: 'ADMIN_GROUP_NOT_FOUND' })
  await world.topic('%DLQ%billing', 1)
  const place = await world.settle(world.admin.messages.placeFor('%DLQ%billing'))
  const properties = new Map([
    ['RETRY_TOPIC', 'orders'],
    ['DLQ_ORIGIN_TOPIC', 'orders'],
    ['mine', 'kept'],
  ])
  const dead = { topic: '%DLQ%billing', body: Buffer.from('dead'), properties }
  await world.settle(world.admin.messages.send(dead, place))
  await world.settle(world.admin.messages.send({ ...dead, properties: new Map() }, place))
  const listed = await world.rows('dlq list', { group: 'billing' })
  assert.deepEqual(
    listed.map((row) => row['originTopic']),
    ['orders', null],
  )

  const dry = await world.rows('dlq resend', { group: 'billing', dryRun: true })
  assert.deepEqual(
    dry.map((row) => row['result']),
    ['would be sent', 'its topic is not known'],
  )
  const sent = await world.rows('dlq resend', { group: 'billing' })
  assert.deepEqual(
    sent.map((row) => row['result']),
    ['SEND_OK', 'its topic is not known'],
  )
  const [again] = await world.rows('message find', { topic: 'orders', beginMs: '0' })
  assert.equal(again!['body'], 'dead')
  const kept = again!['properties'] as Map<string, string>
  assert.equal(kept.get('mine'), 'kept')
  assert.equal(kept.has('RETRY_TOPIC'), false)

  await world.run('topic perm', { topic: '%DLQ%billing', perm: '2' })
  await world.pass(500)
  await assert.rejects(world.run('dlq list', { group: 'billing' }), {
    code: 'ADMIN_NO_PERMISSION',
    hint: /topic perm/,
  })
})
