import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Peer } from './peer.ts'
import { SyncSet } from './sync-set.ts'

interface Slave {
  following: boolean
  lapsed: boolean
  acked: number
  mustReach: number
}

const slave: fc.Arbitrary<Slave> = fc.record({
  following: fc.boolean(),
  lapsed: fc.boolean(),
  acked: fc.nat(100),
  mustReach: fc.nat(60),
})

/** Said as the rule is said, without a thought for speed. */
function naive(slaves: readonly Slave[], needed: number, gapMax: number): number[] {
  const inSync = slaves.filter(
    ({ following, lapsed, acked, mustReach }) =>
      following && !lapsed && acked >= mustReach && 100 - acked <= gapMax,
  )
  let reached = 0
  for (let offset = 0; offset <= 100; offset++) {
    if (inSync.filter(({ acked }) => acked >= offset).length >= needed) reached = offset
  }
  return [inSync.length, needed === 0 ? 0 : reached]
}

test('watermark and count are those of the rule, and the watermark never goes back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(slave, { maxLength: 6 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(100),
      (rounds, inSyncReplicas, gapMax) => {
        const set = new SyncSet({ inSyncReplicas, slaveTimeoutMs: 1, gapMax }, 100)
        let highest = 0
        for (const slaves of rounds) {
          set.settle(slaves.map(toPeer))
          const [count, reached] = naive(slaves, inSyncReplicas - 1, gapMax)
          highest = Math.max(highest, reached!)
          equal(set.count, count)
          equal(set.replicated, highest)
          equal(set.available, count! + 1 >= inSyncReplicas)
          ok(set.replicated <= 100)
        }
      },
    ),
  )
})

function toPeer({ following, lapsed, acked, mustReach }: Slave): Peer {
  const peer = new Peer('a:1', Number.POSITIVE_INFINITY, 0)
  peer.phase = following ? 'following' : 'known'
  peer.lapsed = lapsed
  peer.acked = acked
  peer.mustReach = mustReach
  return peer
}
