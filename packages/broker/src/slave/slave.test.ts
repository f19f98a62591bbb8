import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { RequestCode, ResponseCode } from '@apogee/protocol'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { subscriptionGroup } from '../subscription/subscription-group-config.ts'
import { type BrokerNode, ClusterWorld } from './testing/cluster-world.ts'

const SEED = Number(process.env['APOGEE_SEED'] ?? 4711)

interface Pair {
  cluster: ClusterWorld
  master: BrokerNode
  slave: BrokerNode
}

/** A master and a slave that follows it, with a topic, a group and an offset. */
async function pair(seed: number, slaveValues: Partial<BrokerConfigValues> = {}): Promise<Pair> {
  const cluster = new ClusterWorld(seed)
  await cluster.startNameServers()
  const master = cluster.node('10.0.0.1')
  const slave = cluster.slave('10.0.0.2', slaveValues)
  await master.start()
  await cluster.createTopic(master, 'orders')
  master.services.groups.find('g')
  await cluster.commit(master, 'g', 'orders', 5)
  await slave.start()
  await cluster.until(() => slave.services.offsets.queryOffset('g', 'orders', 0) === 5)
  return { cluster, master, slave }
}

function versions({ services }: BrokerNode): object[] {
  const { groups, topics } = services
  return [topics.dataVersion, groups.dataVersion].map(({ counter, stateVersion, timestamp }) => ({
    counter,
    stateVersion,
    timestamp,
  }))
}

test('a slave finds its master by the NameServer and has its topics, groups, offsets and versions', async () => {
  const { cluster, master, slave } = await pair(SEED)
  deepEqual(slave.services.topics.select('orders')?.writeQueueNums, 4)
  ok(slave.services.groups.select('g'))
  deepEqual(versions(slave), versions(master))
  await cluster.until(() => slave.services.ha.slave?.status.state === 'following')
  equal(slave.services.masterWatch.isAlive, true)

  await cluster.createTopic(master, 'more', 3)
  const tookMs = await cluster.until(
    () => slave.services.topics.select('more')?.readQueueNums === 3,
    3000,
  )
  ok(tookMs <= 1200, String(tookMs))
  await slave.stop()
  await master.stop()
})

test('messages are read from the slave, and its consumers find where they were', async () => {
  const { cluster, master, slave } = await pair(SEED + 1)
  await cluster.send(master, 'orders', 'one')
  await cluster.until(() => slave.services.store.maxOffset('orders', 0) === 1)
  master.kill()
  await cluster.until(() => !slave.services.masterWatch.isAlive)
  deepEqual(await cluster.texts(slave, 'orders'), ['one'])
  equal(await cluster.offset(slave, 'g', 'orders'), 5)
  await slave.stop()
})

test('a topic that is deleted on the master is deleted on the slave, queues and all, and comes back nowhere', async () => {
  const { cluster, master, slave } = await pair(SEED + 2)
  await cluster.send(master, 'orders', 'one')
  await cluster.until(() => slave.services.store.maxOffset('orders', 0) === 1)
  equal((await cluster.deleteTopic(master, 'orders')).code, ResponseCode.SUCCESS)
  await cluster.until(() => slave.services.topics.select('orders') === undefined)
  await cluster.pass(100)
  deepEqual(slave.services.store.queuesOf('orders'), [])
  equal(await cluster.offset(slave, 'g', 'orders'), -1)

  // Both start again, the slave first: the log still has the message.
  slave.kill()
  master.kill()
  await slave.start()
  await master.start()
  await cluster.pass(5000)
  for (const node of [master, slave]) {
    equal(node.services.topics.select('orders'), undefined, node.host)
    deepEqual(node.services.store.queuesOf('orders'), [], node.host)
  }
  await slave.stop()
  await master.stop()
})

