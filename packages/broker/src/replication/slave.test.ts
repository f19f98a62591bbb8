import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import {
  type HARuntimeInfo,
  RequestCode,
  ResetOffsetRequestHeader,
  ResponseCode,
} from '@apogee/protocol'
import { messagesOf, sendFields, sendHeader, textsOf } from '../testing/requests.ts'
import { ReplicaPair } from './testing/replica-pair.ts'

// What a slave serves, what it refuses, and where it sends readers.

const SEED = Number(process.env['APOGEE_SEED'] ?? 60_200)

test('a slave refuses what only masters do, says so, and nothing changes', async () => {
  const pair = await new ReplicaPair(SEED).start()
  const { cluster, slave } = pair
  const { services } = slave
  const before = services.store.maxPhysicalOffset
  const topics = services.topics.size
  const refusals: [codes: number[], code: number, remark: RegExp][] = [
    [[10, 310, 320, 36, 324, 325], ResponseCode.SERVICE_NOT_AVAILABLE, /sent to its master$/],
    [[37, 323], ResponseCode.SERVICE_NOT_AVAILABLE, /ended at its master$/],
    [[41, 42], ResponseCode.SERVICE_NOT_AVAILABLE, /locked at its master$/],
    [[17, 18, 215, 316, 200, 225, 207, 353], ResponseCode.SYSTEM_ERROR, /changed at its master/],
    [[222, 314], ResponseCode.SYSTEM_ERROR, /copied at its master/],
  ]
  for (const [codes, code, remark] of refusals) {
    for (const one of codes) {
      const fields = sendFields(sendHeader({ topic: 'new' }), RequestCode.SEND_MESSAGE_V2)
      const request = { code: one, fields, body: Buffer.from('x') }
      const answer = await cluster.settle(cluster.client.invoke(slave.address, request, 5000))
      equal(answer.code, code, String(one))
      match(answer.remark ?? '', /^broker broker-a with brokerId=1 is a slave: /, String(one))
      match(answer.remark ?? '', remark, String(one))
    }
  }
  equal(services.store.maxPhysicalOffset, before)
  equal(services.topics.size, topics)
  equal(services.topics.select('new'), undefined)
  await pair.stop()
})

test('consumers beat at a slave without changing its topics', async () => {
  const pair = await new ReplicaPair(SEED + 1).start()
  const { services } = pair.slave
  const code = RequestCode.HEART_BEAT
  const body = Buffer.from(
    '{"clientID":"c","consumerDataSet":[{"groupName":"fresh","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","unitMode":false,"subscriptionDataSet":[]}],"producerDataSet":[]}',
  )
  const version = services.topics.dataVersion.counter
  equal((await pair.cluster.call(pair.slave.address, code, {}, {}, body)).code, 0)
  equal(services.topics.select('%RETRY%fresh'), undefined)
  equal(services.topics.dataVersion.counter, version)
  ok(services.consumers.get('fresh') !== undefined)
  await pair.stop()
})

test('delayed messages and transactions are the business of the master: the slave has what comes of them once', async () => {
  const pair = await new ReplicaPair(SEED + 2).start()
  const { cluster, master, slave } = pair
  await pair.send('later', { properties: 'DELAY\u00011\u0002' })
  await pair.send('half', { properties: 'TRAN_MSG\u0001true\u0002PGROUP\u0001p\u0002' })
  await cluster.pass(3000)
  await pair.untilSame()
  deepEqual(textsOf(await pair.pull(master, 0)), ['later'])
  deepEqual(textsOf(await pair.pull(slave, 0)), ['later'])
  // Nothing was appended here but what came.
  equal(slave.services.store.maxPhysicalOffset, master.services.store.maxPhysicalOffset)
  await cluster.settle(slave.broker!.refreshMetrics())
  await pair.stop()
})

