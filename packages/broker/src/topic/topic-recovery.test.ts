import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import {
  CreateTopicRequestHeader,
  DeleteSubscriptionGroupRequestHeader,
  DeleteTopicRequestHeader,
  RequestCode,
  ResponseCode,
  SubscriptionGroupConfig,
} from '@apogee/protocol'
import { type RemotingClient, type Response, silentLogger } from '@apogee/remoting'
import { subscriptionGroup } from '../subscription/subscription-group-config.ts'
import { BrokerWorld } from '../testing/broker-world.ts'

const SEED = 40_500

function makeTopic(world: BrokerWorld, client: RemotingClient, topic: string): Promise<Response> {
  return world.call(client, RequestCode.UPDATE_AND_CREATE_TOPIC, CreateTopicRequestHeader, {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: 3,
    writeQueueNums: 3,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
  })
}

function deleteTopic(world: BrokerWorld, client: RemotingClient, topic: string): Promise<Response> {
  const header = { topic }
  return world.call(client, RequestCode.DELETE_TOPIC_IN_BROKER, DeleteTopicRequestHeader, header)
}

const makeGroup = (world: BrokerWorld, client: RemotingClient, name: string): Promise<Response> => {
  const code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP
  return world.callBody(client, code, SubscriptionGroupConfig, subscriptionGroup(name))
}

/** What the broker says of topics that its tables and its queues do not agree on. */
function logged(world: BrokerWorld): string[] {
  const events: string[] = []
  const take = (fields: object): void => {
    const event = 'event' in fields ? String(fields.event) : ''
    if (/recovered|cleaned/.test(event)) events.push(event)
  }
  world.log = { ...silentLogger, info: take, warn: take, error: take }
  return events
}

/** From now on nothing gets into the file of a table. */
function refuseWrites(world: BrokerWorld, table: string): void {
  world.host.disk.faults.failWhen(({ path, kind }) => kind === 'write' && path.includes(table), {
    code: 'ENOSPC',
  })
}

test('what an operator made or deleted is so after kill -9 right after the answer', async () => {
  const world = new BrokerWorld(SEED)
  await world.start()
  const client = world.client('10.0.0.2')
  equal((await makeTopic(world, client, 'doomed')).code, ResponseCode.SUCCESS)
  equal((await makeGroup(world, client, 'doomed')).code, ResponseCode.SUCCESS)
  // Saves that take their time.
  world.host.disk.faults.failWhen(({ path, kind }) => kind === 'sync' && path.includes('config/'), {
    stallMs: 300,
  })
  const created = await makeTopic(world, client, 'orders')
  world.host.kill()
  equal(created.code, ResponseCode.SUCCESS)
  let services = (await world.start()).services!
  equal(services.topics.select('orders')?.writeQueueNums, 3)
  const again = world.client('10.0.0.3')
  const answers = await Promise.all([
    makeGroup(world, again, 'g'),
    deleteTopic(world, again, 'doomed'),
    world.call(again, RequestCode.DELETE_SUBSCRIPTIONGROUP, DeleteSubscriptionGroupRequestHeader, {
      groupName: 'doomed',
      cleanOffset: true,
    }),
  ])
  world.host.kill()
  for (const { code } of answers) equal(code, ResponseCode.SUCCESS)
  services = (await world.start()).services!
  ok(services.groups.select('g') !== undefined)
  equal(services.groups.select('doomed'), undefined)
  equal(services.topics.select('doomed'), undefined)
  await world.stop()
})

test('a change that cannot be written is answered with code 1 and the reason, and is in force', async () => {
  const world = new BrokerWorld(SEED + 1)
  const { services } = await world.start()
  const client = world.client('10.0.0.2')
  refuseWrites(world, 'topics.json')
  refuseWrites(world, 'subscriptionGroup.json')
  for (const answer of [
    await makeTopic(world, client, 'orders'),
    await makeGroup(world, client, 'g'),
  ]) {
    equal(answer.code, ResponseCode.SYSTEM_ERROR)
    match(answer.remark ?? '', /in force, but config\/\w+\.json could not be written/)
  }
  ok(services!.topics.select('orders') !== undefined)
  ok(services!.groups.select('g') !== undefined)
  world.host.kill()
})

test('a topic that a send made is there after kill -9, though topics.json never was written', async () => {
  const world = new BrokerWorld(SEED + 2)
  await world.start()
  const client = world.client('10.0.0.2')
  refuseWrites(world, 'topics.json')
  equal((await world.send(client, 'orders', 'one', { queueId: 2 })).code, ResponseCode.SUCCESS)
  equal((await world.send(client, '%RETRY%g', 'two')).code, ResponseCode.SUCCESS)
  world.host.kill()

  const events = logged(world)
  // The second start has them from topics.json: it was written before the first one served.
  for (let start = 0; start < 2; start++) {
    world.host.disk.faults.clear()
    const { services } = await world.start()
    deepEqual(events.splice(0), start === 0 ? ['topic_recovered', 'topic_recovered'] : [])
    const topics = ['orders', '%RETRY%g'].map((name) => services!.topics.select(name))
    deepEqual(
      topics.map((topic) => [topic?.readQueueNums, topic?.writeQueueNums, topic?.perm]),
      [
        [3, 3, 6],
        [1, 1, 6],
      ],
    )
    const reader = world.client(`10.0.0.${3 + start}`)
    const pulled = await world.pull(reader, 'g', 'orders', { queueId: 2 })
    equal(pulled.code, ResponseCode.SUCCESS)
    world.host.kill()
  }
})

test('a deleted topic stays away after kill -9, whatever of it the log still holds', async () => {
  for (let seed = 0; seed < 4; seed++) {
    const world = new BrokerWorld(SEED + 10 + seed)
    await world.start()
    const client = world.client('10.0.0.2')
    for (let i = 0; i < 5; i++) await world.send(client, 'orders', String(i))
    await world.send(client, 'other', 'x')
    equal((await deleteTopic(world, client, 'orders')).code, ResponseCode.SUCCESS)
    world.host.kill()
    const events = logged(world)
    for (let start = 0; start < 2; start++) {
      const { services } = await world.start()
      // The log was dispatched again: there were such queues.
      deepEqual(new Set(events), new Set(['deleted_topic_cleaned']))
      equal(services!.topics.select('orders'), undefined)
      ok(!services!.store.topics().includes('orders'))
      ok(services!.topics.select('other') !== undefined)
      world.host.kill()
    }
  }
})

test('a topic that a send made anew after its deletion comes back', async () => {
  const world = new BrokerWorld(SEED + 20)
  await world.start()
  const client = world.client('10.0.0.2')
  await world.send(client, 'orders', 'old')
  await deleteTopic(world, client, 'orders')
  refuseWrites(world, 'topics.json')
  equal((await world.send(client, 'orders', 'new')).code, ResponseCode.SUCCESS)
  world.host.kill()
  const { services } = await world.start()
  equal(services!.topics.select('orders')?.writeQueueNums, 1)
  world.host.kill()
})
