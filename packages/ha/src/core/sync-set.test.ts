import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Peer } from './peer.ts'
import { SyncSet } from './sync-set.ts'

const empty = { written: 0, stored: 0 }
const hundred = { written: 100, stored: 100 }

interface Slave {
  following: boolean
  lapsed: boolean
  acked: number
  mustReach: number
  holdsFrom: number
}

const slave: fc.Arbitrary<Slave> = fc.record({
  following: fc.boolean(),
  lapsed: fc.boolean(),
  acked: fc.nat(100),
  mustReach: fc.nat(60),
  holdsFrom: fc.oneof(fc.constant(0), fc.nat(100)),
})

/** Said as the rule is said, without a thought for speed. */
class Naive {
  inSync: Slave[] = []
  replicated = 0
  settled = 0
  end = 0
  stored = 0
  private readonly needed: number
  private readonly gapMax: number

  constructor(needed: number, gapMax: number) {
    this.needed = needed
    this.gapMax = gapMax
  }

  get available(): boolean {
    return this.inSync.length >= this.needed
  }

  settle(slaves: readonly Slave[]): void {
    if (this.needed < 1 || !this.available) this.settled = Math.max(this.settled, this.stored)
    for (let round = 0; round < 10; round++) {
      this.inSync = slaves.filter(
        ({ following, lapsed, acked, mustReach, holdsFrom }) =>
          following &&
          !lapsed &&
          acked >= mustReach &&
          holdsFrom <= this.settled &&
          this.end - acked <= this.gapMax,
      )
      this.raise()
      this.settled = Math.max(this.settled, this.replicated)
    }
  }

  private raise(): void {
    for (let offset = this.replicated + 1; this.needed > 0 && offset <= 200; offset++) {
      const holders = this.inSync.filter((it) => it.holdsFrom < offset && it.acked >= offset)
      // Only what somebody has acknowledged exactly is an offset to speak of.
      const isSaid = this.inSync.some(({ acked }) => acked === offset)
      if (isSaid && holders.length >= this.needed) this.replicated = offset
    }
  }
}

test('watermark and count are those of the rule, and the watermark never goes back', () => {
  const round = fc.record({
    slaves: fc.array(slave, { maxLength: 6 }),
    grows: fc.nat(40),
    waits: fc.nat(20),
  })
  fc.assert(
    fc.property(
      fc.array(round, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(100),
      (rounds, inSyncReplicas, gapMax) => {
        const set = new SyncSet({ inSyncReplicas, slaveTimeoutMs: 1, gapMax }, empty)
        const naive = new Naive(inSyncReplicas - 1, gapMax)
        for (const { slaves, grows, waits } of rounds) {
          const before = set.replicated
          set.end += grows
          naive.end = set.end
          set.stored = Math.max(set.stored, set.end - waits)
          naive.stored = set.stored
          set.settle(slaves.map(toPeer))
          naive.settle(slaves)
          equal(set.count, naive.inSync.length)
          equal(set.replicated, naive.replicated)
          equal(set.available, naive.available)
          ok(set.replicated >= before)
        }
      },
    ),
  )
})

test('a slave that begins at the last file does not answer for what waits below it', () => {
  const set = new SyncSet({ inSyncReplicas: 2, slaveTimeoutMs: 1, gapMax: 1_000 }, hundred)
  const plain = { following: true, lapsed: false, mustReach: 0 }
  const slow = toPeer({ ...plain, acked: 100, holdsFrom: 0 })
  set.settle([slow])
  ok(set.available)
  set.end = 300
  const fresh = toPeer({ ...plain, acked: 300, holdsFrom: 200 })
  set.settle([slow, fresh])
  // A message at 150 waits for the slow one.
  equal(set.replicated, 100)
  slow.acked = 200
  set.settle([slow, fresh])
  equal(set.replicated, 300)
  // When none was in sync nobody waited, but for what the master has to sync itself.
  const other = new SyncSet({ inSyncReplicas: 2, slaveTimeoutMs: 1, gapMax: 1_000 }, hundred)
  other.end = 300
  other.settle([fresh])
  equal(other.available, false)
  other.stored = 300
  other.settle([fresh])
  equal(other.replicated, 300)
})

function toPeer({ following, lapsed, acked, mustReach, holdsFrom }: Slave): Peer {
  const peer = new Peer('a:1', Number.POSITIVE_INFINITY, 0)
  peer.phase = following ? 'following' : 'known'
  peer.lapsed = lapsed
  peer.acked = acked
  peer.mustReach = mustReach
  peer.holdsFrom = holdsFrom
  return peer
}