test('the master is killed: readers of the slave wait for messages, and are kept', async () => {
  const pair = await new ReplicaPair(SEED + 3).start()
  const { cluster, master, slave } = pair
  for (const text of ['one', 'two']) await pair.send(text)
  await pair.untilSame()
  master.kill()
  await cluster.until(() => !slave.services.masterWatch.isAlive)

  const found = await pair.pull(slave, 0)
  deepEqual(textsOf(found), ['one', 'two'])
  equal(found.fields.get('suggestWhichBrokerId'), '1')

  const startedMs = pair.nowMs
  const nothing = await pair.pull(slave, 2, 5000)
  equal(nothing.code, ResponseCode.PULL_NOT_FOUND)
  equal(nothing.fields.get('nextBeginOffset'), '2')
  equal(nothing.fields.get('suggestWhichBrokerId'), '1')
  const waitedMs = pair.nowMs - startedMs
  ok(waitedMs >= 5000 && waitedMs < 7500, String(waitedMs))

  // The master returns while a reader waits: what is sent then comes to it, with the way back.
  const waiting = pair.pull(slave, 2, 30_000)
  await cluster.pass(1000)
  equal(slave.services.longPolling.size, 1)
  await master.start()
  await pair.untilInSync()
  await pair.send('three')
  const answer = await waiting
  deepEqual(textsOf(answer), ['three'])
  equal(answer.fields.get('suggestWhichBrokerId'), '0')
  await pair.stop()
})

test('a reader beyond what the slave has stays where it is, and goes on when the slave gets there', async () => {
  const pair = await new ReplicaPair(SEED + 4).start()
  const { cluster, master, slave } = pair
  await pair.send('one')
  await pair.untilSame()
  const alive = await pair.pull(slave, 3, 10_000)
  equal(alive.code, ResponseCode.PULL_RETRY_IMMEDIATELY)
  equal(alive.fields.get('nextBeginOffset'), '3')
  equal(alive.fields.get('suggestWhichBrokerId'), '0')

  master.kill()
  await cluster.until(() => !slave.services.masterWatch.isAlive)
  const startedMs = pair.nowMs
  const gone = await pair.pull(slave, 3, 4000)
  equal(gone.code, ResponseCode.PULL_NOT_FOUND)
  equal(gone.fields.get('nextBeginOffset'), '3')
  ok(pair.nowMs - startedMs >= 4000)

  const waiting = pair.pull(slave, 3, 30_000)
  await cluster.pass(100)
  await master.start()
  await pair.untilInSync()
  for (const text of ['two', 'three', 'four']) await pair.send(text)
  deepEqual(textsOf(await waiting), ['four'])
  await pair.stop()
})

test('a reader before what the slave has is not let over messages, and does not spin', async () => {
  const pair = new ReplicaPair(SEED + 5, {}, { syncFromLastFile: true })
  await pair.startMaster()
  const { cluster, master, slave } = pair
  const body = 'x'.repeat(100_000)
  for (let i = 0; i < 25; i++) await pair.send(body)
  await slave.start()
  await pair.untilFollowing()
  await pair.untilSame()
  const first = slave.services.store.minOffset('orders', 0)
  ok(first > 0, String(first))

  const alive = await pair.pull(slave, 0, 10_000)
  equal(alive.code, ResponseCode.PULL_RETRY_IMMEDIATELY)
  equal(alive.fields.get('nextBeginOffset'), '0')
  equal(alive.fields.get('suggestWhichBrokerId'), '0')

  master.kill()
  await cluster.until(() => !slave.services.masterWatch.isAlive)
  const startedMs = pair.nowMs
  const gone = await pair.pull(slave, 0, 30_000)
  equal(gone.code, ResponseCode.PULL_NOT_FOUND)
  equal(gone.fields.get('nextBeginOffset'), '0')
  const waitedMs = pair.nowMs - startedMs
  ok(waitedMs >= 5000 && waitedMs < 7500, String(waitedMs))

  // Those who may be moved are told so by configuration.
  slave.broker!.config.update(new Map([['offsetCheckInSlave', 'true']]))
  const moved = await pair.pull(slave, 0)
  equal(moved.code, ResponseCode.PULL_OFFSET_MOVED)
  equal(moved.fields.get('nextBeginOffset'), String(first))
  await slave.stop()
})

test('readers far behind the memory are sent to the slave, and sent back when they have caught up', async () => {
  const pair = new ReplicaPair(SEED + 6)
  // 40 percent of this are 400,000 bytes.
  pair.master.machine = pair.slave.machine = { memoryBytes: 1_000_000 }
  await pair.startMaster()
  const { cluster, master, slave } = pair
  const body = 'x'.repeat(100_000)
  for (let i = 0; i < 8; i++) await pair.send(body)
  const to = async (node: typeof master, offset: number): Promise<string | undefined> => {
    const pulled = await pair.pull(node, offset, 0, { maxMsgNums: 1 })
    equal(messagesOf(pulled).length, 1)
    return pulled.fields.get('suggestWhichBrokerId')
  }
  equal(await to(master, 0), '0', 'nobody is there to be sent to')
  await slave.start()
  await pair.untilInSync()
  await pair.untilSame()
  equal(await to(master, 0), '1')
  equal(await to(slave, 0), '1')
  equal(await to(master, 7), '0')
  equal(await to(slave, 7), '0')
  master.broker!.config.update(new Map([['slaveReadEnable', 'false']]))
  equal(await to(master, 0), '0')
  master.broker!.config.update(new Map([['slaveReadEnable', 'true']]))
  // What a lagging slave does not have yet is read here.
  pair.cut()
  for (let i = 0; i < 8; i++) await pair.send(body)
  equal(await to(master, 7), '1')
  equal(await to(master, 8), '0')
  pair.heal()
  await cluster.pass(100)
  await pair.stop()
})

