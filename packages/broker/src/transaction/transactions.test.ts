import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConsumerSendMsgBackRequestHeader,
  formatOffsetMsgId,
  MessageConst,
  MessageSysFlag,
  RequestCode,
  ResponseCode,
  ResumeCheckHalfMessageRequestHeader,
  SystemTopic,
} from '@apogee/protocol'
import {
  allOf,
  progressOf,
  TestTransactionProducer,
  transactionScene,
} from '../testing/transactions.ts'

const SEED = 520
const ROUND_MS = 30_000

test('nobody sees a prepared message before its commit, and then as it was sent', async () => {
  const { metric, producer, texts, world } = await transactionScene(SEED)
  const prepared = await producer.prepared('pay', 'one', [
    ['TAGS', 'a'],
    ['k', 'v'],
  ])
  await world.pass(100)
  deepEqual(await texts('pay'), [])
  equal(await metric('rocketmq_half_messages', 'pay'), 1)
  equal((await producer.end(prepared, 'commit')).code, ResponseCode.SUCCESS)
  const [message] = await allOf(world, producer.client, 'pay')
  equal(Buffer.from(message!.body).toString(), 'one')
  equal(message!.sysFlag & MessageSysFlag.TRANSACTION_MASK, MessageSysFlag.TRANSACTION_COMMIT)
  equal(message!.preparedTransactionOffset, prepared.physicalOffset)
  const kept = ['TAGS', 'k', 'UNIQ_KEY', 'PGROUP', 'TRAN_MSG', '__transactionId__']
  deepEqual(
    kept.map((name) => message!.properties.get(name)),
    ['a', 'v', 'one', 'tp', 'true', 'one'],
  )
  equal(message!.bornHost.address, '10.0.0.2')
  equal(await metric('rocketmq_half_messages', 'pay'), 0)
  equal(await metric('rocketmq_commit_messages_total', 'pay'), 1)
  equal(await metric('rocketmq_finish_message_latency_milliseconds_count', 'pay'), 1)
})

test('the half message and the op message stand on disk as Apache writes them', async () => {
  const { producer, world } = await transactionScene(SEED)
  const first = await producer.prepared('pay', 'one')
  const second = await producer.prepared('pay', 'two')
  await producer.end(second, 'rollback')
  await producer.end(first, 'commit')
  await world.pass(2900)
  deepEqual(await allOf(world, producer.client, SystemTopic.TRANS_OP_HALF), [])
  await world.pass(200)
  const [half] = await allOf(world, producer.client, SystemTopic.TRANS_HALF)
  equal(half!.sysFlag & MessageSysFlag.TRANSACTION_MASK, 0)
  equal(half!.queueId, 0)
  const names = ['REAL_TOPIC', 'REAL_QID', 'TRAN_MSG', 'PGROUP', 'UNIQ_KEY', '__transactionId__']
  deepEqual(
    names.map((name) => half!.properties.get(name)),
    ['pay', '0', 'true', 'tp', 'one', 'one'],
  )
  const ops = await allOf(world, producer.client, SystemTopic.TRANS_OP_HALF)
  equal(ops.length, 1)
  equal(ops[0]!.properties.get(MessageConst.TAGS), 'd')
  equal(Buffer.from(ops[0]!.body).toString(), '1,0,')
})

test('a rolled back message is never seen, and nobody is asked about it', async () => {
  const { metric, producer, texts, world } = await transactionScene(SEED)
  await producer.end(await producer.prepared('pay', 'one'), 'rollback')
  await world.pass(3 * ROUND_MS)
  deepEqual(await texts('pay'), [])
  deepEqual(producer.checks, [])
  deepEqual(progressOf(world), { half: 1, op: 1 })
  equal(await metric('rocketmq_rollback_messages_total', 'pay'), 1)
})

test('the first decision stands: a repeated commit is not stored again, a later rollback undoes nothing', async () => {
  const { producer, texts } = await transactionScene(SEED)
  const one = await producer.prepared('pay', 'one')
  const two = await producer.prepared('pay', 'two')
  const answers = await Promise.all([producer.end(one, 'commit'), producer.end(one, 'commit')])
  deepEqual(
    answers.map(({ code }) => code),
    [ResponseCode.SUCCESS, ResponseCode.SUCCESS],
  )
  await producer.end(one, 'rollback')
  await producer.end(two, 'rollback')
  await producer.end(two, 'commit')
  deepEqual(await texts('pay'), ['one'])
})

