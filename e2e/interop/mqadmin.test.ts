// Apache's own mqadmin, every classic command, against INTEROP_TARGET.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { rocketmqVersions } from '../harness/builds.ts'
import type { ClientProgram } from '../harness/client-program.ts'
import { assertAcknowledged } from '../harness/expect.ts'
import { startJavaClient, startMqadmin } from '../harness/java-client.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { endTarget, startTarget } from '../harness/start-target.ts'
import { chosenTarget, type Target } from '../harness/target.ts'
import {
  type AdminPlace,
  type AdminStep,
  brokerSteps,
  creationSteps,
  deletionSteps,
  groupSteps,
  messageSteps,
  namesrvSteps,
  offsetSteps,
  topicSteps,
} from './mqadmin-steps.ts'

const topic = 'AdminTopic'
const group = 'admin_group'
const consumer = 'online'
const COMMIT_TIMEOUT_MS = 40_000
const RESET_TIMEOUT_MS = 75_000

describe(`mqadmin with ${chosenTarget()}`, () => {
  const dir = temporaryFolder('mqadmin')
  let target: Target
  let client: ClientProgram
  let admin: ClientProgram
  let place: AdminPlace

  before(async () => {
    target = await startTarget({ dir })
    const namesrvAddr = target.namesrvAddr
    client = await startJavaClient({ version: rocketmqVersions.current, namesrvAddr, dir })
    admin = await startMqadmin(namesrvAddr, dir)
    place = { target, topic, group, clientId: '127.0.0.1@e2e', sent: [] }
  })
  after(async () => {
    await admin.stop()
    await client.stop()
    await endTarget(target)
  })

  const check = (step: AdminStep): Promise<void> => checkStep(admin, step)
  const checkAll = (steps: readonly AdminStep[]): Promise<void> => checkSteps(admin, steps)
  const untilCommitted = (): Promise<void> => offsetsCommitted(admin)

  it('creates topics and groups', async () => {
    await checkAll(creationSteps(place))
    await client.run('create-topic', { topic: 'SendHere', queues: 4 })
    const { sent } = await client.run('send', { topic, count: 8, keys: 'k', tags: 'red' })
    assertAcknowledged(sent, 8)
    place = { ...place, sent }
    await client.run('start-consumer', { name: consumer, topic, group })
    await client.run('await-consumer', { name: consumer, expected: 8 })
    await untilCommitted()
  })
  it('shows and changes topics', () => checkAll(topicSteps(place)))
  it('shows groups, clients and progress', () => checkAll(groupSteps(place)))
  it('shows, changes and cleans the broker', () => checkAll(brokerSteps(place)))
  it('finds, prints, sends and consumes messages', () => checkAll(messageSteps(place)))
  it('resets the offsets of a group whose consumer is online', async () => {
    const args = { g: group, t: topic, s: 0, f: 'true' }
    await check({ command: 'resetOffsetByTime', args, prints: [/#queueId/] })
    await untilConsumedTwice(client, place.sent)
    await untilCommitted()
    await client.run('stop-consumer', { name: consumer })
  })
  it('clones, resets and skips offsets', () => checkAll(offsetSteps(place)))
  it('talks to the NameServer', () => checkAll(namesrvSteps(place)))
  it('deletes groups and topics', () => checkAll(deletionSteps(place)))
})

async function checkStep(admin: ClientProgram, step: AdminStep): Promise<void> {
  const { output } = await admin.run(step.command, step.args)
  const said = `${step.command} ${JSON.stringify(step.args)} printed:\n${output}`
  for (const pattern of step.prints) assert.match(output, pattern, `${pattern} not in what ${said}`)
  for (const pattern of step.never ?? [/Exception/]) {
    assert.doesNotMatch(output, pattern, `${pattern} in what ${said}`)
  }
}

/**
 * Eight at first, one that queryMsgById had consumed directly, eight again. The Java client pauses for 10 s over a reset,
 * takes its queues back with a rebalance, which may be the next one (20 s), and may be given some messages once more.
 */
async function untilConsumedTwice(
  client: ClientProgram,
  sent: readonly { body: string }[],
): Promise<void> {
  const deadline = Date.now() + RESET_TIMEOUT_MS
  for (let expected = 17; ; expected++) {
    const timeoutMs = Math.max(0, deadline - Date.now())
    const { received } = await client.run('await-consumer', { name: consumer, expected, timeoutMs })
    const counts = new Map<string, number>()
    for (const { body } of received) counts.set(body, (counts.get(body) ?? 0) + 1)
    const missing = sent.filter(({ body }) => (counts.get(body) ?? 0) < 2)
    if (missing.length === 0) return
    const came = JSON.stringify([...counts])
    assert.ok(Date.now() < deadline, `${missing.length} not consumed again; came: ${came}`)
    expected = Math.max(expected, received.length)
  }
}

/** The offsets are committed a moment after the messages were consumed. */
async function offsetsCommitted(admin: ClientProgram): Promise<void> {
  const deadline = Date.now() + COMMIT_TIMEOUT_MS
  while (!(await admin.run('consumerProgress', { g: group })).output.includes('Diff Total: 0')) {
    assert.ok(Date.now() < deadline, 'the offsets were not committed in time')
    await sleep(200)
  }
}

/** The commands depend on each other, but one that fails does not hide what the later ones do. */
async function checkSteps(admin: ClientProgram, steps: readonly AdminStep[]): Promise<void> {
  const failures: string[] = []
  for (const step of steps) {
    await checkStep(admin, step).catch((error: unknown) => failures.push(String(error)))
  }
  assert.deepEqual(failures, [], failures.join('\n\n'))
}