for (const [what, timestamp, target] of [
  ['forward', -1, 12],
  ['back', 0, 0],
] as const) {
  test(`a reader of the slave hears of an operator's reset ${what} within a second or two`, async () => {
    const pair = await new ReplicaPair(SEED + 20).start()
    const { cluster, master, slave } = pair
    for (let i = 0; i < 12; i++) await pair.send(`m${i}`)
    equal(await cluster.commit(master, 'g', 'orders', 3), ResponseCode.SUCCESS)
    await cluster.until(() => slave.services.offsets.queryOffset('g', 'orders', 0) === 3)
    const before = await pair.pull(slave, 5, 0, { maxMsgNums: 1 })
    equal(before.code, ResponseCode.SUCCESS)
    const reset = await cluster.call(
      master.address,
      RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
      ResetOffsetRequestHeader,
      { topic: 'orders', group: 'g', queueId: 0, timestamp, offset: null, isForce: true },
    )
    equal(reset.code, ResponseCode.SUCCESS, reset.remark ?? '')
    await cluster.until(() => slave.services.offsets.queryOffset('g', 'orders', 0) === target, 2500)
    const called = await pair.pull(slave, 6, 0, { maxMsgNums: 1 })
    equal(called.code, ResponseCode.PULL_RETRY_IMMEDIATELY)
    equal(called.fields.get('suggestWhichBrokerId'), '0')
    equal(called.fields.get('nextBeginOffset'), '6')
    const moved = await pair.pull(master, 6)
    equal(moved.code, ResponseCode.PULL_OFFSET_MOVED)
    equal(moved.fields.get('nextBeginOffset'), String(target))
    // Once: who cannot reach the master reads on here.
    equal((await pair.pull(slave, 6, 0, { maxMsgNums: 1 })).code, ResponseCode.SUCCESS)
    await pair.stop()
  })
}

test('a slave that is not read refuses pulls as in Apache', async () => {
  const pair = await new ReplicaPair(SEED + 7, {}, { slaveReadEnable: false }).start()
  const refused = await pair.pull(pair.slave, 0)
  equal(refused.code, ResponseCode.SYSTEM_BUSY)
  equal(refused.remark, '[REJECTREQUEST]system busy, start flow control for a while')
  pair.slave.broker!.config.update(new Map([['slaveReadEnable', 'true']]))
  await pair.send('one')
  await pair.untilSame()
  deepEqual(textsOf(await pair.pull(pair.slave, 0)), ['one'])
  await pair.stop()
})

test('HA status of both sides says who follows whom and how far', async () => {
  const pair = await new ReplicaPair(SEED + 8, { brokerRole: 'SYNC_MASTER' }).start()
  const { master, slave } = pair
  await pair.send('one')
  await pair.untilSame()
  const end = master.services.store.maxPhysicalOffset
  const ofMaster: HARuntimeInfo = await pair.haStatus(master)
  equal(ofMaster.master, true)
  equal(ofMaster.masterCommitLogMaxOffset, end)
  equal(ofMaster.inSyncSlaveNums, 1)
  const [peer] = ofMaster.haConnectionInfo
  ok(peer !== undefined)
  match(peer.addr, /^10\.0\.0\.2:\d+$/)
  deepEqual(
    [peer.slaveAckOffset, peer.diff, peer.inSync, peer.transferFromWhere],
    [end, 0, true, end],
  )

  const ofSlave = await pair.haStatus(slave)
  equal(ofSlave.master, false)
  deepEqual(ofSlave.haConnectionInfo, [])
  const { activated, lastReadTimestamp, masterAddr, maxOffset } = ofSlave.haClientRuntimeInfo
  deepEqual([activated, masterAddr, maxOffset], [true, '10.0.0.1:10912', end])
  ok(lastReadTimestamp > 0)

  await pair.stop()
})