test('a deletion that is heard of before the records counts for them too', async () => {
  const { cluster, master, slave } = await pair(SEED + 11)
  await cluster.createTopic(master, 'empty')
  await cluster.until(() => slave.services.topics.select('empty') !== undefined)
  await cluster.deleteTopic(master, 'empty')
  await cluster.until(() => slave.services.topics.select('empty') === undefined)
  equal(slave.services.deleted.endOf('empty'), master.services.store.maxPhysicalOffset)
  await slave.stop()
  await master.stop()
})

test('a topic that is deleted and made again at once has the new messages on the slave, and only them', async () => {
  for (let seed = 0; seed < 5; seed++) {
    const { cluster, master, slave } = await pair(SEED + 100 + seed)
    await cluster.until(() => slave.services.ha.slave?.status.state === 'following')
    for (const body of ['old-0', 'old-1', 'old-2']) await cluster.send(master, 'orders', body)
    await cluster.pass(seed * 300)
    await cluster.deleteTopic(master, 'orders')
    await cluster.pass(seed * 100)
    await cluster.createTopic(master, 'orders', 2)
    for (const body of ['new-0', 'new-1']) await cluster.send(master, 'orders', body)
    await cluster.until(() => slave.services.topics.select('orders')?.readQueueNums === 2)
    await cluster.until(() => slave.services.store.maxOffset('orders', 0) === 2)
    await cluster.pass(3000)
    const texts = await cluster.texts(slave, 'orders')
    deepEqual(texts, ['new-0', 'new-1'], `seed ${SEED + 100 + seed}`)
    await slave.stop()
    await master.stop()
  }
})

test('a topic that was made and deleted while the slave was away leaves no queues there', async () => {
  const { cluster, master, slave } = await pair(SEED + 3)
  await cluster.until(() => slave.services.ha.slave?.status.state === 'following')
  await slave.stop()
  await cluster.createTopic(master, 'short')
  await cluster.send(master, 'short', 'x')
  await cluster.deleteTopic(master, 'short')
  await slave.start()
  const end = master.services.store.maxPhysicalOffset
  await cluster.until(() => slave.services.store.maxPhysicalOffset === end)
  await cluster.pass(31_000)
  equal(slave.services.topics.select('short'), undefined)
  deepEqual(slave.services.store.queuesOf('short'), [])
  await slave.stop()
  await master.stop()
})

test('what was committed while the master was away flows back to it, and it never goes back', async () => {
  const { cluster, master, slave } = await pair(SEED + 4)
  await cluster.createTopic(master, 'other')
  await cluster.commit(master, 'g', 'other', 8)
  await cluster.until(() => slave.services.offsets.queryOffset('g', 'other', 0) === 8)
  await master.stop()
  await cluster.until(() => !slave.services.masterWatch.isAlive)
  equal(await cluster.commit(slave, 'g', 'orders', 9), ResponseCode.SUCCESS)
  equal(await cluster.commit(slave, 'g', 'other', 3), ResponseCode.SUCCESS)
  // The slave is killed and started once what was committed is on its disk.
  await cluster.pass(5100)
  slave.kill()
  await slave.start()
  equal(slave.services.slaveOffsets.size, 2)
  equal(await cluster.offset(slave, 'g', 'orders'), 9)

  await master.start()
  await cluster.until(() => slave.services.slaveOffsets.size === 0)
  equal(await cluster.offset(master, 'g', 'orders'), 9)
  equal(await cluster.offset(master, 'g', 'other'), 8)
  await cluster.pass(1500)
  equal(await cluster.offset(slave, 'g', 'orders'), 9)
  equal(await cluster.offset(slave, 'g', 'other'), 8)
  await slave.stop()
  await master.stop()
})

test('a client that is faster than the slave with a higher offset keeps it', async () => {
  const { cluster, master, slave } = await pair(SEED + 12)
  const { client } = slave.services
  const invoke = client.invoke.bind(client)
  let told = 0
  client.invoke = (address, request, timeoutMs) => {
    if (request.code === RequestCode.UPDATE_CONSUMER_OFFSET) {
      told++
      master.services.offsets.commitOffset('g', 'orders', 0, 12)
    }
    return invoke(address, request, timeoutMs)
  }
  await cluster.commit(slave, 'g', 'orders', 9)
  await cluster.until(() => told > 0 && slave.services.slaveOffsets.size === 0)
  await cluster.pass(1500)
  equal(await cluster.offset(master, 'g', 'orders'), 12)
  equal(await cluster.offset(slave, 'g', 'orders'), 12)
  await slave.stop()
  await master.stop()
})