test('whoever does not know yet is asked, with the places of a newer copy, until it knows', async () => {
  const { metric, producer, texts, world } = await transactionScene(SEED)
  const prepared = await producer.prepared('pay', 'one')
  equal((await producer.end(prepared, 'unknown')).code, ResponseCode.SUCCESS)
  await world.pass(ROUND_MS + 100)
  equal(producer.checks.length, 1)
  const [check] = producer.checks
  equal(check!.id, 'one')
  ok(check!.offset > prepared.offset && check!.physicalOffset > prepared.physicalOffset)
  equal(check!.message.topic, 'pay')
  equal(Buffer.from(check!.message.body).toString(), 'one')
  equal(check!.message.properties.get('TRANSACTION_CHECK_TIMES'), '1')
  equal(
    check!.header.offsetMsgId,
    formatOffsetMsgId({ address: '10.0.0.1', port: 10911 }, check!.physicalOffset),
  )
  await world.pass(ROUND_MS)
  equal(producer.checks.length, 2)
  // The answer to the first question, late: it ends the newest copy as well.
  await producer.end(producer.checks[0]!, 'commit', { fromTransactionCheck: true })
  await producer.end(producer.checks[1]!, 'commit', { fromTransactionCheck: true })
  await world.pass(2 * ROUND_MS)
  equal(producer.checks.length, 2)
  deepEqual(await texts('pay'), ['one'])
  deepEqual(progressOf(world), { half: 3, op: 1 })
  // First copy, the one asked about, and the newest: after a crash none of them is undecided.
  const [op] = await allOf(world, producer.client, SystemTopic.TRANS_OP_HALF)
  equal(Buffer.from(op!.body).toString(), '0,1,2,')
  equal(await metric('apogee_transaction_checks_total'), 2)
})

test('an end that gets lost is asked for after the time-out, not before', async () => {
  const { producer, texts, world } = await transactionScene(SEED, {
    transactionCheckInterval: 1000,
  })
  await producer.prepared('pay', 'one')
  await world.pass(6000)
  equal(producer.checks.length, 0)
  producer.onCheck = (check) => {
    void producer.client.oneway(world.address, {
      code: RequestCode.END_TRANSACTION,
      fields: new Map(
        Object.entries(producer.endFields(check, 'commit', { fromTransactionCheck: true }))
          .filter(([, value]) => value !== null)
          .map(([name, value]) => [name, String(value)]),
      ),
    })
  }
  await world.pass(2500)
  equal(producer.checks.length, 1)
  deepEqual(await texts('pay'), ['one'])
})

test('a message with a time of its own is left alone for it, and cannot be ended after it unasked', async () => {
  const { producer, world } = await transactionScene(SEED)
  const property: [string, string] = [MessageConst.CHECK_IMMUNITY_TIME_IN_SECONDS, '70']
  const prepared = await producer.prepared('pay', 'one', [property])
  await producer.prepared('pay', 'two')
  await world.pass(2 * ROUND_MS + 100)
  deepEqual(
    producer.checks.map(({ id }) => id),
    ['two', 'two'],
  )
  // It is not moved meanwhile: it is the first of the half queue.
  equal(progressOf(world).half, -1)
  await world.pass(ROUND_MS)
  ok(producer.checks.some(({ id }) => id === 'one'))
  equal((await producer.end(prepared, 'commit')).code, ResponseCode.ILLEGAL_OPERATION)
  const check = producer.checks.find(({ id }) => id === 'one')!
  equal((await producer.end(check, 'commit', { fromTransactionCheck: true })).code, 0)
})

test('after transactionCheckMax questions the message is kept for the operator, who can have it asked again', async () => {
  const { metric, producer, texts, world } = await transactionScene(SEED, {
    transactionCheckMax: 2,
  })
  await producer.prepared('pay', 'one')
  await world.pass(5 * ROUND_MS)
  equal(producer.checks.length, 2)
  const [kept] = await allOf(world, producer.client, SystemTopic.TRANS_CHECK_MAX_TIME)
  equal(kept!.properties.get('REAL_TOPIC'), 'pay')
  equal(await metric('apogee_transactions_given_up_total'), 1)
  equal(await metric('rocketmq_half_messages', 'pay'), 0)
  equal(progressOf(world).half, 3)

  const resume = (msgId: string): ReturnType<typeof world.call> => {
    const code = RequestCode.RESUME_CHECK_HALF_MESSAGE
    const header = { topic: SystemTopic.TRANS_CHECK_MAX_TIME, msgId }
    return world.call(producer.client, code, ResumeCheckHalfMessageRequestHeader, header)
  }
  equal((await resume('nonsense')).code, ResponseCode.SYSTEM_ERROR)
  equal((await resume(formatOffsetMsgId(kept!.storeHost, 0x7fff))).code, ResponseCode.SYSTEM_ERROR)
  const id = formatOffsetMsgId(kept!.storeHost, kept!.physicalOffset)
  equal((await resume(id)).code, ResponseCode.SUCCESS)
  await producer.beat()
  await world.pass(ROUND_MS + 100)
  const check = producer.checks[2]!
  equal(check.message.properties.get('TRANSACTION_CHECK_TIMES'), '1')
  await producer.end(check, 'commit', { fromTransactionCheck: true })
  deepEqual(await texts('pay'), ['one'])
})

