// Errors, transactions, and the cluster of a test.
import {
  type ErrorCode,
  RocketMQ,
  RocketMQError,
  type Transaction,
  type TransactionOutcome,
  type TransactionResult,
} from '@apogee/client'
import { startCluster } from 'apogee'
import { expectType } from './expect-type.ts'

export function handles(error: unknown): ErrorCode | null {
  if (!(error instanceof RocketMQError)) return null
  expectType<number | null>()(error.responseCode)
  expectType<boolean>()(error.retriable)
  expectType<readonly RocketMQError[]>()(error.attempts)
  // @ts-expect-error: no such code
  if (error.code === 'RMQ_NONE') return null
  return error.code
}

export async function transactions(mq: RocketMQ): Promise<void> {
  const outcome: TransactionOutcome = 'unknown'
  const producer = await mq.transactionProducer({ group: 'P', check: async () => outcome })
  const message = { topic: 'a', body: 'x' }
  await producer.sendInTransaction(message, async () => (handles(null) ? 'commit' : 'rollback'))
  await producer.sendInTransaction(message, async () => 'rollback')
  const result = await producer.sendInTransaction(message, async (transaction) => {
    expectType<Transaction>()(transaction)
    await Promise.resolve()
    return 'unknown'
  })
  expectType<TransactionResult>()(result)
  // @ts-expect-error: no such outcome
  await producer.sendInTransaction(message, async () => 'done')
  await mq.transactionProducer({ group: 'P', check: async () => 'commit' })
  // @ts-expect-error: no such outcome
  await mq.transactionProducer({ group: 'P', check: async () => 'maybe' })
  // @ts-expect-error: somebody must answer checks
  await mq.transactionProducer({ group: 'P' })
}

export async function cluster(): Promise<void> {
  await using started = await startCluster({ brokers: 2, topics: { orders: 8 }, time: 'virtual' })
  expectType<readonly string[]>()(started.nameservers)
  await using mq = new RocketMQ({ nameservers: started.nameservers })
  await transactions(mq)
  // @ts-expect-error: no such time
  await startCluster({ time: 'none' })
}
