import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type PrefixBounds, PrefixSearch, type PrefixStep } from './prefix-search.ts'

/** Runs a search over two logs that are the same below `fork`, and differ from there on in every byte. */
function run(bounds: PrefixBounds, fork: number): { outcome: PrefixStep; steps: number } {
  const search = new PrefixSearch(bounds)
  for (let steps = 0; ; steps++) {
    const { step } = search
    if (step.kind !== 'compare') return { outcome: step, steps }
    const { from, length } = step
    ok(from >= bounds.floor && length > 0 && length <= bounds.windowMax)
    ok(from + length <= Math.min(bounds.end, bounds.masterEnd))
    search.answer(from + length <= fork)
  }
}

const size = fc.oneof(fc.nat(100), fc.nat(10_000_000))

test('the search finds the fork, or that there is none, or that it is too far, as plain comparing does', () => {
  fc.assert(
    fc.property(
      fc.nat(5_000),
      size,
      size,
      size,
      fc.oneof(fc.nat(1_000_000), fc.constant(Number.POSITIVE_INFINITY)),
      fc.constantFrom(7, 100_000, 1 << 20),
      (floor, common, ours, theirs, tailMax, windowMax) => {
        const fork = floor + common
        const bounds = { floor, end: fork + ours, masterEnd: fork + theirs, tailMax, windowMax }
        // With a window of a few bytes only a few of them: the search is linear in windows.
        if (windowMax === 7 && ours > 10_000) return
        const { outcome } = run(bounds, fork)
        if (common === 0 || ours > tailMax) deepEqual(outcome, { kind: 'too-far' })
        else if (ours === 0) deepEqual(outcome, { kind: 'agreed' })
        else deepEqual(outcome, { kind: 'differs', at: fork })
      },
    ),
  )
})

test('equal logs cost one comparison, a fork a gigabyte back about a thousand', () => {
  const GIB = 2 ** 30
  const bounds = { floor: 0, tailMax: GIB, windowMax: 1 << 20 }
  const same = run({ ...bounds, end: 5 * GIB, masterEnd: 6 * GIB }, 5 * GIB)
  deepEqual(same, { outcome: { kind: 'agreed' }, steps: 1 })
  const far = run({ ...bounds, end: 5 * GIB, masterEnd: 5 * GIB }, 4 * GIB)
  deepEqual(far.outcome, { kind: 'differs', at: 4 * GIB })
  ok(far.steps < 1_100, String(far.steps))
  const tooFar = run({ ...bounds, end: 50 * GIB, masterEnd: 50 * GIB }, 4 * GIB)
  deepEqual(tooFar.outcome, { kind: 'too-far' })
  ok(tooFar.steps < 1_100)
})