test('of what clients committed to two slaves the highest comes to the master', async () => {
  const { cluster, master, slave } = await pair(SEED + 13)
  const other = cluster.slave('10.0.0.4', { brokerId: 2 })
  await other.start()
  await cluster.until(() => other.services.offsets.queryOffset('g', 'orders', 0) === 5)
  await master.stop()
  await cluster.commit(slave, 'g', 'orders', 9)
  await cluster.commit(other, 'g', 'orders', 7)
  await master.start()
  await cluster.until(
    () => slave.services.slaveOffsets.size + other.services.slaveOffsets.size === 0,
  )
  await cluster.pass(1500)
  for (const node of [master, slave, other]) {
    equal(await cluster.offset(node, 'g', 'orders'), 9, node.host)
  }
  for (const node of [other, slave, master]) await node.stop()
})

test('a group whose first consumers came to the slave is made at the master, with its offsets', async () => {
  const { cluster, master, slave } = await pair(SEED + 15)
  await master.stop()
  slave.services.groups.find('new')
  equal(await cluster.commit(slave, 'new', 'orders', 3), ResponseCode.SUCCESS)
  await master.start()
  await cluster.until(() => slave.services.slaveOffsets.size === 0, 5000)
  equal(await cluster.offset(master, 'new', 'orders'), 3)
  await cluster.until(() => slave.services.groups.select('new') !== undefined, 3000)
  equal(await cluster.offset(slave, 'new', 'orders'), 3)
  await slave.stop()
  await master.stop()
})

test('an offset of a group that a slave may not make waits for its consumers', async () => {
  const given = { autoCreateSubscriptionGroup: false }
  const { cluster, master, slave } = await pair(SEED + 14, given)
  await master.stop()
  slave.services.groups.update([subscriptionGroup('new')])
  equal(await cluster.commit(slave, 'new', 'orders', 3), ResponseCode.SUCCESS)
  await master.start()
  await cluster.pass(10_000)
  equal(await cluster.offset(master, 'new', 'orders'), -1)
  equal(slave.services.slaveOffsets.size, 1)
  master.services.groups.find('new')
  await cluster.until(() => slave.services.slaveOffsets.size === 0, 3000)
  equal(await cluster.offset(master, 'new', 'orders'), 3)

  // One whose consumers never come is forgotten.
  await cluster.commit(slave, 'new', 'orders', 4)
  slave.services.slaveOffsets.committed('gone', 'orders', 0, 4)
  await cluster.pass(125_000)
  equal(slave.services.slaveOffsets.size, 0)
  await slave.stop()
  await master.stop()
})

test('a reset on the master goes down to the slave', async () => {
  const { cluster, master, slave } = await pair(SEED + 5)
  await cluster.commit(master, 'g', 'orders', 2)
  await cluster.until(() => slave.services.offsets.queryOffset('g', 'orders', 0) === 2, 3000)
  equal(slave.services.slaveOffsets.size, 0)
  await slave.stop()
  await master.stop()
})

test('a commit to the slave of a living master reaches the master', async () => {
  const { cluster, master, slave } = await pair(SEED + 6)
  await cluster.commit(slave, 'g', 'orders', 7)
  await cluster.until(() => master.services.offsets.queryOffset('g', 'orders', 0) === 7, 3000)
  await cluster.pass(1500)
  equal(slave.services.slaveOffsets.size, 0)
  equal(await cluster.offset(slave, 'g', 'orders'), 7)
  await slave.stop()
  await master.stop()
})

