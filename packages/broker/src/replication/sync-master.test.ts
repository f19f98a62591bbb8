import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConsumerSendMsgBackRequestHeader,
  EndTransactionRequestHeader,
  encodeHeader,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import type { Response } from '@apogee/remoting'
import { messagesOf, properties, sendFields, sendHeader, textsOf } from '../testing/requests.ts'
import { ReplicaPair } from './testing/replica-pair.ts'

// What a send to a SYNC_MASTER is answered, with a slave, without one, and with one that does not answer.

const SEED = Number(process.env['APOGEE_SEED'] ?? 60_100)
const SYNC = { brokerRole: 'SYNC_MASTER' } as const

async function timed(
  pair: ReplicaPair,
  send: () => Promise<Response>,
): Promise<[number, Response]> {
  const startedMs = pair.nowMs
  const answer = await send()
  return [pair.nowMs - startedMs, answer]
}

test('with a slave in sync SEND_OK means that the slave has the same record at the same place', async () => {
  const pair = await new ReplicaPair(SEED, SYNC).start()
  const { master, slave } = pair
  for (let i = 0; i < 20; i++) {
    const sent = await pair.send(`m${i}`)
    equal(sent.code, ResponseCode.SUCCESS, sent.remark ?? '')
    equal(sent.fields.get('queueOffset'), String(i))
    const { appended } = master.services.store.watermarks
    ok(slave.services.store.watermarks.written >= appended, `message ${i}`)
  }
  await pair.untilSame()
  const [here, there] = [await pair.pull(master, 0), await pair.pull(slave, 0)]
  equal(messagesOf(here).length, 20)
  deepEqual(there.body, here.body)
  await pair.stop()
})

test('without a slave a send is SLAVE_NOT_AVAILABLE at once, stored here and seen by consumers', async () => {
  const pair = new ReplicaPair(SEED + 1, SYNC)
  await pair.startMaster()
  const [tookMs, answer] = await timed(pair, () => pair.send('alone'))
  equal(answer.code, ResponseCode.SLAVE_NOT_AVAILABLE)
  match(answer.remark ?? '', /^stored here only/)
  equal(answer.fields.get('queueOffset'), '0')
  equal(answer.fields.get('msgId')?.length, 32)
  ok(tookMs < 100, String(tookMs))
  equal(pair.master.services.stats.putFailed, 0)
  deepEqual(textsOf(await pair.pull(pair.master, 0)), ['alone'])
  const untold = await pair.send('untold', { properties: properties(['WAIT', 'false']) })
  equal(untold.code, ResponseCode.SUCCESS)
  await pair.master.stop()
})

test('a slave that says nothing makes sends FLUSH_SLAVE_TIMEOUT, then it does not count, until it is back', async () => {
  const pair = new ReplicaPair(SEED + 2, { ...SYNC, slaveTimeout: 1000 })
  const inSync: unknown[] = []
  const take = (fields: object): void => {
    const { event, inSyncReplicas } = fields as Record<string, unknown>
    if (event === 'ha_in_sync') inSync.push(inSyncReplicas)
  }
  pair.cluster.log = { ...pair.cluster.log, info: take, warn: take }
  await pair.start()
  equal((await pair.send('before')).code, ResponseCode.SUCCESS)
  pair.cut()
  const [tookMs, late] = await timed(pair, () => pair.send('late'))
  equal(late.code, ResponseCode.FLUSH_SLAVE_TIMEOUT)
  match(late.remark ?? '', /within slaveTimeout/)
  equal(late.fields.get('queueOffset'), '1')
  ok(tookMs >= 1000 && tookMs < 1500, String(tookMs))
  deepEqual(textsOf(await pair.pull(pair.master, 0)), ['before', 'late'])

  const [soon, refused] = await timed(pair, () => pair.send('alone'))
  equal(refused.code, ResponseCode.SLAVE_NOT_AVAILABLE)
  ok(soon < 100, String(soon))
  const [untoldMs, untold] = await timed(pair, () =>
    pair.send('untold', { properties: properties(['WAIT', 'false']) }),
  )
  equal(untold.code, ResponseCode.SUCCESS)
  ok(untoldMs < 100, String(untoldMs))

  pair.heal()
  await pair.untilInSync()
  equal((await pair.send('after')).code, ResponseCode.SUCCESS)
  await pair.untilSame()
  deepEqual(textsOf(await pair.pull(pair.slave, 0)), ['before', 'late', 'alone', 'untold', 'after'])
  deepEqual(inSync, [2, 1, 2])
  equal(pair.master.services.stats.putFailed, 0)
  await pair.stop()
})

test('who waits when the slave goes away does not wait for the time-out', async () => {
  const pair = await new ReplicaPair(SEED + 3, { ...SYNC, slaveTimeout: 30_000 }).start()
  const { disk } = pair.cluster.world.host('10.0.0.2')
  disk.faults.failWhen(({ kind }) => kind === 'write', { stallMs: 60_000 })
  const startedMs = pair.nowMs
  const waiting = pair.send('x')
  await pair.cluster.pass(200)
  pair.slave.kill()
  equal((await waiting).code, ResponseCode.SLAVE_NOT_AVAILABLE)
  ok(pair.nowMs - startedMs < 1000)
  await pair.master.stop()
})

test('with inSyncReplicas=1 nobody waits for slaves', async () => {
  const pair = new ReplicaPair(SEED + 4, { ...SYNC, inSyncReplicas: 1 })
  await pair.startMaster()
  equal((await pair.send('x')).code, ResponseCode.SUCCESS)
  await pair.master.stop()
})

