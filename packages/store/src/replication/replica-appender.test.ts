import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import {
  contentOf,
  logBytes,
  openPair,
  pieceSizes,
  seeds,
  sendDrawn,
  settle,
  stream,
} from '../testing/replica-pair.ts'
import { REPLICA_OK } from './log-replication.ts'

for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH'] as const) {
  test(`${flushDiskType}: a log in any pieces gives the same files, queues and keys`, async () => {
    for (const seed of seeds(100, 12)) {
      const prng = new Prng(seed)
      const pair = openPair(seed, { flushDiskType })
      const { master, slave } = pair
      for (let round = 0; round < 4; round++) {
        sendDrawn(master, prng, round * 40, 40)
        assert.equal(stream(pair, pieceSizes(prng)), REPLICA_OK, `seed ${seed}`)
      }
      settle(slave)
      const { written } = master.store.watermarks
      assert.equal(slave.store.watermarks.appended, written, `seed ${seed}`)
      const expected = logBytes(master.world.disk, written)
      assert.ok(expected.length > 3, 'several files')
      assert.deepEqual(logBytes(slave.world.disk, written), expected, `seed ${seed}`)
      assert.deepEqual(contentOf(slave), contentOf(master), `seed ${seed}`)
    }
  })
}
