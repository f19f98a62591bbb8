// Filters, groups, retries, pulls and lookups, whatever the version of the Java client.
import assert from 'node:assert/strict'
import {
  assertAcknowledged,
  assertDelivered,
  assertSameBodies,
  bodies,
  bodiesOf,
  decodeOffsetMessageId,
} from '../harness/expect.ts'
import type { Scenario, ScenarioContext } from './scenario.ts'
import { consume } from './send-scenarios.ts'

export async function tags(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  await client.run('send', { topic, count: 12, tags: 'red,green,blue' })
  const wanted = bodies('message', 12).filter((_, index) => index % 3 !== 1)
  const filtered = { group: `${topic}_two`, expected: wanted.length, expression: 'red || blue' }
  assertSameBodies(await consume(context, filtered), wanted)
  const none = await consume(context, { group: `${topic}_none`, expected: 0, expression: 'grey' })
  assert.deepEqual(none, [])
}

export async function sql(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  const red = { topic, count: 10, 'property.colour': 'red', 'property.number': '#' }
  await client.run('send', { ...red, prefix: 'red', tags: 'x' })
  await client.run('send', { ...red, prefix: 'blue', 'property.colour': 'blue' })
  await client.run('send', { topic, count: 3, prefix: 'bare' })
  const cases: [string, string[]][] = [
    ["colour = 'red' AND number BETWEEN 3 AND 6", ['red-3', 'red-4', 'red-5', 'red-6']],
    ["colour IN ('red', 'blue') AND number > 8", ['red-9', 'blue-9']],
    ['colour IS NULL', bodies('bare', 3)],
    ["TAGS = 'x' AND NOT (number < 9)", ['red-9']],
    ["colour <> 'red' AND (number = 1 OR number = 2)", ['blue-1', 'blue-2']],
  ]
  for (const [index, [expression, wanted]] of cases.entries()) {
    const group = `${topic}_sql${index}`
    const args = { group, expected: wanted.length, type: 'SQL92', expression }
    assertSameBodies(await consume(context, args), wanted)
  }
}

async function illegalSql(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 1 })
  // An instance of its own: the 4.x client keeps a consumer that failed to start.
  const bad = `${topic}_bad`
  const args = { name: bad, topic, group: bad, instance: bad, type: 'SQL92' }
  await assert.rejects(
    client.run('start-consumer', { ...args, expression: 'a = = 1' }),
    /Exception/,
  )
}

export async function delayed(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 1 })
  const name = `${topic}_delayed`
  await client.run('start-consumer', { name, topic, group: `${topic}_group` })
  // Its arrival shows that the consumer has its queue.
  await client.run('send', { topic, prefix: 'now' })
  await client.run('await-consumer', { name, expected: 1 })
  // The test's ladder: level 1 is one second, level 2 is three.
  await client.run('send', { topic, prefix: 'three', delayLevel: 2 })
  await client.run('send', { topic, prefix: 'one', delayLevel: 1 })
  await client.run('await-consumer', { name, expected: 3 })
  const { received } = await client.run('stop-consumer', { name })
  assert.deepEqual(bodiesOf(received), ['now-0', 'one-0', 'three-0'])
  const waits = received.map((message) => message.receivedAt - message.bornTimestamp)
  for (const [index, least] of [1000, 3000].entries()) {
    const waited = waits[index + 1] ?? -1
    assert.ok(waited >= least && waited < least + 2500, `waited ${waited} ms instead of ${least}`)
  }
  for (const message of received) assert.equal(message.topic, topic)
}