test('runtime figures and metrics of both sides say the same', async () => {
  const pair = await new ReplicaPair(SEED + 9, { brokerRole: 'SYNC_MASTER' }).start()
  const { cluster, master, slave } = pair
  await pair.send('one')
  await pair.untilSame()
  const end = master.services.store.maxPhysicalOffset
  const info = await pair.runtimeInfo(master)
  equal(info.get('apogeeHaVersion'), '1')
  equal(info.get('brokerRole'), 'SYNC_MASTER')
  equal(info.get('brokerActive'), 'true')
  equal(info.get('inSyncReplicas'), '2')
  equal(info.get('slaveCount'), '1')
  match(info.get('slave_1') ?? '', new RegExp(`ackOffset=${end} gap=0 inSync=true$`))
  const there = await pair.runtimeInfo(slave)
  equal(there.get('brokerRole'), 'SLAVE')
  equal(there.get('brokerActive'), 'false')
  equal(there.get('replicationState'), 'following')
  equal(there.get('slaveLagBytes'), '0')
  equal(there.get('masterOffset'), String(end))
  equal(there.get('masterAlive'), 'true')

  const value = (node: typeof master, name: string): number | undefined =>
    [...node.broker!.metrics()].find((metric) => metric.name === name)?.value
  equal(value(master, 'apogee_replication_in_sync_replicas'), 2)
  equal(value(master, 'apogee_replication_slave_gap_bytes'), 0)
  equal(value(slave, 'apogee_replication_lag_bytes'), 0)
  equal(value(slave, 'apogee_replication_following'), 1)

  master.kill()
  await cluster.until(() => !slave.services.masterWatch.isAlive)
  equal((await pair.runtimeInfo(slave)).get('masterAlive'), 'false')
  equal((await pair.haStatus(slave)).haClientRuntimeInfo.activated, false)
  equal(value(slave, 'apogee_replication_following'), 0)
  await slave.stop()
})

test('a slave that must not follow its master says why', async () => {
  const pair = new ReplicaPair(
    SEED + 10,
    { haSharedSecret: 'one thing' },
    { haSharedSecret: 'another' },
  )
  await pair.startMaster()
  const { cluster, slave } = pair
  await slave.start()
  await cluster.until(() => slave.services.ha.slave!.status.state === 'refused')
  const info = await pair.runtimeInfo(slave)
  match(info.get('replicationProblem') ?? '', /^HA_[A-Z_]+: /)
  ok(!JSON.stringify([...info]).includes('another'))
  // The master is there all the same: readers belong to it, and do not wait for what does not come.
  await cluster.until(() => slave.services.topics.select('orders') !== undefined)
  const startedMs = pair.nowMs
  const sentAway = await pair.pull(slave, 0, 20_000)
  equal(sentAway.code, ResponseCode.PULL_RETRY_IMMEDIATELY)
  equal(sentAway.fields.get('suggestWhichBrokerId'), '0')
  ok(pair.nowMs - startedMs < 1000)
  await slave.stop()

  await slave.start({ haSharedSecret: 'one thing', haPeerProtocol: 'auto' })
  await pair.untilInSync()
  equal((await pair.runtimeInfo(slave)).get('replicationProblem'), '')
  await pair.stop()
})

test('any port will do for replication: NameServers are told which it is', async () => {
  const pair = new ReplicaPair(SEED + 11, { listenPort: 0, haListenPort: 0 })
  const { cluster, master, slave } = pair
  await cluster.startNameServers()
  await master.start()
  await slave.start()
  await cluster.until(() => slave.services.ha.slave!.status.state === 'following')
  const port = Number(slave.services.ha.slave!.status.masterAddress.split(':')[1])
  ok(port > 0 && port !== 10_912, String(port))
  await pair.stop()
})

test('a replication port that is the main port too is an error, and nothing stays open', async () => {
  const pair = new ReplicaPair(SEED + 12, { haListenPort: 10_911 })
  await rejects(pair.master.start(), (error: Error & { code?: string }) => {
    equal(error.code, 'REMOTING_BIND_FAILED')
    return true
  })
  await pair.master.start({ haListenPort: 10_912 })
  await pair.master.stop()
})

test('networks of slaves that cannot be read keep the broker from starting', async () => {
  const pair = new ReplicaPair(SEED + 13, { haAllowedPeers: '10.0.0.0/99' })
  await rejects(pair.master.start(), { code: 'HA_ALLOWED_PEERS_INVALID' })
  await pair.master.start({ haAllowedPeers: '10.0.0.0/8' })
  await pair.master.stop()
})
