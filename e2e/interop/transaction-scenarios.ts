// Transactions and requests of the Java client, whatever its version.
import assert from 'node:assert/strict'
import type { BrokerConf } from '../harness/target.ts'
import type { Scenario, ScenarioContext } from './scenario.ts'
import { consume } from './send-scenarios.ts'

/** Producers are asked within seconds. */
export const transactionConf: BrokerConf = {
  transactionTimeOut: 1000,
  transactionCheckInterval: 1000,
  transactionOpBatchInterval: 300,
}

const OUTCOMES = ['commit', 'rollback', 'commit-later', 'rollback-later', 'commit-third']

/** What is committed comes, at once or after questions; what is rolled back never. */
async function outcomes(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  const producerGroup = `${topic}_producer`
  const args = { topic, producerGroup, count: 20, outcomes: OUTCOMES.join(',') }
  const { sent } = await client.run('send-transactions', args)
  assert.deepEqual([...new Set(sent.map(({ status }) => status))], ['SEND_OK'])
  const received = await consume(context, {
    group: `${topic}_group`,
    expected: 12,
    settleMs: 4000,
  })
  const { checks } = await client.run('stop-transactions', { producerGroup })
  const wanted = sent.map(({ body }) => body).filter((body) => body.includes('-commit'))
  assert.deepEqual(received.map(({ body }) => body).toSorted(), wanted.toSorted())
  for (const message of received) {
    assert.equal(message.topic, topic)
    assert.equal(message.tags, message.properties['outcome'])
    assert.equal(message.properties['PGROUP'], producerGroup)
    assert.equal(message.properties['TRAN_MSG'], 'true')
    // Committed: bits 8 of 4 and 8.
    assert.equal(message.sysFlag & 12, 8)
    const origin = sent.find(({ body }) => body === message.body)
    assert.equal(message.msgId, origin?.msgId)
    assert.equal(message.queueId, origin?.queueId)
  }
  for (const { body } of sent) {
    const asked = checks[body] ?? 0
    if (body.endsWith('-later')) assert.equal(asked, 1, body)
    else if (body.endsWith('-third')) assert.equal(asked, 3, body)
    else assert.equal(asked, 0, body)
  }
}

async function requests(context: ScenarioContext): Promise<void> {
  const { client, topic } = context
  await client.run('create-topic', { topic, queues: 2 })
  const name = `${topic}_replier`
  await client.run('start-replier', { name, topic, group: `${topic}_group` })
  const instance = `${topic}_asker`
  const producerGroup = `${topic}_producer`
  for (const body of ['one', 'two', 'größe']) {
    const { reply } = await client.run('request', { topic, body, instance, producerGroup })
    assert.equal(reply, `re: ${body}`)
  }
  await client.run('stop-replier', { name })
}

export const transactionScenarios: Scenario[] = [
  { name: 'transactions: decided at once, when asked, and when asked often', run: outcomes },
  { name: 'a request is answered through the broker', run: requests },
]
