import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { actionFor, type Half, type HalfPolicy } from './half.ts'
import { HalfLedger, type LedgerLimits } from './half-ledger.ts'
import { parseOpBody, takeOpBody } from './op-body.ts'

const LIMITS: LedgerLimits = { pendingMax: 100, windowMax: 1 << 12, opsMax: 1000, endedMax: 100 }

function half(offset: number, changes: Partial<Half> = {}): Half {
  return {
    offset,
    physicalOffset: offset * 1000,
    identity: offset,
    bornMs: 0,
    immunityMs: -1,
    checkTimes: 0,
    group: 'p',
    topic: 't',
    ...changes,
  }
}

function policy(changes: Partial<HalfPolicy> = {}): HalfPolicy {
  return {
    nowMs: 10_000,
    timeOutMs: 6000,
    checkMax: 15,
    reservedMs: 1_000_000,
    hasProducer: () => true,
    ...changes,
  }
}

function ledger(limits: Partial<LedgerLimits> = {}): HalfLedger {
  return new HalfLedger({ progress: 0, opProgress: 0 }, { ...LIMITS, ...limits })
}

const free = (): boolean => false

function actions(of: HalfLedger, wanted: HalfPolicy): [number, string][] {
  return of.due(wanted, 100, free).map(({ half: { offset }, action }) => [offset, action])
}

test('a half is left alone, asked about, and given up when asked too often or too old', () => {
  const cases: [Partial<Half>, Partial<HalfPolicy>, string][] = [
    [{ bornMs: 4000 }, {}, 'wait'],
    [{ bornMs: 3999 }, {}, 'check'],
    [{ bornMs: 0, immunityMs: 20_000 }, {}, 'wait'],
    [{ bornMs: 8000, immunityMs: 1000 }, {}, 'check'],
    [{ checkTimes: 14 }, {}, 'check'],
    [{ checkTimes: 15 }, {}, 'discard'],
    [{}, { hasProducer: () => false }, 'wait'],
    [{ checkTimes: 15 }, { hasProducer: () => false }, 'discard'],
    [{}, { nowMs: 1_000_001, hasProducer: () => false }, 'discard'],
  ]
  for (const [changes, wanted, expected] of cases) {
    equal(actionFor(half(0, changes), policy(wanted), false), expected, JSON.stringify(changes))
  }
  equal(actionFor(half(0, { bornMs: 9000 }), policy(), true), 'renew')
})

test('progress stops at the first undecided half, and op messages stay while they name later ones', () => {
  const it = ledger()
  for (let i = 0; i < 4; i++) it.halfFound(half(i))
  deepEqual(it.decided(1, 1), [1])
  deepEqual(it.decided(2, 2), [2])
  it.opFound([1, 2])
  it.advance()
  deepEqual([it.progress, it.opProgress, it.scanned], [0, 0, 4])
  it.decided(0, 0)
  it.opFound([0])
  it.advance()
  deepEqual([it.progress, it.opProgress], [3, 2])
})

test('op messages that were read decide over halves that are read after them', () => {
  const it = ledger()
  ok(it.opFound([0, 2]))
  ok(it.isKnown(0) && !it.isKnown(1) && it.isKnown(2))
  it.placePassed()
  it.halfFound(half(1))
  it.placePassed()
  it.advance()
  deepEqual([it.progress, it.pendingCount, it.isEnded(2, 2)], [1, 1, true])
})

test('a checked half goes on as its copy, under the same identity', () => {
  const it = ledger()
  it.halfFound(half(0))
  it.halfFound(half(1))
  deepEqual(actions(it, policy()), [
    [0, 'check'],
    [1, 'check'],
  ])
  const copy = half(2, { identity: 0, checkTimes: 1 })
  it.renewed(half(0), copy, false)
  it.advance()
  equal(it.progress, 1)
  equal(it.find(0), copy)
  // An end that names the old copy ends the new one as well: both are in the op message.
  deepEqual(it.decided(0, 0), [0, 2])
  ok(it.isEnded(0, 2))
  it.decided(1, 1)
  it.advance()
  equal(it.progress, 3)
})

