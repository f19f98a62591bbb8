import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, type RocketMQError } from '../api/errors.ts'
import type { TransactionOutcome, TransactionProducerOptions } from '../api/options.ts'
import { ClientWorld } from '../testing/client-world.ts'
import { messagesIn } from '../testing/stored-messages.ts'
import { startTransactionProducer } from './start-producer.ts'

const SEED = 3_117
/** Checks come soon: the first look, and what a transaction must be old at least. */
const VALUES = { transactionCheckInterval: 2_000, transactionTimeOut: 1_000 }

async function make(seed: number, options: Partial<TransactionProducerOptions> = {}) {
  const world = new ClientWorld(seed, { values: VALUES })
  await world.start()
  const client = world.client(1)
  await world.createTopic(client, 'T')
  const asked: string[] = []
  const producer = await world.settle(
    startTransactionProducer(client, {
      group: 'TX',
      check: async (message) => {
        asked.push(message.body.toString())
        return 'commit'
      },
      ...options,
    }),
  )
  const bodies = async (): Promise<string[]> =>
    (await messagesIn(world, client, 'T')).map(({ body }) => body.toString()).sort()
  return { world, client, producer, asked, bodies }
}

test('committed messages become visible, rolled back ones and those whose local part threw do not', async () => {
  const { world, producer, asked, bodies } = await make(SEED)
  const seen: string[] = []
  const committed = await world.settle(
    producer.sendInTransaction({ topic: 'T', body: 'yes', tag: 'a' }, async ({ id, messageId }) => {
      assert.equal(id, messageId)
      seen.push(...(await bodies()))
      return 'commit'
    }),
  )
  assert.deepEqual(seen, [], 'a half message is seen by nobody')
  assert.equal(committed.outcome, 'commit')
  await world.settle(producer.sendInTransaction({ topic: 'T', body: 'no' }, async () => 'rollback'))
  const thrown = producer.sendInTransaction({ topic: 'T', body: 'threw' }, async () => {
    throw new Error('the local part')
  })
  await assert.rejects(world.settle(thrown), (error: RocketMQError) => {
    assert.equal(error.code, ErrorCode.TRANSACTION_FAILED)
    assert.equal((error.cause as Error).message, 'the local part')
    return true
  })
  await world.pass(30_000)
  assert.deepEqual(await bodies(), ['yes'])
  assert.deepEqual(asked, [])
})

test('a lost or unknown outcome is asked for, until there is one', async () => {
  const outcomes = new Map<string, (TransactionOutcome | 'throw')[]>([
    ['lost', ['commit']],
    ['later', ['unknown', 'throw', 'commit']],
    ['no', ['rollback']],
  ])
  const { world, client, producer, bodies } = await make(SEED + 1, {
    check: async ({ body, topic, transactionId, messageId }) => {
      assert.equal(topic, 'T')
      assert.equal(transactionId, messageId)
      const outcome = outcomes.get(body.toString())?.shift() ?? 'unknown'
      if (outcome === 'throw') throw new Error('database is down')
      return outcome
    },
  })
  client.remote.oneway = () => 'dropped'
  await world.settle(producer.sendInTransaction({ topic: 'T', body: 'lost' }, async () => 'commit'))
  Reflect.deleteProperty(client.remote, 'oneway')
  await world.settle(
    producer.sendInTransaction({ topic: 'T', body: 'later' }, async () => 'unknown'),
  )
  await world.settle(producer.sendInTransaction({ topic: 'T', body: 'no' }, async () => 'unknown'))
  await world.pass(60_000)
  assert.deepEqual(await bodies(), ['later', 'lost'])
  assert.deepEqual([...outcomes.values()].flat(), [])
})

test('checks run side by side up to checkConcurrency, and more than checkQueueMax are dropped', async () => {
  let running = 0
  let most = 0
  const release: (() => void)[] = []
  const { world, client, producer, bodies } = await make(SEED + 2, {
    checkConcurrency: 2,
    checkQueueMax: 3,
    check: async () => {
      running++
      most = Math.max(most, running)
      await new Promise<void>((resolve) => release.push(resolve))
      running--
      return 'commit'
    },
  })
  const warned: object[] = []
  client.log.warn = (fields: object) => warned.push(fields)
  for (let i = 0; i < 8; i++) {
    await world.settle(
      producer.sendInTransaction({ topic: 'T', body: `${i}` }, async () => 'unknown'),
    )
  }
  for (let i = 0; i < 40 && (await bodies()).length < 8; i++) {
    await world.pass(2_000)
    for (const go of release.splice(0)) go()
  }
  assert.equal((await bodies()).length, 8)
  assert.equal(most, 2)
  assert(warned.some((it) => (it as { event: string }).event === 'transaction_check_dropped'))
})

test('close answers the checks that run', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let isAsked = false
  const { world, producer, bodies } = await make(SEED + 3, {
    check: async () => {
      isAsked = true
      await promise
      return 'commit'
    },
  })
  await world.settle(producer.sendInTransaction({ topic: 'T', body: 'x' }, async () => 'unknown'))
  while (!isAsked) await world.pass(500)
  const closing = producer.close()
  await world.pass(1_500)
  resolve()
  await world.settle(closing)
  await world.pass(500)
  assert.deepEqual(await bodies(), ['x'])
})
