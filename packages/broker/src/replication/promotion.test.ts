import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseCode } from '@apogee/protocol'
import { messagesOf, properties, textsOf } from '../testing/requests.ts'
import { ReplicaPair } from './testing/replica-pair.ts'

// An operator makes the slave the master, and the old master its slave.

const SEED = Number(process.env['APOGEE_SEED'] ?? 60_400)

test('a slave that is made the master goes on where the master was: offsets, delays and half messages', async () => {
  const pair = await new ReplicaPair(SEED).start()
  const { cluster, master, slave } = pair
  await pair.send('one')
  await pair.send('soon', { properties: properties(['DELAY', '1']) })
  await cluster.pass(2000)
  await pair.send('later', { properties: properties(['DELAY', '4']) })
  await pair.send('undecided', { properties: properties(['TRAN_MSG', 'true'], ['PGROUP', 'p']) })
  equal(await cluster.commit(master, 'g', 'orders', 1), ResponseCode.SUCCESS)
  await cluster.until(() => slave.services.offsets.queryOffset('g', 'orders', 0) === 1)
  // Progress of delays comes with the tables.
  await cluster.pass(15_000)
  await pair.untilSame()
  master.kill()
  await slave.stop()

  await slave.start({ brokerRole: 'ASYNC_MASTER', brokerId: 0 })
  equal(await cluster.offset(slave, 'g', 'orders'), 1)
  equal((await pair.send('two', {}, slave)).code, ResponseCode.SUCCESS)
  await cluster.pass(20_000)
  const texts = textsOf(await pair.pull(slave, 0))
  deepEqual([...texts].sort(), ['later', 'one', 'soon', 'two'])
  await cluster.settle(slave.broker!.refreshMetrics())
  equal(slave.services.transactions.halfMessages().get('orders'), 1)
  await slave.stop()
})

test('the old master comes back as the slave of the new one, and has what that has', async () => {
  const pair = await new ReplicaPair(SEED + 1).start()
  const { cluster, master, slave } = pair
  await pair.send('both')
  await pair.untilSame()
  // What only the old master has is given up, and kept aside.
  pair.cut()
  await pair.send('mine')
  master.kill()
  pair.heal()
  await slave.stop()
  await slave.start({ brokerRole: 'SYNC_MASTER', brokerId: 0 })
  equal((await pair.send('new', {}, slave)).code, ResponseCode.SLAVE_NOT_AVAILABLE)

  let restarts = 0
  const broker = await master.start({ brokerRole: 'SLAVE', brokerId: 1 })
  broker.onRestartNeeded(() => restarts++)
  await cluster.until(() => restarts === 1)
  await master.start()
  await cluster.until(() => slave.services.ha.master!.inSyncReplicas === 2)
  equal((await pair.send('safe', {}, slave)).code, ResponseCode.SUCCESS)
  const there = await pair.pull(slave, 0)
  deepEqual(textsOf(there), ['both', 'new', 'safe'])
  await cluster.until(() => master.services.store.maxOffset('orders', 0) === 3)
  const here = await pair.pull(master, 0)
  deepEqual(here.body, there.body)
  ok(messagesOf(here).length === 3)
  await master.stop()
  await slave.stop()
})