export async function deadLetter(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  const group = `${topic}_group`
  await client.run('create-topic', { topic, queues: 1 })
  await client.run('send', { topic, count: 3, keys: 'dead', tags: 'red' })
  const refusing = { group, expected: 9, fail: -1, maxReconsume: 2, settleMs: 2500 }
  const received = await consume(context, refusing)
  const deliveries = received.map((message) => `${message.body} ${message.reconsumeTimes}`)
  const wanted = bodies('message', 3).flatMap((body) => [0, 1, 2].map((n) => `${body} ${n}`))
  assert.deepEqual(deliveries.toSorted(), wanted.toSorted())
  for (const message of received) assert.equal(message.topic, topic)
  const reading = { topic: `%DLQ%${group}`, group: `${topic}_dead`, expected: 3 }
  const dead = await consume(context, reading)
  assertSameBodies(dead, bodies('message', 3))
  for (const message of dead) {
    assert.equal(message.tags, 'red')
    assert.equal(message.properties['RETRY_TOPIC'], topic)
    assert.ok((message.properties['ORIGIN_MESSAGE_ID'] ?? '') !== '')
  }
}

export async function retried(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 1 })
  await client.run('send', { topic, count: 4 })
  const received = await consume(context, { group: `${topic}_group`, expected: 8, fail: 1 })
  const deliveries = received.map((message) => `${message.body} ${message.reconsumeTimes}`)
  const wanted = bodies('message', 4).flatMap((body) => [`${body} 0`, `${body} 1`])
  assert.deepEqual(deliveries.toSorted(), wanted.toSorted())
}

export async function broadcast(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  const names = ['one', 'two'].map((instance) => `${topic}_${instance}`)
  for (const name of names) {
    const args = { name, topic, group: `${topic}_group`, instance: name, model: 'BROADCASTING' }
    await client.run('start-consumer', args)
  }
  const { sent } = await client.run('send', { topic, count: 10 })
  for (const name of names) {
    await client.run('await-consumer', { name, expected: 10 })
    assertDelivered((await client.run('stop-consumer', { name })).received, sent)
  }
}

async function shared(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 4 })
  const names = ['one', 'two'].map((instance) => `${topic}_${instance}`)
  for (const name of names) {
    const args = { name, topic, group: `${topic}_group`, instance: name }
    await client.run('start-consumer', args)
  }
  // The second member makes the broker notify the first, which rebalances at once.
  for (const name of names) await client.run('await-consumer', { name, settleMs: 1500 })
  const { sent } = await client.run('send', { topic, count: 40 })
  const half = { expected: 20, settleMs: 500 }
  const parts = await Promise.all(
    names.map(async (name) => {
      await client.run('await-consumer', { name, ...half })
      return (await client.run('stop-consumer', { name })).received
    }),
  )
  assertDelivered(parts.flat(), sent)
  for (const part of parts) {
    assert.equal(new Set(part.map((message) => message.queueId)).size, 2)
  }
}

export async function continues(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  const group = `${topic}_group`
  const first = (await client.run('send', { topic, count: 10, prefix: 'first' })).sent
  assertDelivered(await consume(context, { group, expected: 10 }), first)
  const second = (await client.run('send', { topic, count: 10, prefix: 'second' })).sent
  assertDelivered(await consume(context, { group, expected: 10 }), second)
}

async function litePull(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  const group = `${topic}_group`
  const { sent } = await client.run('send', { topic, count: 20 })
  const all = await client.run('lite-pull', { topic, group, expected: 20 })
  assertDelivered(all.received, sent)
  assert.deepEqual(all.committed, { 0: 10, 1: 10 })
  const more = (await client.run('send', { topic, count: 6, prefix: 'more' })).sent
  const rest = await client.run('lite-pull', { topic, group, expected: 6, seek: 'committed' })
  assertDelivered(rest.received, more)
  const seek = await client.run('lite-pull', { topic, group, expected: 16, seek: 5 })
  assertDelivered(
    seek.received,
    [...sent, ...more].filter((message) => message.queueOffset >= 5),
  )
}

