// Our producer and consumer while servers and consumers are killed, paused and started again: at least once, counted; the
// queues of a broker that lives never pause; a consumer that is asked to end loses nothing and repeats nothing.
// RESTARTS_SEED repeats a run, RESTARTS_STEPS makes it longer.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Prng } from '@apogee/base'
import type { ClientProgram, CommandResults } from '../harness/client-program.ts'
import { startApogeeClient } from '../harness/other-clients.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { judgeDeliveries } from './group-judge.ts'
import { GroupMembers } from './group-members.ts'
import { Masters } from './masters.ts'

const SEED = Number(process.env['RESTARTS_SEED'] ?? Date.now() % 1_000_000)
const STEPS = Number(process.env['RESTARTS_STEPS'] ?? 7)
const TOPIC = 'Restarts'
const QUEUES_OF_EACH = 4
const PAUSE_MS = 6000
const DRAIN_LIMIT_MS = 60_000
/** A producer that has another broker needs no longer for a message, whatever one of them does. */
const SEND_TIMEOUT_MS = 10_000

interface Scene {
  masters: Masters
  members: GroupMembers
  sender: ClientProgram
}

async function disturb({ masters, members }: Scene, prng: Prng): Promise<string> {
  const broker = masters.brokers[prng.below(masters.brokers.length)]!
  const namesrv = masters.namesrvs[prng.below(masters.namesrvs.length)]!
  switch (prng.below(7)) {
    case 0:
    case 1:
      await broker.kill()
      await sleep(prng.below(3000))
      await broker.start()
      return `${broker.name} is killed`
    case 2:
      await broker.stop()
      await sleep(prng.below(2000))
      await broker.start()
      return `${broker.name} is restarted`
    case 3:
      broker.suspend()
      await sleep(PAUSE_MS)
      broker.resume()
      return `${broker.name} is paused`
    case 4:
      await namesrv.kill()
      await sleep(prng.below(3000))
      await namesrv.start()
      return `${namesrv.name} is killed`
    case 5:
      await members.kill('apogee')
      await members.join('apogee')
      return 'a consumer is killed'
    default:
      await members.leave(prng.below(members.size))
      await members.join('apogee')
      return 'a consumer is restarted'
  }
}

async function allDelivered(
  { members }: Scene,
  { sent, failed }: Pick<CommandResults, 'sent' | 'failed'>,
  t: TestContext,
): Promise<ReturnType<typeof judgeDeliveries>> {
  const unsure = new Set(failed.map((text) => text.split(':')[0] ?? ''))
  const judge = (): ReturnType<typeof judgeDeliveries> =>
    judgeDeliveries(sent, unsure, members.deliveries)
  const until = Date.now() + DRAIN_LIMIT_MS
  while (judge().lost.length > 0 && Date.now() < until) await sleep(200)
  const verdict = judge()
  t.diagnostic(
    `${sent.length} sent, ${failed.length} failed, ${members.deliveries.length} delivered, ${verdict.repeated} more than once`,
  )
  assert.deepEqual(verdict.lost, [])
  assert.deepEqual(verdict.made, [])
  return verdict
}

let scene: Scene

async function startSender(): Promise<void> {
  const args = { name: 's', topic: TOPIC, everyMs: 2, sendTimeoutMs: SEND_TIMEOUT_MS }
  await scene.sender.run('start-sender', args)
}

/** One broker is always there, and the deadline leaves time to try it: no send fails. */
async function disturbances(t: TestContext): Promise<void> {
  const prng = new Prng(SEED)
  await scene.members.join('apogee')
  await scene.members.join('apogee')
  await startSender()
  for (let step = 0; step < STEPS; step++) {
    t.diagnostic(await disturb(scene, prng))
    await sleep(500)
  }
  const ended = await scene.sender.run('stop-sender', { name: 's' })
  await allDelivered(scene, ended, t)
  assert.deepEqual(ended.failed, [])
}

async function oneBrokerDead(t: TestContext): Promise<void> {
  const [dead, alive] = scene.masters.brokers
  assert.ok(dead !== undefined && alive !== undefined)
  await scene.members.join('apogee')
  await startSender()
  await sleep(1000)
  await dead.kill()
  const killedAt = Date.now()
  await sleep(8000)
  const during = scene.members.deliveries.filter(({ at }) => at > killedAt)
  const times = during.filter(({ queue }) => queue.startsWith(alive.name)).map(({ at }) => at)
  const gapMs = longestGapMs(times)
  t.diagnostic(`longest gap between deliveries of ${alive.name}: ${gapMs} ms`)
  assert.ok(gapMs < 2000, `the queues of the broker that lives paused for ${gapMs} ms`)
  await dead.start()
  const backAt = Date.now()
  await sleep(3000)
  const ended = await scene.sender.run('stop-sender', { name: 's' })
  await allDelivered(scene, ended, t)
  assert.deepEqual(ended.failed, [])
  const again = scene.members.deliveries.filter(
    ({ at, queue }) => at > backAt && queue.startsWith(dead.name),
  )
  assert.ok(again.length > 0, 'nothing came from the broker that returned')
}

async function terminated(t: TestContext): Promise<void> {
  await startSender()
  for (let round = 0; round < 5; round++) {
    await scene.members.join('apogee')
    await sleep(700)
    await scene.members.terminate()
  }
  const ended = await scene.sender.run('stop-sender', { name: 's' })
  await scene.members.join('apogee')
  const verdict = await allDelivered(scene, ended, t)
  assert.equal(verdict.repeated, 0)
}

describe(`our client under restarts, seed ${SEED}`, () => {
  beforeEach(async () => {
    const dir = temporaryFolder('restarts')
    const masters = await Masters.start(dir, 2, 2)
    await masters.createTopic(TOPIC, QUEUES_OF_EACH)
    const { namesrvAddr } = masters
    const options = { namesrvAddr, topic: TOPIC, group: 'restarts_group', orderly: false, dir }
    const sender = await startApogeeClient(namesrvAddr, dir, 'sender')
    scene = { masters, members: new GroupMembers(options), sender }
  })
  afterEach(async () => {
    await scene.members.killAll()
    await scene.sender.kill()
    await scene.masters.kill()
  })

  it(
    `${STEPS} disturbances: all that was acknowledged is delivered, and no send fails`,
    disturbances,
  )

  it('a dead broker pauses no other queue, and its own are read when it returns', oneBrokerDead)

  it('SIGTERM of a consumer under load loses nothing and delivers nothing twice', terminated)
})

function longestGapMs(times: readonly number[]): number {
  let longest = 0
  for (let index = 1; index < times.length; index++) {
    longest = Math.max(longest, times[index]! - times[index - 1]!)
  }
  return times.length < 2 ? Number.POSITIVE_INFINITY : longest
}
