// What fails, and with which code.
import assert from 'node:assert/strict'
import { RocketMQError } from '@apogee/client'
import { codes, createGroup } from '../../harness/raw-client.ts'
import { type Behaviour, type BehaviourContext, Inbox, until } from './scenario.ts'

async function errorOf(work: Promise<unknown>): Promise<RocketMQError> {
  try {
    await work
  } catch (error) {
    assert.ok(error instanceof RocketMQError, String(error))
    return error
  }
  throw new assert.AssertionError({ message: 'it succeeded' })
}

async function unknownTopic(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  const producer = await mq.producer({ group, createTopics: false })
  const error = await errorOf(producer.send({ topic, body: 'x' }))
  assert.equal(error.code, 'RMQ_TOPIC_NOT_FOUND')
  // Its topic may come yet: a consumer waits for it.
  const inbox = new Inbox()
  const early = context.client({ pollNameServerIntervalMs: 1000 })
  const subscriptions = { [topic]: '*' }
  const consumer = await early.consumer({ group, subscriptions, from: 'first' })
  await consumer.run(inbox.take)
  await context.createTopic(1)
  await context.send('at last')
  await inbox.exactly(1)
}

/** UPDATE_AND_CREATE_TOPIC with another permission: 4 reads, 2 writes. */
async function permit(context: BehaviourContext, perm: number): Promise<void> {
  const { topic } = context
  const queues = { readQueueNums: 2, writeQueueNums: 2 }
  const rest = { topicFilterType: 'SINGLE_TAG', topicSysFlag: 0, order: false }
  const fields = { topic, defaultTopic: 'TBW102', ...queues, perm, ...rest }
  await context.admin(codes.createTopic, fields)
}

async function notWritable(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(2)
  await permit(context, 4)
  // Topics say in their route that they are not to be written to; brokers do not look again.
  const producer = await mq.producer({ group })
  const error = await errorOf(producer.send({ topic, body: 'refused' }))
  assert.equal(error.code, 'RMQ_SEND_FAILED')
  for (const attempt of error.attempts) assert.equal(attempt.code, 'RMQ_NO_QUEUE')
  await permit(context, 6)
  const again = await context.client().producer({ group })
  await again.send({ topic, body: 'allowed again' })
  assert.equal((await context.readAll(1)).length, 1)
}

async function systemTopic(context: BehaviourContext): Promise<void> {
  const producer = await context.mq.producer({ group: context.group })
  const error = await errorOf(producer.send({ topic: 'SCHEDULE_TOPIC_XXXX', body: 'x' }))
  assert.equal(error.code, 'RMQ_INVALID_ARGUMENT')
}

async function noSuchQueue(context: BehaviourContext): Promise<void> {
  const { mq, topic, group, target } = context
  await context.createTopic(2)
  const producer = await mq.producer({ group })
  const queue = { topic, brokerName: target.brokerName, queueId: 99 }
  const error = await errorOf(producer.send({ topic, body: 'x' }, { queue }))
  assert.equal(error.code, 'RMQ_SEND_FAILED')
  for (const attempt of error.attempts) assert.equal(attempt.code, 'RMQ_NO_QUEUE')
}

async function groupNotEnabled(context: BehaviourContext): Promise<void> {
  const { mq, topic, group, target } = context
  await context.createTopic(1)
  await context.send('stored')
  await createGroup(target.brokerAddr, group, false)
  const inbox = new Inbox()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run(inbox.take)
  await inbox.exactly(0, 1500)
  await createGroup(target.brokerAddr, group, true)
  await inbox.exactly(1)
}

async function notReadable(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(2)
  await permit(context, 2)
  const inbox = new Inbox()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run(inbox.take)
  await context.send('stored')
  await inbox.exactly(0, 1500)
  await permit(context, 6)
  // It learns of the new permission by itself, at the latest by the next polls of the route.
  await inbox.count(1, 60_000)
}

async function tooLarge(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const body = Buffer.alloc((4 << 20) + 1, 'x')
  const strict = await mq.producer({ group, compress: false })
  const early = await errorOf(strict.send({ topic, body }))
  assert.equal(early.code, 'RMQ_MESSAGE_TOO_LARGE')
  assert.equal(early.responseCode, null, 'it was not sent at all')
  const lax = await mq.producer({
    group: `${group}_lax`,
    compress: false,
    maxMessageSize: 8 << 20,
    timeoutMs: 10_000,
  })
  const late = await errorOf(lax.send({ topic, body }))
  assert.equal(late.responseCode, 13, late.message)
  await strict.send({ topic, body: body.subarray(0, (4 << 20) - 1000) })
  const [message] = await context.readAll(1)
  assert.equal(message?.body.length, (4 << 20) - 1000)
}

async function badExpression(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const bad = { type: 'SQL92', expression: 'a = = 1' } as const
  const work = async (): Promise<void> => {
    const consumer = await mq.consumer({ group, subscriptions: { [topic]: bad } })
    await consumer.run(() => {})
  }
  const error = await errorOf(work())
  assert.equal(error.code, 'RMQ_BAD_EXPRESSION')
}

async function nobodyThere(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  // Port 1 of this machine answers nobody.
  const mq = context.client({ nameservers: '127.0.0.1:1', requestTimeoutMs: 500 })
  const producer = await mq.producer({ group, timeoutMs: 1000 })
  const startedMs = Date.now()
  const error = await errorOf(producer.send({ topic, body: 'x' }))
  assert.equal(error.code, 'RMQ_NAMESERVER_UNREACHABLE')
  assert.ok(Date.now() - startedMs < 4000)
}

async function aborted(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const producer = await mq.producer({ group })
  const error = await errorOf(
    producer.send({ topic, body: 'x' }, { signal: AbortSignal.abort(new Error('mine')) }),
  )
  assert.equal(error.code, 'RMQ_ABORTED')
  await producer.close()
  const closed = await errorOf((async () => await producer.send({ topic, body: 'x' }))())
  assert.equal(closed.code, 'RMQ_CLOSED')
}

async function twoOfAGroup(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(1)
  const subscriptions = { [topic]: '*' }
  const consumer = await mq.consumer({ group, subscriptions, from: 'first' })
  const inbox = new Inbox()
  await consumer.run(inbox.take)
  const error = await errorOf(
    (async () => {
      const second = await mq.consumer({ group, subscriptions, from: 'first' })
      await second.run(inbox.take)
    })(),
  )
  assert.equal(error.code, 'RMQ_INVALID_ARGUMENT')
  await context.send('one')
  await until(() => inbox.messages.length === 1, 'message of the first consumer')
}

export const refusals: readonly Behaviour[] = [
  { name: 'a topic that nobody knows, and a consumer that waits for it', run: unknownTopic },
  { name: 'a topic that may not be written to', run: notWritable },
  { name: 'a topic that only the broker itself writes to', run: systemTopic },
  { name: 'a queue that is not there', run: noSuchQueue },
  { name: 'a group that may not consume, until it may', run: groupNotEnabled },
  { name: 'a topic that may not be read, until it may', run: notReadable },
  { name: 'messages that are too large, for the client and for the broker', run: tooLarge },
  { name: 'an SQL92 expression that cannot be read', run: badExpression },
  { name: 'no NameServer', run: nobodyThere },
  { name: 'an aborted send, and one after the end', run: aborted },
  { name: 'two consumers of one group in one client', run: twoOfAGroup },
]
