import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { MessageConst, ResponseCode, SystemTopic } from '@apogee/protocol'
import type { BrokerWorld } from '../testing/broker-world.ts'
import { textsOf } from '../testing/requests.ts'
import { allOf, progressOf, transactionScene } from '../testing/transactions.ts'

const SEED = 520
const ROUND_MS = 30_000

const isLogWrite = ({ kind, path }: { kind: string; path: string }): boolean =>
  kind === 'write' && path.includes('/commitlog/')

test('a commit for a topic that was deleted is refused; the message is given up in time', async () => {
  const { producer, world } = await transactionScene(SEED, { transactionCheckMax: 1 })
  const one = await producer.prepared('pay', 'one')
  const { deleted, store, topics } = world.broker!.services!
  topics.delete(['pay'])
  deleted.add('pay', store.maxPhysicalOffset)
  equal((await producer.end(one, 'commit')).code, ResponseCode.TOPIC_NOT_EXIST)
  await world.pass(3 * ROUND_MS)
  equal((await allOf(world, producer.client, SystemTopic.TRANS_CHECK_MAX_TIME)).length, 1)
})

test('refused when the operator says so, or when its properties leave no room', async () => {
  const { producer, world } = await transactionScene(SEED)
  const tooLong = await producer.prepare('pay', 'one', [['k', 'v'.repeat(32_600)]])
  equal('code' in tooLong && tooLong.code, ResponseCode.MESSAGE_ILLEGAL)
  const values = new Map([['rejectTransactionMessage', 'true']])
  deepEqual(world.broker!.config.update(values), [])
  const refused = await producer.prepare('pay', 'one')
  equal('code' in refused && refused.code, ResponseCode.NO_PERMISSION)
  match(('code' in refused && refused.remark) || '', /sending transaction message is forbidden$/)
})

test('a clean stop writes decisions and progress: after a start nobody is asked, and nothing comes twice', async () => {
  const { producer, texts, world } = await transactionScene(SEED)
  const one = await producer.prepared('pay', 'one')
  await producer.prepared('pay', 'two')
  await producer.end(one, 'commit')
  await world.stop()
  await world.start()
  deepEqual(textsOf(await world.pull(producer.client, 'g', SystemTopic.TRANS_OP_HALF)).join(), '0,')
  await producer.end(one, 'commit')
  await producer.beat()
  await world.pass(ROUND_MS + 100)
  deepEqual(
    producer.checks.map(({ id }) => id),
    ['two'],
  )
  deepEqual(await texts('pay'), ['one'])
})

test('more undecided messages than memory holds: all are asked about in the end', async () => {
  const { producer, texts, world } = await transactionScene(SEED, { transactionsPendingMax: 16 })
  const property: [string, string] = [MessageConst.CHECK_IMMUNITY_TIME_IN_SECONDS, '3600']
  for (let i = 0; i < 20; i++) await producer.prepared('pay', `slow${i}`, [property])
  await producer.prepared('pay', 'quick')
  await world.pass(3 * ROUND_MS)
  ok(producer.checks.every(({ id }) => id === 'quick'))
  ok(producer.checks.length > 0)
  await producer.end(producer.checks[0]!, 'commit', { fromTransactionCheck: true })
  deepEqual(await texts('pay'), ['quick'])
})

test('decisions go out as soon as they fill an op message', async () => {
  const { producer, world } = await transactionScene(SEED, { transactionOpMsgMaxSize: 32 })
  for (let i = 0; i < 20; i++) await producer.end(await producer.prepared('pay', `${i}`), 'commit')
  await world.pass(10)
  const before = await allOf(world, producer.client, SystemTopic.TRANS_OP_HALF)
  equal(before.length, 1)
  equal(Buffer.from(before[0]!.body).toString(), '0,1,2,3,4,5,6,7,8,9,10,11,12,13,')
})

test('on a full disk a commit is refused and nothing decided; it is asked for when there is space', async () => {
  const { producer, texts, world } = await transactionScene(SEED)
  const one = await producer.prepared('pay', 'one')
  const two = await producer.prepared('pay', 'two')
  await producer.end(two, 'rollback')
  world.host.disk.faults.failWhen(isLogWrite, { code: 'ENOSPC' })
  equal((await producer.end(one, 'commit')).code, ResponseCode.SERVICE_NOT_AVAILABLE)
  await world.pass(ROUND_MS + 1000)
  deepEqual(producer.checks, [])
  world.host.disk.faults.clear()
  await producer.beat()
  await world.pass(ROUND_MS + 1000)
  deepEqual(
    producer.checks.map(({ id }) => id),
    ['one'],
  )
  await producer.end(producer.checks[0]!, 'commit', { fromTransactionCheck: true })
  deepEqual(await texts('pay'), ['one'])
  await world.pass(5000)
  // The rollback, which the full disk refused at first, is written as well.
  const ops = await allOf(world, producer.client, SystemTopic.TRANS_OP_HALF)
  ok(ops.some(({ body }) => Buffer.from(body).toString().split(',').includes('1')))
})

test('under SYNC_FLUSH a commit is answered when the message is on disk', async () => {
  const { producer, world } = await transactionScene(SEED, { flushDiskType: 'SYNC_FLUSH' })
  const one = await producer.prepared('pay', 'one')
  world.host.disk.faults.failWhen(({ kind }) => kind === 'sync', { stallMs: 500 })
  const startedMs = world.world.clock.wallMs()
  equal((await producer.end(one, 'commit')).code, ResponseCode.SUCCESS)
  ok(world.world.clock.wallMs() - startedMs >= 500)
  world.host.disk.faults.clear()
})

