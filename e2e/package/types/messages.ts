// Messages, codecs and what a send gives.
import {
  type Codec,
  json,
  type Message,
  type MessageQueue,
  RocketMQ,
  type SendResult,
  type SendStatus,
} from '@apogee/client'
import { expectType } from './expect-type.ts'

interface Order {
  id: string
  amount: number
}

export async function messages(): Promise<void> {
  const mq = new RocketMQ({ nameservers: ['127.0.0.1:9876'] })
  const producer = await mq.producer({ group: 'P' })

  const orders = mq.topic('orders', { codec: json<Order>() })
  const message = orders.message({ body: { id: '1', amount: 2 }, tag: 'created', keys: ['1'] })
  expectType<Message>()(message)
  // @ts-expect-error: a body of another type
  orders.message({ body: { id: 1, amount: 2 } })
  // @ts-expect-error: the topic is the handle's
  orders.message({ topic: 'other', body: { id: '1', amount: 2 } })
  // @ts-expect-error: no body
  orders.message({ tag: 'created' })

  const result = await producer.send(message)
  expectType<SendResult>()(result)
  expectType<SendStatus>()(result.status)
  expectType<MessageQueue>()(result.queue)
  expectType<string>()(result.messageId)
  expectType<number>()(result.queueOffset)
  expectType<string | null>()(result.transactionId)
  // @ts-expect-error: results are not to be written to
  result.status = 'SEND_OK'
  // @ts-expect-error: no such status
  if (result.status === 'OK') return

  await producer.send({ topic: 'a', body: 'text' })
  await producer.send({ topic: 'a', body: new Uint8Array(1), delayLevel: 3 })
  await producer.send({ topic: 'a', body: 'x' }, { shardingKey: 'k', timeoutMs: 1 })
  await producer.send({ topic: 'a', body: 'x' }, { queue: (queues) => queues[0]! })
  // @ts-expect-error: a value needs a codec
  await producer.send({ topic: 'a', body: { id: 1 } })
  // @ts-expect-error: a message without a topic
  await producer.send({ body: 'text' })
  // @ts-expect-error: properties are texts
  await producer.send({ topic: 'a', body: 'x', properties: { amount: 1 } })
  // @ts-expect-error: a choice must be a queue
  await producer.send({ topic: 'a', body: 'x' }, { queue: () => 1 })
  expectType<boolean>()(producer.sendOneway({ topic: 'a', body: 'x' }))

  const text: Codec<string> = {
    encode: (value) => Buffer.from(value),
    decode: (bytes) => bytes.toString(),
  }
  mq.topic('texts', { codec: text }).message({ body: 'x' })
  // @ts-expect-error: that codec makes texts
  mq.topic('texts', { codec: text }).message({ body: 1 })
}
