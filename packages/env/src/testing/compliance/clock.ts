import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Harness, MakeHarness } from './harness.ts'

/** What every Clock and Random does. */
export function clockCompliance(name: string, make: MakeHarness): void {
  const check = (title: string, run: (harness: Harness) => Promise<void>): void => {
    test(title, async () => {
      const harness = make()
      try {
        await run(harness)
      } finally {
        harness.dispose()
      }
    })
  }
  describe(`${name} clock`, () => {
    check('a task runs once, not before its time, and shorter delays go first', inOrder)
    check('a cancelled task does not run', cancelled)
    check('soon comes in a later turn, before any timer set after it', soon)
    check('wall time is whole milliseconds and goes with the monotonic time', wall)
    check('random numbers stay below their bound and reach all of it', random)
  })
}

async function inOrder({ env, until, pass }: Harness): Promise<void> {
  const { clock } = env
  const ran: number[] = []
  const startMs = clock.monotonicMs()
  for (const delayMs of [20, 5, 0, 10.5]) {
    clock.after(delayMs, () => {
      assert.ok(clock.monotonicMs() - startMs >= delayMs, `${delayMs} came early`)
      ran.push(delayMs)
    })
  }
  assert.deepEqual(ran, [])
  await until(() => ran.length === 4)
  await pass(5)
  assert.deepEqual(ran, [0, 5, 10.5, 20])
}

async function cancelled({ env, until }: Harness): Promise<void> {
  const { clock } = env
  const ran: string[] = []
  const later = clock.after(10, () => ran.push('cancelled later'))
  clock.after(1, () => later.cancel())
  clock.after(2, () => ran.push('other'))
  clock.after(1, () => ran.push('cancelled at once')).cancel()
  clock.after(15, () => ran.push('last'))
  await until(() => ran.includes('last'))
  later.cancel()
  assert.deepEqual(ran, ['other', 'last'])
}

async function soon({ env, until }: Harness): Promise<void> {
  const { clock } = env
  const ran: string[] = []
  clock.soon(() => {
    ran.push('soon')
    clock.soon(() => ran.push('sooner'))
  })
  clock.after(20, () => ran.push('timer'))
  assert.deepEqual(ran, [])
  await until(() => ran.length === 3)
  assert.deepEqual(ran, ['soon', 'sooner', 'timer'])
}

async function wall({ env, pass }: Harness): Promise<void> {
  const { clock } = env
  const [wallMs, monotonicMs] = [clock.wallMs(), clock.monotonicMs()]
  assert.equal(wallMs, Math.floor(wallMs))
  await pass(20)
  const passedMs = clock.monotonicMs() - monotonicMs
  assert.ok(passedMs >= 20)
  assert.ok(Math.abs(clock.wallMs() - wallMs - passedMs) < 100)
}

async function random({ env }: Harness): Promise<void> {
  const seen = new Set<number>()
  for (let i = 0; i < 2000; i++) seen.add(env.random.below(10))
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
  assert.equal(env.random.below(1), 0)
}