async function defaultPull(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  const { sent } = await client.run('send', { topic, count: 20, tags: 'red,blue' })
  const group = `${topic}_group`
  const all = await client.run('default-pull', { topic, group, batch: 4 })
  assertDelivered(all.received, sent)
  for (const queueId of [0, 1]) {
    const steps = all.pulls.filter((step) => step.queueId === queueId)
    const statuses = steps.map((step) => `${step.status} ${step.next}`)
    assert.deepEqual(statuses, ['FOUND 4', 'FOUND 8', 'FOUND 10', 'NO_NEW_MSG 10'])
    for (const step of steps) assert.deepEqual([step.min, step.max], [0, 10])
  }
  const beyond = await client.run('default-pull', { topic, group, from: 1000 })
  assert.deepEqual(
    beyond.pulls.map((step) => `${step.status} ${step.next}`),
    ['OFFSET_ILLEGAL 10', 'OFFSET_ILLEGAL 10'],
  )
  const none = await client.run('default-pull', { topic, group, expression: 'grey' })
  assert.deepEqual(none.received, [])
  for (const step of none.pulls) assert.equal(step.status, 'NO_MATCHED_MSG')
}

async function lookup(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  const { sent } = await client.run('send', { topic, count: 5, keys: 'look' })
  const one = await client.run('query', { topic, key: 'look-3' })
  assert.deepEqual(bodiesOf(one.found), ['message-3'])
  const every = await client.run('query', { topic, key: 'look-all', expected: 5 })
  assertDelivered(every.found, sent)
  const missing = await client.run('query', { topic, key: 'look-9', timeoutMs: 1 })
  assert.deepEqual(missing.found, [])
  for (const message of sent) {
    const byUniqueId = (await client.run('view', { topic, id: message.msgId })).message
    assert.equal(byUniqueId?.body, message.body)
    const byOffsetId = (await client.run('view', { topic, id: message.offsetMsgId })).message
    assert.equal(byOffsetId?.body, message.body)
    const { offset } = decodeOffsetMessageId(message.offsetMsgId)
    assert.equal(byOffsetId.commitLogOffset, offset)
    assert.equal(byOffsetId.queueOffset, message.queueOffset)
  }
}

async function timeSearch(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  const before = Date.now()
  await client.run('send', { topic, count: 6, prefix: 'early' })
  await new Promise((resolve) => setTimeout(resolve, 50))
  const between = Date.now()
  await new Promise((resolve) => setTimeout(resolve, 50))
  const { sent } = await client.run('send', { topic, count: 4, prefix: 'late' })
  assertAcknowledged(sent, 4, 3)
  const offsets = async (timestamp: number): Promise<string[]> => {
    const { queues } = await client.run('offsets', { topic, timestamp })
    for (const queue of queues) {
      assert.deepEqual([queue.min, queue.max], [0, 5])
      assert.ok(queue.earliest >= before - 1000 && queue.earliest <= between)
    }
    return queues.map((queue) => `${queue.queueId}: ${queue.at}`).toSorted()
  }
  assert.deepEqual(await offsets(between), ['0: 3', '1: 3'])
  assert.deepEqual(await offsets(before - 60_000), ['0: 0', '1: 0'])
  assert.deepEqual(await offsets(Date.now() + 60_000), ['0: 5', '1: 5'])
}

async function lastOffset(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 1 })
  const { sent } = await client.run('send', { topic, count: 5 })
  // While a queue's first message is still in memory the broker answers 0 to a group it does not know, so even a
  // consumer that asks for the newest gets everything.
  const args = { group: `${topic}_group`, expected: 5, from: 'LAST' }
  assertDelivered(await consume(context, args), sent)
}

export const consumeScenarios: readonly Scenario[] = [
  { name: 'tags select messages', run: tags },
  { name: 'SQL92 expressions select messages', run: sql },
  { name: 'an illegal SQL92 expression is refused', run: illegalSql },
  { name: 'delayed messages come after their delay', run: delayed },
  { name: 'a message refused once is delivered again', run: retried },
  { name: 'a message refused too often goes to the dead letter topic', run: deadLetter },
  { name: 'broadcast reaches every consumer', run: broadcast },
  { name: 'two consumers of a group share the queues', run: shared },
  { name: 'a group continues where it stopped', run: continues },
  { name: 'the lite pull consumer seeks, polls and commits', run: litePull },
  { name: 'the pull consumer sees every status', run: defaultPull },
  { name: 'messages are found by key, unique id and offset id', run: lookup },
  { name: 'offsets are found by time', run: timeSearch },
  { name: 'a new group of a young topic starts at its first message', run: lastOffset },
]
