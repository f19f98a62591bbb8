import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clockCompliance } from '../testing/compliance/clock.ts'
import { diskCompliance } from '../testing/compliance/disk.ts'
import type { Harness } from '../testing/compliance/harness.ts'
import { netCompliance } from '../testing/compliance/net.ts'
import { writeManyCompliance } from '../testing/compliance/write-many.ts'
import { nodeEnv } from './mod.ts'

function make(): Harness {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'apogee-env-')))
  return {
    env: nodeEnv(),
    root,
    async until(reached) {
      const endMs = performance.now() + 10_000
      while (!reached()) {
        if (performance.now() > endMs) throw new Error('waited for too long')
        await sleep(1)
      }
    },
    async pass(durationMs) {
      await sleep(durationMs + 1)
    },
    dispose() {
      rmSync(root, { recursive: true, force: true })
    },
  }
}

clockCompliance('node', make)
diskCompliance('node', make)
writeManyCompliance('node', make)
netCompliance('node', make)
