import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { SimClock } from '../sim/mod.ts'
import { simEnv } from '../sim/world.ts'
import { clockCompliance } from '../testing/compliance/clock.ts'
import type { Harness } from '../testing/compliance/harness.ts'
import { type Quiet, VirtualClock } from './mod.ts'

function make(): Harness {
  const world = simEnv(7)
  return {
    env: { ...world, clock: new VirtualClock(world.clock) },
    root: '/root',
    until: async (reached) => {
      if (!world.clock.runUntil(reached)) throw new Error('waited for too long')
    },
    pass: async (durationMs) => world.clock.runFor(durationMs),
    dispose() {},
  }
}

clockCompliance('virtual', make)

const HOUR_MS = 3_600_000
const QUIET: Quiet = { isQuiet: () => true, settle: async () => {} }

/** Ends an advance over a clock that stands still but for what the advance itself waits for. */
async function finish(base: SimClock, advance: Promise<void>): Promise<void> {
  let isDone = false
  const done = advance.finally(() => {
    isDone = true
  })
  while (!isDone) {
    base.runFor(0)
    await turn()
  }
  await done
}

test('an advance runs what falls due in its order, none early, and what that sets too', async () => {
  const base = new SimClock()
  const clock = new VirtualClock(base)
  const startMs = clock.monotonicMs()
  const ran: string[] = []
  const note = (name: string, dueMs: number): void => {
    ok(clock.monotonicMs() - startMs >= dueMs, `${name} is early`)
    ran.push(name)
  }
  clock.after(2 * HOUR_MS, () => note('b', 2 * HOUR_MS))
  clock.after(HOUR_MS, () => {
    note('a', HOUR_MS)
    clock.after(HOUR_MS + 60_000, () => note('c', 2 * HOUR_MS + 60_000))
  })
  clock.after(3 * HOUR_MS + 1, () => note('too late', 0))
  const wallMs = clock.wallMs()
  await finish(base, clock.advance(3 * HOUR_MS, QUIET))
  deepEqual(ran, ['a', 'b', 'c'])
  equal(clock.monotonicMs() - startMs, 3 * HOUR_MS)
  equal(clock.wallMs() - wallMs, 3 * HOUR_MS)
})

test('the next timer waits for what the one before has set off', async () => {
  const base = new SimClock()
  const clock = new VirtualClock(base)
  const ran: string[] = []
  let isBusy = false
  clock.after(1000, () => {
    isBusy = true
    ran.push('started')
  })
  clock.after(60_000, () => ran.push('next'))
  const quiet: Quiet = {
    isQuiet: () => !isBusy,
    settle: async () => {
      if (isBusy) ran.push('done')
      isBusy = false
    },
  }
  await finish(base, clock.advance(60_000, quiet))
  deepEqual(ran, ['started', 'done', 'next'])
})

test('a stopped clock runs nothing and leaves no timer of its base', async () => {
  const base = new SimClock()
  const clock = new VirtualClock(base)
  clock.after(10, () => {
    throw new Error('ran')
  })
  clock.stop()
  ok(base.isIdle)
  await finish(base, clock.advance(HOUR_MS, QUIET))
})
