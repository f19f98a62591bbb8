import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { SimClock } from '../sim/mod.ts'
import { simEnv } from '../sim/world.ts'
import { diskCompliance } from '../testing/compliance/disk.ts'
import type { Harness } from '../testing/compliance/harness.ts'
import { writeManyCompliance } from '../testing/compliance/write-many.ts'
import { MemoryDisk } from './mod.ts'

function make(): Harness {
  const world = simEnv(42)
  const disk = new MemoryDisk({ clock: world.clock })
  disk.makeFolder('/root')
  return {
    env: { ...world, clock: world.clock, disk },
    root: '/root',
    until: async (reached) => {
      if (!world.clock.runUntil(reached)) throw new Error('waited for too long')
    },
    pass: async (durationMs) => world.clock.runFor(durationMs),
    dispose() {},
  }
}

diskCompliance('memory', make)
writeManyCompliance('memory', make)

test('a full disk takes what fits, says ENOSPC, and gives space back with the last handle', () => {
  const disk = new MemoryDisk({ clock: new SimClock(), capacityBytes: 3 * 4096 })
  const file = disk.open('/f', { create: true, size: 2 ** 30 })
  equal(disk.usedBytes, 0)
  file.writeNow(Buffer.alloc(8192, 1), 0)
  throws(() => file.writeNow(Buffer.alloc(8192, 2), 8192), { code: 'ENOSPC' })
  deepEqual(disk.space('/'), { total: 12_288, free: 0 })
  file.truncate(1)
  equal(disk.usedBytes, 4096)
  disk.remove('/f')
  equal(disk.usedBytes, 4096)
  file.close()
  equal(disk.usedBytes, 0)
})
