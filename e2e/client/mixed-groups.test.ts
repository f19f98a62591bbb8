// Apogee's consumers and Java's in one group: every queue has one owner soon after every change, nothing is lost, order
// holds across the two. The seed decides who joins, leaves and is killed; MIXED_SEED repeats a run, MIXED_CHANGES makes it
// longer.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Prng } from '@apogee/base'
import type { ClientProgram } from '../harness/client-program.ts'
import { startApogeeClient } from '../harness/other-clients.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { createTopic, waitForRoute } from '../harness/raw-client.ts'
import { endTarget, startTarget } from '../harness/start-target.ts'
import { chosenTarget, type Target } from '../harness/target.ts'
import { judgeDeliveries, judgeOrder } from './group-judge.ts'
import { GroupMembers, type MemberKind } from './group-members.ts'

const QUEUES = 8
const MEMBERS_MAX = 6
/** One rebalance interval of Java's client, which is the default of both. */
const SETTLE_LIMIT_MS = 20_000
/** The lock of a queue outlives a killed owner by 60 s (Java: rebalanceLockMaxLiveTime); then somebody has to ask again. */
const LOCKED_SETTLE_LIMIT_MS = 60_000 + SETTLE_LIMIT_MS
/** So an ordered group is killed at only as often as there is time for. */
const ORDERED_KILLS_MAX = Number(process.env['MIXED_ORDERED_KILLS'] ?? 1)
const DRAIN_LIMIT_MS = 30_000
const CHANGES = Number(process.env['MIXED_CHANGES'] ?? 40)
const SEED = Number(process.env['MIXED_SEED'] ?? Date.now() % 1_000_000)
/** Of a hundred changes; a JVM takes too long to start to be killed more often. */
const JAVA_KILLS_PERCENT = 5

async function change(members: GroupMembers, prng: Prng, mayKill: boolean): Promise<string> {
  const kind: MemberKind = prng.below(2) === 0 ? 'apogee' : 'java'
  const dice = prng.below(100)
  if (members.size < 2 || (members.size < MEMBERS_MAX && dice < 50)) {
    await members.join(kind)
    return `${kind} joins`
  }
  const canKill = mayKill && members.count('java') > 0 && members.count('apogee') > 0
  if (canKill && dice < 50 + JAVA_KILLS_PERCENT) {
    await members.kill('java')
    return 'java is killed'
  }
  if (canKill && dice < 75) {
    await members.kill('apogee')
    return 'apogee is killed'
  }
  await members.leave(prng.below(members.size))
  return 'one leaves'
}

describe(`mixed groups on ${chosenTarget()}, seed ${SEED}`, () => {
  const dir = temporaryFolder('mixed')
  let target: Target
  let sender: ClientProgram

  before(async () => {
    target = await startTarget({ dir })
    sender = await startApogeeClient(target.namesrvAddr, dir, 'sender')
  })
  after(async () => {
    await sender.stop()
    await endTarget(target)
  })

  for (const orderly of [false, true]) {
    const name = orderly ? 'ordered' : 'concurrent'
    const changes = Math.ceil(orderly ? CHANGES * 0.4 : CHANGES * 0.6)
    it(`${name}: ${changes} changes of members, one owner for each queue, nothing lost`, async (t) => {
      const topic = `Mixed_${name}`
      await createTopic(target.brokerAddr, topic, QUEUES)
      await waitForRoute(target.namesrvAddr, topic)
      const prng = new Prng(SEED + (orderly ? 1 : 0))
      const options = { namesrvAddr: target.namesrvAddr, topic, group: `${topic}_group` }
      const members = new GroupMembers({ ...options, orderly, dir })
      const queues = Array.from({ length: QUEUES }, (_, id) => `${target.brokerName}:${id}`)
      try {
        await members.join('java')
        await members.join('apogee')
        await sender.run('start-sender', { name, topic, sharded: true, everyMs: 2 })
        let slowestMs = 0
        let kills = 0
        for (let index = 0; index < changes; index++) {
          const what = await change(members, prng, !orderly || kills < ORDERED_KILLS_MAX)
          const isKill = what.includes('killed')
          if (isKill) kills++
          const limitMs = orderly && isKill ? LOCKED_SETTLE_LIMIT_MS : SETTLE_LIMIT_MS
          const settledMs = await members.settled(queues, limitMs)
          const owners = settledMs === null ? [...(await members.owners())] : []
          assert.ok(settledMs !== null, `${index}: ${what}: ${JSON.stringify(owners)}`)
          slowestMs = Math.max(slowestMs, settledMs)
        }
        const { sent, failed } = await sender.run('stop-sender', { name })
        const until = Date.now() + DRAIN_LIMIT_MS
        const unsure = new Set(failed.map((text) => text.split(':')[0] ?? ''))
        const judge = () => judgeDeliveries(sent, unsure, members.deliveries)
        while (judge().lost.length > 0 && Date.now() < until) {
          await new Promise((resolve) => setTimeout(resolve, 200))
        }
        const verdict = judge()
        t.diagnostic(
          `${sent.length} sent, ${members.deliveries.length} delivered, ${verdict.repeated} more than once, ${kills} kills, slowest settling ${Math.round(slowestMs)} ms`,
        )
        assert.deepEqual(verdict.lost, [])
        assert.deepEqual(verdict.made, [])
        if (orderly) assert.deepEqual(judgeOrder(members.deliveries), [])
        await members.end()
      } finally {
        await members.killAll()
      }
    })
  }
})
