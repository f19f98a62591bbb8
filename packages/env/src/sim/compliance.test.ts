import { clockCompliance } from '../testing/compliance/clock.ts'
import { diskCompliance } from '../testing/compliance/disk.ts'
import type { Harness } from '../testing/compliance/harness.ts'
import { netCompliance } from '../testing/compliance/net.ts'
import { writeManyCompliance } from '../testing/compliance/write-many.ts'
import { simEnv } from './world.ts'

function make(): Harness {
  const env = simEnv(42)
  env.disk.makeFolder('/root')
  return {
    env,
    root: '/root',
    until: async (reached) => {
      if (!env.clock.runUntil(reached)) throw new Error('waited for too long')
    },
    pass: async (durationMs) => env.clock.runFor(durationMs),
    dispose() {},
  }
}

clockCompliance('sim', make)
diskCompliance('sim', make)
writeManyCompliance('sim', make)
netCompliance('sim', make)
