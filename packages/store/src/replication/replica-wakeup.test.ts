import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPair, readRaw } from '../testing/replica-pair.ts'
import { REPLICA_OK } from './log-replication.ts'

for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH'] as const) {
  test(`${flushDiskType}: who waits for a full writer hears when it has room, though nothing else happens`, () => {
    const { master, slave } = openPair(7, { flushDiskType }, { pendingBytesMax: 1000 })
    for (let i = 0; i < 8; i++) master.sendAndWait({ body: 'x'.repeat(200) })
    const { replica } = slave.store.replication
    let heardOfRoom = false
    slave.store.replication.onProgress(() => {
      if (!replica.full) heardOfRoom = true
    })
    const bytes = readRaw(master, 0, master.store.replication.written)
    assert.equal(replica.append(0, bytes, true), REPLICA_OK)
    assert.equal(replica.full, true)
    slave.runUntil(() => !replica.full)
    slave.world.clock.runFor(5)
    assert.equal(heardOfRoom, true)
  })
}