test('after a restart the newest copy stands for those before it, and its decision for all', () => {
  const it = ledger()
  it.halfFound(half(0))
  it.halfFound(half(1, { identity: 0, checkTimes: 1 }))
  deepEqual([it.pendingCount, it.find(0)?.offset], [1, 1])
  it.advance()
  equal(it.progress, 1)
  const other = ledger()
  other.opFound([0, 1])
  other.placePassed()
  other.placePassed()
  other.halfFound(half(2, { identity: 0, checkTimes: 2 }))
  deepEqual([other.pendingCount, other.progress], [0, 0])
  other.advance()
  equal(other.progress, 3)
})

test("Apache's op messages name the copy alone: the half in memory is found by its place", () => {
  const it = ledger()
  it.halfFound(half(0))
  it.halfFound(half(1, { identity: 0, checkTimes: 1 }))
  it.opFound([1])
  equal(it.pendingCount, 0)
})

test('a repeated end is recognised, also long after progress has passed it, within endedMax', () => {
  const it = ledger({ endedMax: 2 })
  for (let i = 0; i < 3; i++) it.halfFound(half(i))
  for (let i = 0; i < 3; i++) it.decided(i, i)
  it.advance()
  deepEqual([it.isEnded(0, 0), it.isEnded(1, 1), it.isEnded(2, 2)], [false, true, true])
})

test('a given up half is not taken for decided: a late commit still counts', () => {
  const it = ledger()
  it.halfFound(half(0))
  it.given(half(0))
  equal(it.isEnded(0, 0), false)
  it.advance()
  equal(it.progress, 1)
})

test('when memory is full the first ones are renewed, whatever their age, and others get their turn', () => {
  const it = ledger({ pendingMax: 2 })
  it.halfFound(half(0, { bornMs: 9000 }))
  equal(it.isFull, false)
  it.halfFound(half(1, { bornMs: 9000 }))
  ok(it.isFull)
  deepEqual(actions(it, policy()), [
    [0, 'renew'],
    [1, 'renew'],
  ])
  it.renewed(half(0), half(2, { identity: 0 }), true)
  it.advance()
  deepEqual([it.isFull, it.progress, it.pendingCount], [false, 1, 1])
})

test('an op message that names places beyond the window is read again later', () => {
  const it = ledger({ windowMax: 1024 })
  equal(it.opFound([1024]), false)
  equal(it.opScanned, 0)
  it.halfFound(half(0))
  it.decided(0, 0)
  it.advance()
  ok(it.opFound([1024]))
})

test('a log that lost its beginning or its end moves both offsets into what there is', () => {
  const it = new HalfLedger({ progress: 10, opProgress: 5 }, LIMITS)
  equal(it.fit({ min: 0, max: 7 }, { min: 0, max: 2 }), 0)
  deepEqual([it.progress, it.scanned, it.opProgress, it.opScanned], [7, 7, 2, 2])
  it.halfFound(half(7))
  it.halfFound(half(8))
  it.decided(8, 8)
  equal(it.fit({ min: 8, max: 9 }, { min: 3, max: 3 }), 1)
  deepEqual([it.progress, it.isKnown(8), it.opScanned], [8, true, 3])
  it.advance()
  equal(it.progress, 9)
})

test('bodies of op messages: what Apache writes, what 4.x wrote, and what is neither', () => {
  deepEqual(parseOpBody('7'), [7])
  deepEqual(parseOpBody('12,13,900719925474099,'), [12, 13, 900719925474099])
  deepEqual(parseOpBody('1,,x,-2,1e3, 4,99999999999999999999,5'), [1, 5])
  deepEqual(parseOpBody(''), [])
  const waiting = [1, 22, 333, 4444]
  deepEqual(takeOpBody(waiting, 4), { body: '1,22,', taken: [1, 22] })
  deepEqual(takeOpBody(waiting, 1), { body: '333,', taken: [333] })
  deepEqual(waiting, [4444])
})

