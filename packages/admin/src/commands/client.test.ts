import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminWorld, BROKER_1, BROKER_2 } from '../testing/admin-world.ts'

const NO_GROUP = { code: 'ADMIN_GROUP_NOT_FOUND' }

test('producers are listed by group, by broker and all together', async () => {
  const world = await AdminWorld.start(19, 2)
  await world.topic('orders')
  const options = {
    group: 'billing',
    topic: 'orders',
    producerGroup: 'shop',
    brokers: [BROKER_1, BROKER_2],
  }
  await world.consumer(options)
  const connected = await world.rows('producerConnection', { group: 'shop', topic: 'orders' })
  assert.deepEqual(
    connected.map(({ clientId, brokers }) => [clientId, brokers]),
    [['10.0.3.1@test', [BROKER_1, BROKER_2]]],
  )
  const atOne = await world.rows('producer', { brokerAddr: BROKER_1 })
  assert.deepEqual(
    atOne.map((row) => [row['producerGroup'], row['clientId']]),
    [['shop', '10.0.3.1@test']],
  )
  const all = await world.rows('producer list')
  assert.deepEqual(
    all.map((row) => row['brokers']),
    [[BROKER_1, BROKER_2]],
  )
  const clients = await world.rows('client list')
  assert.deepEqual(
    clients.map(({ kind, group }) => [kind, group]),
    [
      ['producer', 'shop'],
      ['consumer', 'billing'],
    ],
  )
  assert.equal((await world.rows('client list', { group: 'shop' })).length, 1)
  const none = { group: 'none', topic: 'orders' }
  await assert.rejects(world.run('producerConnection', none), NO_GROUP)
  const noTopic = { group: 'shop', topic: 'none' }
  await assert.rejects(world.run('producerConnection', noTopic), { code: 'ADMIN_TOPIC_NOT_FOUND' })
})
