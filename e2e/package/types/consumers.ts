// Consumers: options, handler arguments, what `for await` gives.
import {
  type AckableMessage,
  type HandlerContext,
  json,
  type MessageBatch,
  type ReceivedMessage,
  RetryLater,
  RocketMQ,
  type Subscription,
  sql,
  tags,
} from '@apogee/client'
import { expectType } from './expect-type.ts'

interface Order {
  id: string
}

export async function consumers(): Promise<void> {
  const mq = new RocketMQ()
  expectType<Subscription>()(tags('a', 'b'))
  expectType<Subscription>()(sql`amount > ${1} AND region = ${'eu'}`)

  const bytes = await mq.consumer({ group: 'C', subscriptions: { a: '*', b: tags('x') } })
  await bytes.run((message, context) => {
    expectType<ReceivedMessage<Buffer>>()(message)
    expectType<HandlerContext>()(context)
    expectType<AbortSignal>()(context.signal)
    expectType<string | null>()(message.tag)
    expectType<string | undefined>()(message.properties['region'])
    throw new RetryLater({ delayLevel: 4 })
  })

  const typed = await mq.consumer({
    group: 'C',
    subscriptions: { a: '*' },
    codec: json<Order>(),
    model: 'broadcasting',
    from: { timestamp: new Date() },
  })
  await typed.run((message) => {
    expectType<Order>()(message.body)
    expectType<Buffer>()(message.rawBody)
  })
  await typed.runOrdered((message) => expectType<Order>()(message.body))
  await typed.runBatch({ max: 32 }, (batch) => {
    expectType<MessageBatch<Order>>()(batch)
    batch.ackUpTo(batch.messages.length - 1)
  })
  for await (const message of typed.messages()) {
    expectType<AckableMessage<Order>>()(message)
    expectType<Promise<void>>()(message.ack())
  }

  // @ts-expect-error: a consumer has a group
  await mq.consumer({ subscriptions: { a: '*' } })
  // @ts-expect-error: no such model
  await mq.consumer({ group: 'C', subscriptions: { a: '*' }, model: 'all' })
  // @ts-expect-error: no such place to begin
  await mq.consumer({ group: 'C', subscriptions: { a: '*' }, from: 'beginning' })
  // @ts-expect-error: an expression is a text or made by tags() and sql
  await mq.consumer({ group: 'C', subscriptions: { a: 1 } })
  // @ts-expect-error: no such strategy
  await mq.consumer({ group: 'C', subscriptions: { a: '*' }, allocate: 'RANDOM' })
  // @ts-expect-error: an option that does not exist
  await mq.consumer({ group: 'C', subscriptions: { a: '*' }, consumeThreadMax: 3 })
  // @ts-expect-error: messages are not to be written to
  await bytes.run((message) => (message.topic = 'b'))
}