test('a read that fails ends the round, and the next one goes on', async () => {
  const { producer, world } = await transactionScene(SEED)
  for (let i = 0; i < 3; i++) await producer.prepared('pay', `${i}`)
  const { store } = world.broker!.services!
  const readRecord = store.readRecord.bind(store)
  // First what is undecided cannot be read, then it is known and cannot be read again.
  for (const readsLeft of [0, 3]) {
    let left = readsLeft
    store.readRecord = (offset) => {
      return left-- > 0 ? readRecord(offset) : Promise.reject(new Error('EIO'))
    }
    await producer.beat()
    await world.pass(ROUND_MS)
    deepEqual(producer.checks, [])
  }
  store.readRecord = readRecord
  await producer.beat()
  await world.pass(ROUND_MS + 100)
  equal(new Set(producer.checks.map(({ id }) => id)).size, 3)
})

test('with no transaction open there is no timer', async () => {
  const { producer, world } = await transactionScene(SEED)
  await producer.end(await producer.prepared('pay', 'one'), 'commit')
  await world.pass(3 * ROUND_MS)
  deepEqual(progressOf(world), { half: 1, op: 1 })
  equal(
    (world.broker!.services!.transactions as unknown as { checks: { timer: unknown } }).checks
      .timer,
    null,
  )
})

test('a kill that takes a decision: the committed message is found, and its producer not asked', async () => {
  for (const messageIndexEnable of [true, false]) {
    const { producer, texts, world } = await transactionScene(SEED, { messageIndexEnable })
    const plain = await producer.prepared('pay', 'one')
    await producer.prepared('pay', 'two')
    const delayed = await producer.prepared('pay', 'late', [['DELAY', '1']])
    await producer.end(plain, 'commit')
    await producer.end(delayed, 'commit')
    world.host.kill()
    await world.pass(10)
    await world.start()
    await producer.beat()
    await world.pass(ROUND_MS + 100)
    const asked = producer.checks.map(({ id }) => id)
    deepEqual(asked, messageIndexEnable ? ['two'] : ['one', 'two', 'late'])
    if (!messageIndexEnable) continue
    // An end that comes again is known as well, and so is one that says something else.
    equal((await producer.end(plain, 'commit')).code, ResponseCode.SUCCESS)
    await producer.end(delayed, 'rollback')
    deepEqual((await texts('pay')).toSorted(), ['late', 'one'])
  }
})

test('an end that comes again before the first round after a kill stores nothing twice', async () => {
  const { producer, texts, world } = await transactionScene(SEED)
  const one = await producer.prepared('pay', 'one')
  await producer.end(one, 'commit')
  world.host.kill()
  await world.pass(10)
  await world.start()
  equal((await producer.end(one, 'commit')).code, ResponseCode.SUCCESS)
  deepEqual(await texts('pay'), ['one'])
  await world.pass(ROUND_MS + 5000)
  deepEqual(producer.checks, [])
})

/** Appends a record as Apache's broker writes it: properties in the order of its hash map. */
function appendAsApache(world: BrokerWorld, topic: string, body: string, properties: string): void {
  const { clock } = world.world
  const { store } = world.broker!.services!
  const bytes = Buffer.from(body)
  const text = Buffer.from(properties.replaceAll('=', '\u0001').replaceAll(';', '\u0002'))
  Object.assign(store.draft, {
    topic,
    topicBytes: Buffer.from(topic),
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: clock.wallMs(),
    bornHost: new Uint8Array([10, 0, 0, 2]),
    bornPort: 50_000,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: bytes,
    bodyStart: 0,
    bodyEnd: bytes.length,
    properties: text,
    propertiesStart: 0,
    propertiesEnd: text.length,
    waitStore: false,
  })
  equal(store.append(null, 0), 0)
}

test("a store that Apache's broker left is taken over where it stood", async () => {
  const { producer, texts, world } = await transactionScene(SEED)
  for (const id of ['passed', 'rolled', 'open', 'older', 'asked']) {
    const times = id === 'asked' ? 'TRANSACTION_CHECK_TIMES=4;' : ''
    appendAsApache(
      world,
      SystemTopic.TRANS_HALF,
      id,
      `REAL_TOPIC=pay;TRAN_MSG=true;${times}UNIQ_KEY=${id};CLUSTER=DefaultCluster;WAIT=false;PGROUP=tp;__transactionId__=${id};REAL_QID=1;`,
    )
  }
  // One op message of 5.x for several, and one of 4.x for one.
  appendAsApache(world, SystemTopic.TRANS_OP_HALF, '0,1,', 'TAGS=d;')
  appendAsApache(world, SystemTopic.TRANS_OP_HALF, '3', 'TAGS=d;')
  await world.pass(100)
  const { offsets } = world.broker!.services!
  offsets.commitOffset('CID_RMQ_SYS_TRANS', SystemTopic.TRANS_HALF, 0, 1)
  offsets.commitOffset('CID_RMQ_SYS_TRANS', SystemTopic.TRANS_OP_HALF, 0, 0)
  await world.stop()
  await world.start()
  await producer.beat()
  await world.pass(ROUND_MS + 100)
  deepEqual(
    producer.checks.map(({ id, message }) => [
      id,
      message.properties.get('TRANSACTION_CHECK_TIMES'),
    ]),
    [
      ['open', '1'],
      ['asked', '5'],
    ],
  )
  for (const check of producer.checks) {
    await producer.end(check, 'commit', { fromTransactionCheck: true })
  }
  deepEqual(await texts('pay', 1), ['open', 'asked'])
  await world.pass(2 * ROUND_MS)
  deepEqual(progressOf(world), { half: 7, op: 3 })
})
