import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { simEnv } from '@apogee/env/sim'
import { ColdReads } from './cold-reads.ts'

test('old records are read at once while nothing comes in', () => {
  const { clock } = simEnv(1)
  const reads = new ColdReads(0.1, clock, () => 0)
  clock.runFor(1000)
  let done = 0
  for (let i = 0; i < 100; i++) reads.run(() => done++)
  equal(done, 100)
})

test('while messages come in they wait in order, take their share of the time, and all get their turn', () => {
  const { clock } = simEnv(2)
  clock.runFor(1000)
  const busyClock = new CostlyClock(clock)
  const reads = new ColdReads(0.1, busyClock, () => clock.wallMs())
  const order: number[] = []
  for (let i = 0; i < 200; i++) {
    reads.run(() => {
      order.push(i)
      busyClock.spend(0.1)
    })
  }
  ok(order.length < 20, `the credit of a millisecond was ${order.length} reads`)
  clock.runFor(50)
  const atFifty = order.length
  ok(atFifty > 20 && atFifty < 100, `50 ms gave ${atFifty} reads of 0.1 ms, a tenth would be 50`)
  clock.runFor(500)
  deepEqual(
    order,
    Array.from({ length: 200 }, (_, i) => i),
  )
})

test('what waits goes at once when messages stop coming in', () => {
  const { clock } = simEnv(3)
  clock.runFor(1000)
  const lastAppendMs = clock.wallMs()
  const busyClock = new CostlyClock(clock)
  const reads = new ColdReads(0.01, busyClock, () => lastAppendMs)
  let done = 0
  for (let i = 0; i < 500; i++) {
    reads.run(() => {
      done++
      busyClock.spend(1)
    })
  }
  ok(done < 5)
  clock.runFor(15)
  equal(done, 500)
})

type SimClock = ReturnType<typeof simEnv>['clock']

/** A clock on which work takes time: simulated code itself takes none. */
class CostlyClock {
  private readonly clock: SimClock
  private spentMs = 0

  constructor(clock: SimClock) {
    this.clock = clock
  }

  spend(ms: number): void {
    this.spentMs += ms
  }

  monotonicMs(): number {
    return this.clock.monotonicMs() + this.spentMs
  }

  wallMs(): number {
    return this.clock.wallMs()
  }

  after(delayMs: number, task: () => void): { cancel(): void } {
    return this.clock.after(delayMs, task)
  }

  soon(task: () => void): void {
    this.clock.soon(task)
  }

  endOfEvent(task: () => void): void {
    this.clock.endOfEvent(task)
  }
}
