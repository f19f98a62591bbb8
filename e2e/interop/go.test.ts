// The unmodified Go client against INTEROP_TARGET.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClientProgram } from '../harness/client-program.ts'
import { assertDelivered } from '../harness/expect.ts'
import { startGoClient } from '../harness/other-clients.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { endTarget, startTarget } from '../harness/start-target.ts'
import { chosenTarget, type Target } from '../harness/target.ts'
import {
  broadcast,
  continues,
  deadLetter,
  delayed,
  retried,
  sql,
  tags,
} from './consume-scenarios.ts'
import type { Scenario, ScenarioContext } from './scenario.ts'
import {
  async,
  batch,
  compressed,
  consume,
  oneway,
  ordered,
  sync,
  unicode,
} from './send-scenarios.ts'

async function pull(context: ScenarioContext): Promise<void> {
  const { client, topic, target } = context
  await client.run('create-topic', { topic, queues: 2 })
  const { sent } = await client.run('send', { topic, count: 20 })
  const args = {
    topic,
    group: `${topic}_group`,
    queues: 2,
    batch: 4,
    brokerName: target.brokerName,
  }
  const { received, pulls } = await client.run('default-pull', { ...args, once: true })
  assert.equal(pulls.length, 2)
  for (const step of pulls) assert.deepEqual([step.status, step.min, step.max], ['FOUND', 0, 10])
  const early = sent.filter((message) => message.queueOffset < 4)
  assertDelivered(received, early)
}

/**
 * This client asks for routes at its start and then every 30 seconds. The retry topic of a new group appears only with the
 * group's first heartbeat, so a first, empty life of the consumer spares the test half a minute.
 */
async function warm(
  context: ScenarioContext,
  scenario: (context: ScenarioContext) => Promise<void>,
): Promise<void> {
  await context.client.run('create-topic', { topic: context.topic, queues: 1 })
  await consume(context, { group: `${context.topic}_group`, expected: 0 })
  await scenario(context)
}

const scenarios: readonly Scenario[] = [
  { name: 'synchronous sends arrive where their acknowledgement says', run: sync },
  { name: 'asynchronous sends arrive', run: async },
  { name: 'one-way sends arrive', run: oneway },
  { name: 'a batch lands in one queue, in order', run: (context) => batch(context, 1) },
  { name: 'compressed bodies arrive whole', run: compressed },
  { name: 'text outside of ASCII survives', run: (context) => unicode(context, 'tag') },
  { name: 'messages of one shard are consumed in order', run: ordered },
  { name: 'tags select messages', run: tags },
  { name: 'SQL92 expressions select messages', run: sql },
  { name: 'delayed messages come after their delay', run: delayed },
  { name: 'a message refused once is delivered again', run: (context) => warm(context, retried) },
  {
    name: 'a message refused too often goes to the dead letter topic',
    run: (context) => warm(context, deadLetter),
  },
  { name: 'broadcast reaches every consumer', run: broadcast },
  { name: 'a group continues where it stopped', run: continues },
  { name: 'the pull consumer reads from an offset', run: pull },
]

describe(`Go client with ${chosenTarget()}`, { concurrency: 3 }, () => {
  const dir = temporaryFolder('go')
  let target: Target
  let client: ClientProgram
  let counter = 0

  before(async () => {
    target = await startTarget({ dir })
    client = await startGoClient(target.namesrvAddr, target.brokerAddr, dir)
  })
  after(async () => {
    await client.stop()
    await endTarget(target)
  })

  for (const scenario of scenarios) {
    it(scenario.name, { timeout: 90_000 }, async () => {
      const topic = `GoTopic${++counter}`
      await scenario.run({ client, target, topic, unique: () => ++counter })
    })
  }
})
