import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReceivedMessage, TransactionOutcome } from '@apogee/client'
import { type Behaviour, type BehaviourContext, Inbox, until } from './scenario.ts'

/** A consumer of the topic that was there before anything was sent. */
async function reading(context: BehaviourContext): Promise<Inbox> {
  const inbox = new Inbox()
  const { topic, group } = context
  const mq = context.client()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run(inbox.take)
  return inbox
}

async function decided(context: BehaviourContext): Promise<void> {
  const { mq, topic } = context
  await context.createTopic(2)
  const inbox = await reading(context)
  const group = `${topic}_tx`
  const checked: string[] = []
  const producer = await mq.transactionProducer({
    group,
    check: async (message) => {
      checked.push(message.body.toString())
      return 'rollback'
    },
  })
  const local: string[] = []
  const result = await producer.sendInTransaction(
    { topic, body: 'committed', keys: ['k1'], tag: 'red', properties: { p: 'v' } },
    async () => {
      local.push('committed')
      assert.deepEqual(inbox.bodies, [], 'nobody sees a half message')
      return 'commit'
    },
  )
  assert.equal(result.status, 'SEND_OK')
  await producer.sendInTransaction({ topic, body: 'rolled back' }, async () => 'rollback')
  await assert.rejects(
    producer.sendInTransaction({ topic, body: 'thrown' }, async () => {
      throw new Error('the local part failed')
    }),
    { code: 'RMQ_TRANSACTION_FAILED' },
  )
  await producer.sendInTransaction({ topic, body: 'committed later' }, async () => {
    await sleep(50)
    return 'commit'
  })
  await inbox.exactly(2, 3000)
  assert.deepEqual(local, ['committed'])
  assert.deepEqual(inbox.bodies.toSorted(), ['committed', 'committed later'])
  assert.deepEqual(checked, [], 'who has answered is not asked')
  const [message] = inbox.messages.filter(({ body }) => body.toString() === 'committed')
  assert.equal(message?.messageId, result.messageId)
  assert.equal(message?.topic, topic)
  assert.deepEqual([message?.tag, message?.keys, message?.properties['p']], ['red', ['k1'], 'v'])
}

async function checked(context: BehaviourContext): Promise<void> {
  const { mq, topic } = context
  await context.createTopic(1)
  const inbox = await reading(context)
  const asked = new Map<string, number>()
  const answers: Record<string, TransactionOutcome[]> = {
    commits: ['commit'],
    'rolls back': ['rollback'],
    'knows later': ['unknown', 'commit'],
  }
  const questions: ReceivedMessage[] = []
  const producer = await mq.transactionProducer({
    group: `${topic}_tx`,
    check: async (message) => {
      questions.push(message)
      const body = message.body.toString()
      const times = asked.get(body) ?? 0
      asked.set(body, times + 1)
      if (body === 'throws first' && times === 0) throw new Error('the database is away')
      return answers[body]?.[times] ?? 'commit'
    },
  })
  for (const body of [...Object.keys(answers), 'throws first']) {
    await producer.sendInTransaction(
      { topic, body, keys: [`key of ${body[0]}`.replaceAll(' ', '-')] },
      async () => 'unknown',
    )
  }
  await inbox.count(3, 40_000)
  await inbox.exactly(3, 2500)
  assert.deepEqual(inbox.bodies.toSorted(), ['commits', 'knows later', 'throws first'])
  assert.equal(asked.get('commits'), 1)
  assert.equal(asked.get('rolls back'), 1)
  assert.equal(asked.get('knows later'), 2)
  assert.equal(asked.get('throws first'), 2)
  for (const { topic: asked, keys, transactionId, messageId } of questions) {
    assert.equal(asked, topic, 'the topic that it was sent to')
    assert.equal(keys.length, 1)
    assert.equal(transactionId, messageId)
  }
}

async function anotherProcess(context: BehaviourContext): Promise<void> {
  const { topic } = context
  await context.createTopic(1)
  const inbox = await reading(context)
  const group = `${topic}_tx`
  const dying = context.client()
  const first = await dying.transactionProducer({ group, check: async () => 'unknown' })
  await first.sendInTransaction({ topic, body: 'orphan' }, async () => 'unknown')
  await dying.close()
  const asked: string[] = []
  await context.client().transactionProducer({
    group,
    check: async (message) => {
      asked.push(message.body.toString())
      return 'commit'
    },
  })
  await inbox.exactly(1, 1000)
  assert.deepEqual(inbox.bodies, ['orphan'])
  await until(() => asked.length > 0, 'question')
}

export const transactions: readonly Behaviour[] = [
  {
    name: 'transactions: committed ones are seen, rolled back and failed ones are not',
    run: decided,
  },
  { name: 'transactions: unknown ones are asked about until there is an answer', run: checked },
  {
    name: 'transactions: another process of the group is asked for one that left',
    run: anotherProcess,
  },
]