test('minInSyncReplicas refuses every kind of message before it is stored', async () => {
  const pair = new ReplicaPair(SEED + 5, { ...SYNC, minInSyncReplicas: 2 })
  await pair.startMaster()
  const { cluster, master } = pair
  const before = master.services.store.maxPhysicalOffset
  const fields = sendFields(sendHeader(), RequestCode.SEND_MESSAGE_V2)
  const plain = sendFields(sendHeader(), RequestCode.SEND_MESSAGE)
  const back = encodeHeader(ConsumerSendMsgBackRequestHeader, {
    group: 'g',
    offset: 0,
    delayLevel: 0,
  } as never)
  const end = encodeHeader(EndTransactionRequestHeader, {
    producerGroup: 'p',
    tranStateTableOffset: 0,
    commitLogOffset: 0,
    commitOrRollback: 8,
    fromTransactionCheck: false,
    msgId: 'x',
  } as never)
  const requests: [number, ReadonlyMap<string, string>][] = [
    [RequestCode.SEND_MESSAGE, plain],
    [RequestCode.SEND_MESSAGE_V2, fields],
    [RequestCode.SEND_BATCH_MESSAGE, fields],
    [RequestCode.CONSUMER_SEND_MSG_BACK, back],
    [RequestCode.SEND_REPLY_MESSAGE, plain],
    [RequestCode.SEND_REPLY_MESSAGE_V2, fields],
    [RequestCode.END_TRANSACTION, end],
  ]
  for (const [code, ext] of requests) {
    const request = { code, fields: new Map(ext), body: Buffer.from('x') }
    const answer = await cluster.settle(cluster.client.invoke(master.address, request, 5000))
    equal(answer.code, ResponseCode.SYSTEM_ERROR, `${code}`)
    match(answer.remark ?? '', /^in-sync replicas not enough: 1 of minInSyncReplicas=2$/)
  }
  equal(master.services.store.maxPhysicalOffset, before)
  await pair.slave.start()
  await pair.untilInSync()
  equal((await pair.send('x')).code, ResponseCode.SUCCESS)
  // It may be lowered while the broker runs.
  pair.slave.kill()
  await cluster.until(() => master.services.ha.master!.inSyncReplicas === 1)
  equal((await pair.send('x')).code, ResponseCode.SYSTEM_ERROR)
  master.broker!.config.update(new Map([['minInSyncReplicas', '1']]))
  equal((await pair.send('x')).code, ResponseCode.SLAVE_NOT_AVAILABLE)
  await master.stop()
})

test('a failed message goes back, a delayed one is delivered, with no slave to confirm either', async () => {
  const pair = new ReplicaPair(SEED + 6, SYNC)
  await pair.startMaster()
  const { cluster, master } = pair
  const sent = await pair.send('soon', { properties: properties(['DELAY', '1']) })
  equal(sent.code, ResponseCode.SLAVE_NOT_AVAILABLE)
  await cluster.pass(1500)
  const [delivered] = messagesOf(await pair.pull(master, 0))
  ok(delivered !== undefined)
  const answer = await cluster.call(
    master.address,
    RequestCode.CONSUMER_SEND_MSG_BACK,
    ConsumerSendMsgBackRequestHeader,
    {
      group: 'g',
      offset: delivered.physicalOffset,
      delayLevel: 0,
      originMsgId: null,
      originTopic: 'orders',
      unitMode: false,
      maxReconsumeTimes: 16,
    } as never,
  )
  equal(answer.code, ResponseCode.SUCCESS, answer.remark ?? '')
  // One copy, not one per try.
  await cluster.pass(5000)
  equal(messagesOf(await pair.pull(master, 0)).length, 1)
  await master.stop()
})

test('a planned stop answers what is in flight, once the slave has it', async () => {
  const pair = await new ReplicaPair(SEED + 7, SYNC).start()
  const { cluster, master, slave } = pair
  pair.cut()
  const code = RequestCode.SEND_MESSAGE_V2
  const request = { code, fields: sendFields(sendHeader(), code), body: Buffer.from('x') }
  const sends = Array.from({ length: 10 }, () =>
    cluster.client.invoke(master.address, request, 10_000),
  )
  await cluster.pass(20)
  const stopped = master.broker!.stop(5000)
  await cluster.pass(1500)
  equal(slave.services.store.maxOffset('orders', 0), 0)
  pair.heal()
  await cluster.settle(stopped)
  const answers = await cluster.settle(Promise.all(sends))
  deepEqual(new Set(answers.map((answer) => answer.code)), new Set([ResponseCode.SUCCESS]))
  equal(slave.services.store.maxOffset('orders', 0), 10)
  await slave.stop()
})

test('a planned stop of an asynchronous master leaves the slave with everything', async () => {
  const pair = await new ReplicaPair(SEED + 8, { drainLingerMillis: 0 }).start()
  const { cluster, master, slave } = pair
  pair.cut()
  for (let i = 0; i < 10; i++) equal((await pair.send(`m${i}`)).code, ResponseCode.SUCCESS)
  const stopped = master.broker!.stop(5000)
  await cluster.pass(1000)
  pair.heal()
  await cluster.settle(stopped)
  await cluster.pass(100)
  equal(slave.services.store.maxOffset('orders', 0), 10)
  await slave.stop()
})

test('a planned stop waits no longer than its grace for a slave that does not answer', async () => {
  const pair = await new ReplicaPair(SEED + 9, { drainLingerMillis: 0 }).start()
  const { master, slave } = pair
  pair.cut()
  await pair.send('x')
  const startedMs = pair.nowMs
  await master.stop()
  ok(pair.nowMs - startedMs < 5500, String(pair.nowMs - startedMs))
  pair.heal()
  await slave.stop()
})
