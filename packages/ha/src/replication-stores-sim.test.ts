// Pairs and trios with real stores on simulated disks, in random trouble. APOGEE_SEED: the first seed;
// APOGEE_HA_STORE_SEEDS: how many; APOGEE_HA_STORE_SECONDS: ends it after so long, seeds left or not.
import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { storeShape } from './testing/history-plan.ts'
import { runSeeds, tellSeeds } from './testing/run-seeds.ts'
import { makeStoreLogs } from './testing/store-node-log.ts'

const FIRST_SEED = Number(process.env['APOGEE_SEED'] ?? 1)
const SEEDS = Number(process.env['APOGEE_HA_STORE_SEEDS'] ?? 60)
const SECONDS = Number(process.env['APOGEE_HA_STORE_SECONDS'] ?? Number.POSITIVE_INFINITY)

test('what was STORED is read back from the slave alone, and stores come together after any trouble', async (t) => {
  const startMs = performance.now()
  const isEnough = (): boolean => performance.now() - startMs > SECONDS * 1000
  const options = { shape: storeShape, makeLog: makeStoreLogs(), drain: () => setImmediate() }
  const result = await runSeeds({ firstSeed: FIRST_SEED, seeds: SEEDS, isEnough, ...options })
  t.diagnostic(tellSeeds(result, performance.now() - startMs))
  if (result.seeds < 60) return
  for (const what of [
    'outcome 0',
    'outcome 5',
    'kill',
    'restart',
    'full',
    'diverged',
    'retained',
  ]) {
    ok(result.counts.has(what), `${what} was never seen`)
  }
})
