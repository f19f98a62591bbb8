import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import type { DiskCall, DiskFault } from '@apogee/env/sim'
import { NOT_STORED_DISK_FULL, STORED } from '../commit-log/ack-queue.ts'
import { checkImage } from './crash-checker.ts'
import { crashOptions, drawOps, type FlushDiskType, type Op, Workload } from './crash-workload.ts'
import { makeWorld, type World } from './store-fixture.ts'

// The k-th-call loop: one workload, run as often as it makes disk calls, and each time another call fails. Whatever fails,
// no promise is broken: not before the end of the process, and not after the kill that follows.

const SEED = 21
const modes: readonly FlushDiskType[] = ['SYNC_FLUSH', 'ASYNC_FLUSH']
const faults: readonly DiskFault[] = [
  { code: 'EIO' },
  { code: 'ENOSPC' },
  { code: 'EIO', appliedBytes: 150 },
  { code: 'ENOSPC', appliedBytes: 150 },
]

function opsOfLoop(): Op[] {
  const ops: Op[] = drawOps(new Prng(SEED), 22).filter(
    (op) => op.kind !== 'full' && op.kind !== 'wait',
  )
  // All kinds of background work once, and a restart with something to recover from.
  ops.splice(8, 0, { kind: 'config' }, { kind: 'wait', ms: 90 }, { kind: 'config' })
  ops.push({ kind: 'retain' }, { kind: 'restart' })
  return [...ops, ...drawOps(new Prng(SEED + 1), 4).filter((op) => op.kind === 'send')]
}

interface Outcome {
  /** The calls that failed. */
  failed: DiskCall[]
  workload: Workload
  world: World
  error: unknown
}

async function runWith(
  flushDiskType: FlushDiskType,
  ops: readonly Op[],
  plan: (call: DiskCall) => DiskFault | null,
): Promise<Outcome> {
  const world = makeWorld(SEED)
  const failed: DiskCall[] = []
  const { faults: planned } = world.disk
  const take = planned.take.bind(planned)
  planned.take = (call): DiskFault | null => {
    const fault = plan(call)
    if (fault === null) return take(call)
    failed.push(call)
    return fault
  }
  const workload = new Workload(world, crashOptions(flushDiskType))
  let error: unknown = null
  try {
    await workload.run(ops)
  } catch (thrown) {
    error = thrown
  }
  planned.take = take
  return { failed, workload, world, error }
}

const isLog = (call: DiskCall): boolean => /commitlog/.test(call.path)
const isRead = (call: DiskCall): boolean => call.kind === 'read' || call.kind === 'list'

/** What holds after any faults: the promises of the run, and those of a store recovered from it. */
async function mustKeepPromises(outcome: Outcome, flushDiskType: FlushDiskType): Promise<void> {
  const { error, failed, workload, world } = outcome
  assert.deepEqual(workload.breaches, [])
  if (error !== null) {
    const { code } = error as { code?: unknown }
    assert.equal(typeof code, 'string', `an error without a code: ${(error as Error).message}`)
  }
  for (const attempt of workload.ledger.attempts) {
    const isOpen = error !== null && attempt.outcome === null
    assert.ok(isOpen || attempt.outcome !== null, `${attempt.id} was never answered`)
  }
  const crash = { step: 0, mode: 'kill', garbled: false, promise: flushDiskType } as const
  const how = { flushDiskType, prng: new Prng(SEED) }
  const problem = await checkImage(workload.ledger, crash, world.disk, how)
  assert.equal(problem, null, JSON.stringify(failed))
}

/** A single fault says more: who it may hurt. */
function mustHurtOnlyItsOwn(outcome: Outcome): void {
  const { error, failed, workload } = outcome
  const call = failed[0]!
  const where = JSON.stringify(call)
  const isOpening = workload.ledger.attempts.length === 0
  if (isOpening || error !== null) return
  if (isLog(call) && !isRead(call)) return
  const { failure } = workload.store.store
  assert.equal(failure, null, where)
  for (const { id, outcome: answer } of workload.ledger.attempts) {
    assert.equal(answer, STORED, `${id} hurt by ${where}`)
  }
}

for (const flushDiskType of modes) {
  test(`${flushDiskType}: each disk call fails once, and no promise is broken`, async (t) => {
    const ops = opsOfLoop()
    let calls = 0
    const clean = await runWith(flushDiskType, ops, (call) => {
      calls = call.index + 1
      return null
    })
    assert.equal(clean.error, null)
    assert.ok(clean.workload.ledger.attempts.length > 15)
    await mustKeepPromises(clean, flushDiskType)
    const kinds = new Map<string, number>()
    let refusals = 0
    for (let k = 0; k < calls; k++) {
      for (const fault of faults) {
        let kind = ''
        const outcome = await runWith(flushDiskType, ops, (call) => {
          if (call.index !== k) return null
          kind = `${call.kind} ${call.path.split('/')[3] ?? ''}`
          return fault
        })
        const isPartial = fault.appliedBytes !== undefined
        if (isPartial && !kind.startsWith('write')) break
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
        await mustKeepPromises(outcome, flushDiskType)
        mustHurtOnlyItsOwn(outcome)
        const { attempts } = outcome.workload.ledger
        if (attempts.some((attempt) => attempt.outcome === NOT_STORED_DISK_FULL)) refusals++
      }
    }
    const runs = [...kinds.values()].reduce((sum, count) => sum + count, 0)
    t.diagnostic(`${runs} runs over ${calls} calls, ${refusals} with refusals`)
    t.diagnostic([...kinds].map(([kind, count]) => `${kind} ${count}`).join(', '))
    assert.ok(refusals > 0)
  })

  test(`${flushDiskType}: several faults at once, by seed`, async (t) => {
    let runs = 0
    for (let seed = 1; seed <= 150; seed++) {
      const prng = new Prng(seed)
      const rate = [0.003, 0.01, 0.05][prng.below(3)]!
      const ops = drawOps(prng, 20).filter((op) => op.kind !== 'wait' || op.ms < 1000)
      const outcome = await runWith(flushDiskType, ops, (call) => {
        if (!prng.chance(rate)) return null
        const code = isRead(call) || prng.chance(0.3) ? 'EIO' : 'ENOSPC'
        return { code, appliedBytes: prng.below(600) }
      })
      runs++
      try {
        await mustKeepPromises(outcome, flushDiskType)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
    t.diagnostic(`${runs} runs`)
  })
}
