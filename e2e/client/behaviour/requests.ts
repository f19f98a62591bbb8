import assert from 'node:assert/strict'
import { type Behaviour, type BehaviourContext, owning } from './scenario.ts'

async function answered(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(2)
  const answering = context.client()
  const replies = await answering.producer({ group: `${topic}_replies` })
  const subscriptions = { [topic]: '*' }
  const consumer = await answering.consumer({ group, subscriptions, from: 'first' })
  await consumer.run(async (message) => {
    if (message.body.toString() === 'ignored') return
    const properties = { echo: message.properties['q'] ?? '' }
    await replies.reply(message, { body: `re: ${message.body.toString()}`, properties })
  })
  await owning(consumer, 2)
  const producer = await context.mq.producer({ group: `${topic}_questions` })
  const asked = Array.from({ length: 20 }, async (_, index) => {
    const properties = { q: String(index) }
    const question = { topic, body: `question ${index}`, properties }
    return await producer.request(question, { timeoutMs: 15_000 })
  })
  const got = await Promise.all(asked)
  for (const [index, reply] of got.entries()) {
    assert.equal(reply.body.toString(), `re: question ${index}`)
    assert.equal(reply.properties['echo'], String(index))
  }
  const startedMs = Date.now()
  await assert.rejects(producer.request({ topic, body: 'ignored' }, { timeoutMs: 800 }), {
    code: 'RMQ_REQUEST_TIMEOUT',
  })
  const tookMs = Date.now() - startedMs
  assert.ok(tookMs >= 750 && tookMs < 3000, `took ${tookMs} ms`)
}

export const requests: readonly Behaviour[] = [
  { name: 'requests get their own replies, or time out', run: answered },
]
