import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeleteTopicFromNamesrvRequestHeader, RequestCode } from '@apogee/protocol'
import type { Diagnosis } from '../operations/group-admin.ts'
import { AdminWorld, BROKER_1, BROKER_2, NAMESRV } from '../testing/admin-world.ts'
import type { OwnedForTest } from '../testing/test-consumer.ts'

const OWNS: OwnedForTest[] = [0, 1].map((queueId) => ({ topic: 'orders', queueId }))

/** A group with one consumer that owns both queues; messages wait in the first. */
async function faulty(
  seed: number,
  options: { brokers?: number; isAlone?: boolean; registerMs?: number } = {},
): Promise<AdminWorld> {
  const { brokers = 1, registerMs = 10_000 } = options
  const values = { registerNameServerPeriod: registerMs }
  const world = await AdminWorld.start(seed, brokers, values)
  await world.topic('orders')
  await world.send('orders', 5)
  await world.settle(world.admin.groups.create('billing'))
  // Not by a reset: a broker takes no commits of others until a consumer has seen that.
  for (const queue of await world.settle(world.admin.offsets.queues('orders'))) {
    await world.settle(world.admin.offsets.commit('billing', queue, 0))
  }
  if (options.isAlone !== true) {
    await world.consumer({ group: 'billing', topic: 'orders', owns: OWNS })
  }
  return world
}

/** Commits of the consumer: the queue moves on. */
async function commit(world: AdminWorld, offset: number): Promise<void> {
  await commitTo(world, offset, BROKER_1)
}

function commitTo(world: AdminWorld, offset: number, address: string): Promise<void> {
  const queue = { topic: 'orders', brokerName: 'broker-1', queueId: 0, address, brokerId: 0 }
  return world.settle(world.admin.offsets.commit('billing', queue, offset))
}

/** Looks at the group while `meanwhile` happens between the two looks. */
async function why(
  world: AdminWorld,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<Diagnosis> {
  const startedMs = world.world.clock.monotonicMs()
  const diagnosis = world.admin.groups.why('billing')
  await world.pass(2_000)
  await meanwhile()
  const found = await world.settle(diagnosis)
  assert(world.world.clock.monotonicMs() - startedMs < 10_000, 'within ten seconds')
  return found
}

function causes({ findings }: Diagnosis): unknown[] {
  return findings.map(({ code, queueId = null, clientId = null }) => [code, queueId, clientId])
}

test('a group that moves on has nothing wrong', async () => {
  const world = await faulty(1)
  assert.deepEqual(causes(await why(world, () => commit(world, 3))), [])
})

test('a queue whose consumer does not move on is stuck', async () => {
  const found = causes(await why(await faulty(2)))
  assert.deepEqual(found, [['QUEUE_STUCK', 0, '10.0.3.1@test']])
})

test('nobody online', async () => {
  const world = await faulty(3, { isAlone: true })
  assert.deepEqual(causes(await why(world)), [['NO_CONSUMER', null, null]])
})

test('a queue that nobody took', async () => {
  const world = await faulty(4, { isAlone: true })
  await world.consumer({ group: 'billing', topic: 'orders', owns: OWNS.slice(1) })
  assert.deepEqual(causes(await why(world)), [['QUEUE_WITHOUT_OWNER', 0, null]])
})

test('members with different subscriptions', async () => {
  const world = await faulty(5)
  await world.consumer({ group: 'billing', topic: 'orders', expression: 'red' })
  await world.consumer({ group: 'billing', topic: 'orders' })
  const found = causes(await why(world, () => commit(world, 3)))
  assert.deepEqual(found, [['SUBSCRIPTION_MISMATCH', null, '10.0.3.2@test']])
})

test('a group that may not consume', async () => {
  const world = await faulty(6)
  await world.settle(world.admin.groups.create('billing', { consumeEnable: false }))
  const found = causes(await why(world))
  assert.deepEqual(found, [
    ['CONSUME_DISABLED', null, null],
    ['QUEUE_STUCK', 0, '10.0.3.1@test'],
  ])
})

test('a slow handler', async () => {
  const world = await faulty(7, { isAlone: true })
  await world.consumer({ group: 'billing', topic: 'orders', owns: OWNS, consumeRtMs: 4_000 })
  const found = causes(await why(world, () => commit(world, 1)))
  assert.deepEqual(found, [['SLOW_HANDLER', null, '10.0.3.1@test']])
})

test('a consumer that does not answer', async () => {
  const world = await faulty(8)
  await world.consumer({ group: 'billing', topic: 'orders', isSilent: true })
  const found = causes(await why(world, () => commit(world, 3)))
  assert.deepEqual(found, [['CLIENT_SILENT', null, '10.0.3.2@test']])
})

test('a consumer whose machine hangs is waited for once', async () => {
  const world = await faulty(14)
  world.machine('10.0.3.1').cutPower()
  const found = causes(await why(world))
  assert.deepEqual(found, [
    ['QUEUE_STUCK', 0, null],
    ['CLIENT_SILENT', null, '10.0.3.1@test'],
  ])
})

test('messages that die meanwhile', async () => {
  const world = await faulty(9)
  await world.topic('%DLQ%billing', 1)
  const found = await why(world, async () => {
    await commit(world, 3)
    await world.send('%DLQ%billing', 2)
  })
  assert.deepEqual(causes(found), [['DLQ_GROWS', null, null]])
})

test('an offset beyond the end of the queue', async () => {
  const world = await faulty(10)
  await commit(world, 900)
  const found = causes(await why(world))
  assert.deepEqual(found, [['OFFSET_OUT_OF_RANGE', 0, null]])
})

test('a broker that is down', async () => {
  const world = await faulty(11, { brokers: 2, isAlone: true })
  const owns = [1, 2].flatMap((n) => OWNS.map((one) => ({ ...one, brokerName: `broker-${n}` })))
  await world.consumer({ group: 'billing', topic: 'orders', owns, brokers: [BROKER_1, BROKER_2] })
  world.machine('10.0.0.2').cutPower()
  const { findings } = await why(world, async () => {
    // The first look waits for the dead broker.
    await world.pass(4_000)
    await commit(world, 2)
  })
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['BROKER_UNREACHABLE'],
  )
  assert.match(findings[0]!.message, /10\.0\.0\.2:10911/)
})

test('a topic that brokers have and the NameServer has lost', async () => {
  const world = await faulty(12, { registerMs: 60_000 })
  const forget = {
    code: RequestCode.DELETE_TOPIC_IN_NAMESRV,
    header: DeleteTopicFromNamesrvRequestHeader,
    values: { topic: 'orders' },
  }
  await world.settle(world.admin.transport.call(NAMESRV, forget))
  const { findings } = await why(world, () => commitTo(world, 3, BROKER_1))
  assert.deepEqual(
    findings.map(({ code, brokerName, topic }) => [code, brokerName, topic]),
    [['BROKER_NOT_IN_ROUTE', 'broker-1', 'orders']],
  )
})

test('looking ends at once when it is stopped', async () => {
  const world = await faulty(13)
  const stop = new AbortController()
  const diagnosis = world.admin.groups.why('billing', { signal: stop.signal })
  await world.pass(1_000)
  stop.abort()
  await assert.rejects(world.settle(diagnosis), { code: 'ADMIN_ABORTED' })
})