test('a question that reaches nobody is not counted: the producer comes back and is asked', async () => {
  const { producer, texts, world } = await transactionScene(SEED, { transactionCheckMax: 2 })
  await producer.prepared('pay', 'one')
  await world.settle(producer.client.close())
  await world.pass(6 * ROUND_MS)
  deepEqual(await allOf(world, world.client('10.0.0.4'), SystemTopic.TRANS_CHECK_MAX_TIME), [])
  const back = new TestTransactionProducer(world, '10.0.0.5')
  await back.beat('tp@2')
  await world.pass(ROUND_MS + 100)
  equal(back.checks.length, 1)
  await back.end(back.checks[0]!, 'commit', { fromTransactionCheck: true })
  deepEqual(await texts('pay'), ['one'])
})

test('a half message older than the log is kept is given up, and stands in the topic for that', async () => {
  const { producer, world } = await transactionScene(SEED, {
    fileReservedTime: 1,
    transactionCheckMax: 1000,
  })
  await producer.prepared('pay', 'one')
  world.host.jumpWall(2 * 3_600_000)
  await world.pass(ROUND_MS + 100)
  equal((await allOf(world, producer.client, SystemTopic.TRANS_CHECK_MAX_TIME)).length, 1)
  deepEqual(producer.checks, [])
})

test('an end that does not mean the message is refused, and ends nothing', async () => {
  const { producer, texts, world } = await transactionScene(SEED)
  const one = await producer.prepared('pay', 'one')
  await world.send(producer.client, 'plain', 'x')
  const cases: [Parameters<typeof producer.end>, RegExp][] = [
    [[one, 'commit', { producerGroup: 'other' }], /group wrong/],
    [[one, 'commit', { tranStateTableOffset: 7 }], /state table offset wrong/],
    [[one, 'commit', { commitLogOffset: 5 }], /Find prepared/],
    [[one, 'commit', { commitLogOffset: -5 }], /Find prepared/],
    [[one, 'commit', { commitLogOffset: 1e12 }], /Find prepared/],
    [[one, 'rollback', { msgId: 'x', transactionId: 'x' }], /transaction id wrong/],
  ]
  for (const [end, remark] of cases) {
    const answer = await producer.end(...end)
    equal(answer.code, ResponseCode.SYSTEM_ERROR)
    match(answer.remark ?? '', remark)
  }
  deepEqual(await texts('pay'), [])
  equal((await producer.end(one, 'commit')).code, ResponseCode.SUCCESS)
})

test('a delay counts from the commit', async () => {
  const { producer, texts, world } = await transactionScene(SEED)
  const one = await producer.prepared('pay', 'one', [['DELAY', '3']])
  await world.pass(20_000)
  await producer.end(one, 'commit')
  await world.pass(9000)
  deepEqual(await texts('pay'), [])
  await world.pass(2000)
  deepEqual(await texts('pay'), ['one'])
})

test('a consumer cannot send a half message back, and so into its retry topic', async () => {
  const { producer, texts, world } = await transactionScene(SEED)
  const prepared = await producer.prepared('pay', 'one')
  await world.heartbeat(producer.client, 'c1', 'g', 'pay')
  const header = {
    offset: prepared.physicalOffset,
    group: 'g',
    delayLevel: 1,
    maxReconsumeTimes: 16,
  }
  const answer = await world.call(
    producer.client,
    RequestCode.CONSUMER_SEND_MSG_BACK,
    ConsumerSendMsgBackRequestHeader,
    header,
  )
  equal(answer.code, ResponseCode.SYSTEM_ERROR)
  await world.pass(2000)
  deepEqual(await texts('%RETRY%g'), [])
})

test('a committed message that fails comes again through the retry topic, and dies where it should', async () => {
  const { producer, texts, world } = await transactionScene(SEED)
  await producer.end(await producer.prepared('pay', 'one'), 'commit')
  await world.heartbeat(producer.client, 'c1', 'g', 'pay')
  const [message] = await allOf(world, producer.client, 'pay')
  const sendBack = async (delayLevel: number): Promise<void> => {
    const header = {
      offset: message!.physicalOffset,
      group: 'g',
      delayLevel,
      maxReconsumeTimes: 16,
    }
    const code = RequestCode.CONSUMER_SEND_MSG_BACK
    await world.call(producer.client, code, ConsumerSendMsgBackRequestHeader, header)
  }
  await sendBack(1)
  await world.pass(2000)
  deepEqual(await texts('%RETRY%g'), ['one'])
  await sendBack(-1)
  deepEqual(await texts('%DLQ%g'), ['one'])
})