/** What the queues hold, and how the ledger is driven: decisions, copies, and restarts from stale offsets. */
class Model {
  readonly halves: Half[] = []
  readonly ops: number[][] = []
  /** Decided transactions. */
  readonly ended = new Set<number>()
  readonly waitingOps: number[] = []
  /** Decided before a restart: a copy that no op message names may be asked about again. */
  readonly forgotten = new Set<number>()
  saved = { progress: 0, opProgress: 0 }
  it = ledger({ pendingMax: 8, windowMax: 1024 })

  read(): void {
    const { it } = this
    while (it.opScanned < this.ops.length && it.opFound(this.ops[it.opScanned]!));
    while (it.scanned < this.halves.length) {
      if (it.isKnown(it.scanned)) it.placePassed()
      else if (it.isFull) break
      else it.halfFound(this.halves[it.scanned]!)
    }
    it.advance()
  }

  end(at: Half): void {
    if (this.it.isEnded(at.identity, at.offset)) {
      ok(this.ended.has(at.identity), 'ended by nobody')
    } else this.waitingOps.push(...this.it.decided(at.identity, at.offset))
    this.ended.add(at.identity)
  }

  act(nowMs: number): void {
    for (const { half: before, action } of this.it.due(policy({ nowMs, checkMax: 1e9 }), 3, free)) {
      const checkTimes = before.checkTimes + (action === 'check' ? 1 : 0)
      const copy = { ...before, offset: this.halves.length, checkTimes }
      this.halves.push(copy)
      this.it.renewed(before, copy, action !== 'check')
    }
  }

  /** Every undecided transaction has a copy at `progress` or above; nothing in memory is decided. */
  check(): void {
    const { progress, opProgress } = this.it
    const reachable = new Set(this.halves.slice(progress).map(({ identity }) => identity))
    for (const { identity } of this.halves) {
      if (!this.ended.has(identity)) ok(reachable.has(identity), `lost ${identity}`)
    }
    const written = new Set(this.ops.flat())
    for (const { identity, offset } of this.it.pendingHalves) {
      const isAgain = this.forgotten.has(identity) && !written.has(offset)
      ok(!this.ended.has(identity) || isAgain, `asked about ${identity}`)
    }
    for (const op of this.ops.slice(0, opProgress)) for (const at of op) ok(at < progress)
  }
}

test('through random decisions, copies and restarts no undecided transaction is passed over', () => {
  for (let seed = 1; seed <= 400; seed++) {
    try {
      runModel(seed)
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
})

function runModel(seed: number): void {
  const prng = new Prng(seed)
  const model = new Model()
  let nowMs = 10_000
  for (let step = 0; step < 200; step++) {
    nowMs += prng.below(2000)
    const kind = prng.below(12)
    const { halves, ops, waitingOps } = model
    if (kind < 4) halves.push(half(halves.length, { bornMs: nowMs }))
    else if (kind < 7 && halves.length > 0) model.end(halves[prng.below(halves.length)]!)
    else if (kind === 7 && waitingOps.length > 0) ops.push(waitingOps.splice(0))
    else if (kind === 8) model.act(nowMs)
    else if (kind === 9)
      model.saved = { progress: model.it.progress, opProgress: model.it.opProgress }
    else if (kind === 10) {
      // A crash: what was not written of decisions is forgotten, and undecided again.
      const written = new Set(ops.flat())
      for (const { identity } of halves.slice(model.saved.progress)) {
        if (!written.has(identity)) model.ended.delete(identity)
      }
      for (const identity of model.ended) model.forgotten.add(identity)
      waitingOps.length = 0
      model.it = new HalfLedger(model.saved, { ...LIMITS, pendingMax: 8, windowMax: 1024 })
      model.read()
    } else model.read()
    model.check()
  }
}
