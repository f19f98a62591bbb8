// The unmodified ali-ons client against INTEROP_TARGET. It neither creates topics nor sends to unknown ones.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClientProgram } from '../harness/client-program.ts'
import { assertAcknowledged, assertSameBodies, bodies, bodiesOf } from '../harness/expect.ts'
import { startAliOnsClient } from '../harness/other-clients.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { createTopic, waitForRoute } from '../harness/raw-client.ts'
import { endTarget, startTarget } from '../harness/start-target.ts'
import { chosenTarget, type Target } from '../harness/target.ts'
import type { Scenario, ScenarioContext } from './scenario.ts'
import { consume } from './send-scenarios.ts'

async function sends(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  const args = { topic, count: 12, keys: 'key', tags: 'red,blue', 'property.colour': 'c-#' }
  const { sent } = await client.run('send', args)
  assertAcknowledged(sent, 12)
  const received = await consume(context, { group: `${topic}_group`, expected: 12 })
  assertSameBodies(received, bodies('message', 12))
  for (const message of received) {
    const acknowledged = sent.find((one) => one.body === message.body)
    assert.equal(message.queueId, acknowledged?.queueId)
    assert.equal(message.queueOffset, acknowledged?.queueOffset)
    const index = Number(message.body.split('-')[1])
    assert.equal(message.tags, index % 2 === 0 ? 'red' : 'blue')
    assert.equal(message.properties['colour'], `c-${index}`)
    assert.equal(message.keys, `key-${index} key-all`)
  }
}

async function concurrentSends(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('send', { topic, prefix: 'first' })
  const { sent } = await client.run('send', { topic, count: 100, mode: 'async' })
  assert.equal(sent.length, 100)
  const received = await consume(context, { group: `${topic}_group`, expected: 101 })
  assertSameBodies(received, ['first-0', ...bodies('message', 100)])
}

async function compressed(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  const { sent } = await client.run('send', { topic, count: 3, size: 20_000 })
  const received = await consume(context, { group: `${topic}_group`, expected: 3 })
  assertSameBodies(received, bodiesOf(sent))
}

async function tags(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('send', { topic, count: 12, tags: 'red,green,blue' })
  const wanted = bodies('message', 12).filter((_, index) => index % 3 !== 1)
  const filtered = { group: `${topic}_group`, expected: 8, expression: 'red || blue' }
  assertSameBodies(await consume(context, filtered), wanted)
}

async function sql(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('send', { topic, count: 10, tags: 'red', 'property.number': '#' })
  const expression = 'number BETWEEN 3 AND 5'
  const args = { group: `${topic}_group`, expected: 3, type: 'SQL92', expression }
  assertSameBodies(await consume(context, args), ['message-3', 'message-4', 'message-5'])
}

async function delayed(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('send', { topic, prefix: 'now' })
  const name = `${topic}_consumer`
  await client.run('start-consumer', { name, topic, group: `${topic}_group` })
  await client.run('await-consumer', { name, expected: 1 })
  await client.run('send', { topic, prefix: 'one', delayLevel: 1 })
  await client.run('await-consumer', { name, expected: 2 })
  const { received } = await client.run('stop-consumer', { name })
  assert.deepEqual(bodiesOf(received), ['now-0', 'one-0'])
  const message = received[1]
  assert.ok(message !== undefined && message.receivedAt - message.bornTimestamp >= 1000)
}

async function retried(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('send', { topic, count: 4 })
  const received = await consume(context, { group: `${topic}_group`, expected: 8, fail: 1 })
  const deliveries = received.map((message) => `${message.body} ${message.reconsumeTimes}`)
  const wanted = bodies('message', 4).flatMap((body) => [`${body} 0`, `${body} 1`])
  assert.deepEqual(deliveries.toSorted(), wanted.toSorted())
}

async function broadcast(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('send', { topic, prefix: 'first' })
  const names = ['one', 'two'].map((instance) => `${topic}_${instance}`)
  for (const name of names) {
    const args = { name, topic, group: `${topic}_group`, instance: name, model: 'BROADCASTING' }
    await client.run('start-consumer', args)
  }
  await client.run('send', { topic, count: 10 })
  for (const name of names) {
    await client.run('await-consumer', { name, expected: 10 })
    const { received } = await client.run('stop-consumer', { name })
    const fresh = received.filter((message) => message.body !== 'first-0')
    assertSameBodies(fresh, bodies('message', 10))
  }
}

async function continues(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  const group = `${topic}_group`
  for (const prefix of ['first', 'second']) {
    await client.run('send', { topic, count: 10, prefix })
    assertSameBodies(await consume(context, { group, expected: 10 }), bodies(prefix, 10))
  }
}

const scenarios: readonly Scenario[] = [
  { name: 'sends arrive where their acknowledgement says', run: sends },
  { name: 'concurrent sends arrive', run: concurrentSends },
  { name: 'compressed bodies arrive whole', run: compressed },
  { name: 'tags select messages', run: tags },
  { name: 'SQL92 expressions select messages', run: sql },
  { name: 'delayed messages come after their delay', run: delayed },
  { name: 'a message refused once is delivered again', run: retried },
  { name: 'broadcast reaches every consumer', run: broadcast },
  { name: 'a group continues where it stopped', run: continues },
]

describe(`ali-ons with ${chosenTarget()}`, { concurrency: 3 }, () => {
  const dir = temporaryFolder('ali-ons')
  let target: Target
  let client: ClientProgram
  let counter = 0

  before(async () => {
    target = await startTarget({ dir })
    client = await startAliOnsClient(target.namesrvAddr, dir)
  })
  after(async () => {
    await client.stop()
    await endTarget(target)
  })

  for (const scenario of scenarios) {
    it(scenario.name, { timeout: 90_000 }, async () => {
      const topic = `AliTopic${++counter}`
      await createTopic(target.brokerAddr, topic, 4)
      await waitForRoute(target.namesrvAddr, topic)
      await scenario.run({ client, target, topic, unique: () => ++counter })
    })
  }
})
