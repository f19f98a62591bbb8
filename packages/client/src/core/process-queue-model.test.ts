// The ring against a map that is too simple to be wrong.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProcessQueue } from './process-queue.ts'

interface Item {
  readonly queueOffset: number
  readonly size: number
}

/** What a ProcessQueue means, by sorting and searching. */
class Model {
  readonly here = new Map<number, { size: number; isTaken: boolean }>()
  readonly ended: number[] = []
  isDropped = false
  seenBelow = -1

  offsets(isTaken?: boolean): number[] {
    return [...this.here]
      .filter(([, entry]) => isTaken === undefined || entry.isTaken === isTaken)
      .map(([offset]) => offset)
      .sort((a, b) => a - b)
  }
  commitOffset(): number {
    return this.offsets()[0] ?? this.seenBelow
  }
}

interface System {
  model: Model
  real: ProcessQueue<Item>
  nowMs: number
}

function checkSame({ model, real }: System): void {
  const offsets = model.offsets()
  const sizes = [...model.here.values()].map(({ size }) => size)
  const low = offsets[0] ?? -1
  const high = offsets.at(-1) ?? -1
  deepEqual(
    {
      count: real.count,
      bytes: real.bytes,
      span: real.span,
      minOffset: real.minOffset,
      maxOffset: real.maxOffset,
      minWaitingOffset: real.minWaitingOffset,
      waitingCount: real.waitingCount,
      takenCount: real.takenCount,
      commitOffset: real.commitOffset,
    },
    {
      count: offsets.length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      span: high - low,
      minOffset: low,
      maxOffset: high,
      minWaitingOffset: model.offsets(false)[0] ?? -1,
      waitingCount: model.offsets(false).length,
      takenCount: model.offsets(true).length,
      commitOffset: model.commitOffset(),
    },
  )
}

type Step = (system: System) => void

/** A pull from `back` below what was seen, of messages with the given gaps between them. */
const put = (back: number, gaps: readonly number[], tail: number): Step => {
  return ({ model, real, nowMs }) => {
    let offset = Math.max(0, model.seenBelow - back)
    const batch = gaps.map((gap) => {
      offset += gap + 1
      return { queueOffset: offset, size: gap * 7 }
    })
    const next = (batch.at(-1)?.queueOffset ?? offset) + 1 + tail
    const isFresh = ({ queueOffset }: Item): boolean => queueOffset >= model.seenBelow
    const fresh = model.isDropped ? [] : batch.filter(isFresh)
    equal(real.put(batch, next, nowMs), fresh.length)
    for (const { queueOffset, size } of fresh) {
      model.here.set(queueOffset, { size, isTaken: false })
    }
    if (!model.isDropped) model.seenBelow = Math.max(model.seenBelow, next)
  }
}

const take = (max: number): Step => {
  return ({ model, real, nowMs }) => {
    const into: Item[] = []
    const expected = model.isDropped ? [] : model.offsets(false).slice(0, max)
    equal(real.takeInto(into, max, nowMs), expected.length)
    deepEqual(
      into.map(({ queueOffset }) => queueOffset),
      expected,
    )
    for (const offset of expected) model.here.get(offset)!.isTaken = true
  }
}

const done = (pick: number): Step => {
  return ({ model, real, nowMs }) => {
    // Now and then one that has ended before, or never was here.
    const taken = [...model.offsets(true), ...model.ended.slice(-20)]
    const offset = taken[pick % (taken.length + 1)] ?? model.seenBelow + pick
    if (model.here.delete(offset)) model.ended.push(offset)
    equal(real.done(offset, nowMs), model.commitOffset())
    equal(real.has(offset), false)
  }
}

const commit = (pick: number): Step => {
  return ({ model, real, nowMs }) => {
    const taken = model.offsets(true)
    const count = pick % (taken.length + 1)
    for (const offset of taken.slice(0, count)) model.here.delete(offset)
    equal(real.commitTaken(nowMs, count), model.commitOffset())
  }
}

const rollback: Step = ({ model, real }) => {
  const taken = model.offsets(true)
  equal(real.rollbackTaken(), taken.length)
  for (const offset of taken) model.here.get(offset)!.isTaken = false
}

const gaps = fc.oneof(
  fc.array(fc.nat(4), { maxLength: 32 }),
  fc.array(fc.nat(4), { minLength: 40, maxLength: 200, size: 'max' }),
  fc.nat(40).map((count) => new Array<number>(count).fill(0)),
)
/** What waited is never committed: it belongs to whoever gets the queue. */
const drop: Step = ({ model, real }) => {
  const waiting = model.isDropped ? [] : model.offsets(false)
  model.seenBelow = waiting[0] ?? model.seenBelow
  for (const offset of waiting) model.here.delete(offset)
  model.isDropped = true
  real.drop()
}

const puts = fc.tuple(fc.nat(5), gaps, fc.nat(3)).map((args) => put(...args))
const takes = fc.oneof(fc.nat(5), fc.nat(70)).map(take)

function check(steps: fc.Arbitrary<Step>): void {
  const scripts = fc
    .tuple(fc.array(steps, { maxLength: 120 }), fc.array(steps, { maxLength: 20 }))
    .map(([before, after]) => [...before, drop, ...after, drop])
  fc.assert(
    fc.property(scripts, (script) => {
      const queue = { topic: 't', brokerName: 'b', queueId: 0 }
      const real = new ProcessQueue<Item>(queue, ({ size }) => size, 0)
      const system: System = { model: new Model(), real, nowMs: 0 }
      for (const step of script) {
        system.nowMs++
        step(system)
        checkSame(system)
      }
    }),
    { numRuns: 300 },
  )
}

test('concurrent: every order of pulls, takes and ends is that of the model', () => {
  check(fc.oneof(puts, takes, { arbitrary: fc.nat(100).map(done), weight: 6 }))
})

test('ordered: every order of pulls, takes, commits and rollbacks is that of the model', () => {
  check(fc.oneof(puts, takes, fc.nat(100).map(commit), fc.constant(rollback)))
})
