import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, type RocketMQError } from './errors.ts'
import { sql, tags } from './subscription.ts'
import { json, text, topicOf, withSchema } from './topic.ts'

test('a topic makes messages through its codec', () => {
  const orders = topicOf('orders', json<{ id: number }>())
  const message = orders.message({ body: { id: 7 }, tag: 'new' })
  assert.deepEqual(message, { topic: 'orders', tag: 'new', body: Buffer.from('{"id":7}') })
  assert.deepEqual(json().decode(Buffer.from('[1]')), [1])
  assert.equal(text().decode(Buffer.from('ß')), 'ß')
  const plain = topicOf<Buffer>('raw', null)
  assert.equal(plain.message({ body: Buffer.from('x') }).body.toString(), 'x')
})

test('a value that the codec has no form for is RMQ_CODEC', () => {
  const topic = topicOf('t', json<unknown>())
  assert.throws(
    () => topic.message({ body: undefined }),
    (error: RocketMQError) => error.code === ErrorCode.CODEC,
  )
})

test('a schema checks what goes out and what comes in', () => {
  const positive = withSchema<number>({
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        typeof value === 'number' && value > 0
          ? { value }
          : { issues: [{ message: 'not positive' }] },
    },
  })
  assert.equal(positive.decode(Buffer.from('5')), 5)
  assert.throws(() => positive.decode(Buffer.from('-5')), /not positive/)
  assert.throws(() => positive.encode(0), /not positive/)
})

test('subscriptions are spelled as brokers read them', () => {
  assert.deepEqual(tags('a', 'b'), { type: 'TAG', expression: 'a || b' })
  assert.equal(tags().expression, '*')
  assert.throws(() => tags('a|b'), { code: ErrorCode.BAD_EXPRESSION })
  const made = sql`amount > ${100} AND region = ${"o'neil"} AND vip = ${true} AND c IN ${['x', 2]}`
  assert.deepEqual(made, {
    type: 'SQL92',
    expression: "amount > 100 AND region = 'o''neil' AND vip = TRUE AND c IN ('x', 2)",
  })
  assert.throws(() => sql`a > ${Number.NaN}`, { code: ErrorCode.BAD_EXPRESSION })
  assert.throws(() => sql``, { code: ErrorCode.BAD_EXPRESSION })
})