test('unchanged tables cost a few small answers a second', async () => {
  const { cluster, master, slave } = await pair(SEED + 7)
  await cluster.pass(2000)
  let bytes = 0
  const { client } = slave.services
  const invoke = client.invoke.bind(client)
  client.invoke = async (...args) => {
    const response = await invoke(...args)
    bytes += response.body.length
    return response
  }
  await cluster.pass(10_000)
  equal(bytes, 0)
  await slave.stop()
  await master.stop()
})

test('a master that hangs is not alive after a few seconds, and is again when it goes on', async () => {
  const { cluster, master, slave } = await pair(SEED + 8)
  const host = cluster.world.host(master.host)
  host.pause()
  const tookMs = await cluster.until(() => !slave.services.masterWatch.isAlive, 30_000)
  ok(tookMs < 6000, String(tookMs))
  host.resume()
  await cluster.until(() => slave.services.masterWatch.isAlive, 10_000)
  await slave.stop()
  await master.stop()
})

test('a master whose machine is off stays not alive, while TCP still believes in it', async () => {
  const { cluster, master, slave } = await pair(SEED + 15, { haHousekeepingInterval: 600_000 })
  await cluster.until(() => slave.services.ha.slave?.status.state === 'following')
  cluster.world.host(master.host).cutPower()
  await cluster.until(() => !slave.services.masterWatch.isAlive, 6000)
  slave.services.client.peek(master.address)?.abort('gone')
  for (let second = 0; second < 60; second++) {
    await cluster.pass(1000)
    equal(slave.services.masterWatch.isAlive, false, `after ${second} s`)
  }
  await slave.stop()
})

test('a master of Apache s, which knows no versions, is asked every 10 s and for everything', async () => {
  const { cluster, master, slave } = await pair(SEED + 16)
  const { client } = slave.services
  const invoke = client.invoke.bind(client)
  const asked = new Map<number, number>()
  client.invoke = (address, request, timeoutMs) => {
    const fields = new Map(request.fields)
    fields.delete('knownDataVersion')
    asked.set(request.code, (asked.get(request.code) ?? 0) + 1)
    return invoke(address, { ...request, fields }, timeoutMs)
  }
  await cluster.createTopic(master, 'more')
  await cluster.commit(master, 'g', 'orders', 2)
  await cluster.pass(31_000)
  for (const code of [21, 43, 45, 201]) {
    const count = asked.get(code) ?? 0
    ok(count >= 3 && count <= 5, `${code}: ${count}`)
  }
  ok(slave.services.topics.select('more'))
  equal(slave.services.offsets.queryOffset('g', 'orders', 0), 2)
  deepEqual(versions(slave), versions(master))
  await slave.stop()
  await master.stop()
})

test('the master moves to another address while it is away: the slave follows within seconds', async () => {
  const { cluster, master, slave } = await pair(SEED + 9)
  await master.stop()
  const moved = cluster.node('10.0.0.3')
  await cluster.pass(3000)
  await moved.start()
  await cluster.createTopic(moved, 'new')
  const tookMs = await cluster.until(() => slave.services.topics.select('new') !== undefined, 9000)
  ok(tookMs < 4000, String(tookMs))
  await slave.stop()
  await moved.stop()
})

test('a slave that is started as a master has all of the old one', async () => {
  const { cluster, master, slave } = await pair(SEED + 10)
  await cluster.send(master, 'orders', 'one')
  await cluster.until(() => slave.services.store.maxOffset('orders', 0) === 1)
  master.kill()
  await cluster.until(() => !slave.services.masterWatch.isAlive)
  await cluster.commit(slave, 'g', 'orders', 6)
  await slave.stop()
  await slave.start({ brokerRole: 'ASYNC_MASTER', brokerId: 0 })
  equal(slave.services.slaveOffsets.size, 0)
  equal(await cluster.offset(slave, 'g', 'orders'), 6)
  equal((await cluster.send(slave, 'orders', 'two')).code, ResponseCode.SUCCESS)
  await cluster.pass(100)
  deepEqual(await cluster.texts(slave, 'orders'), ['one', 'two'])
  await slave.stop()
})
