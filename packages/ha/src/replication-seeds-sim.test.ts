// Pairs and trios over logs in memory, in random trouble: `npm run test:seeds` runs ten thousand and more. APOGEE_SEED:
// the first seed; APOGEE_HA_SEEDS: how many.
import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { memoryShape } from './testing/history-plan.ts'
import { makeMemoryLog } from './testing/memory-node-log.ts'
import { runSeeds, tellSeeds } from './testing/run-seeds.ts'

const FIRST_SEED = Number(process.env['APOGEE_SEED'] ?? 1)
const SEEDS = Number(process.env['APOGEE_HA_SEEDS'] ?? 1000)

/** What must have happened, on average, in so many seeds. */
const SEEN: Readonly<Record<string, number>> = {
  'outcome 0': 1,
  'outcome 4': 25,
  'outcome 5': 1,
  cut: 2,
  block: 2,
  delay: 2,
  pause: 2,
  kill: 1,
  restart: 4,
  slow: 4,
  full: 4,
  follow: 2,
  intrude: 4,
  retained: 25,
  diverged: 40,
  wiped: 50,
  HA_CONNECTION_LOST: 2,
  HA_PEER_SILENT: 50,
  HA_LOG_GONE: 100,
  HA_DIVERGED_TOO_FAR: 100,
}

test('through any trouble a slave holds a prefix of its master, and nothing is acknowledged before it is there', async (t) => {
  const startMs = performance.now()
  const options = { shape: memoryShape, makeLog: makeMemoryLog }
  const result = await runSeeds({ firstSeed: FIRST_SEED, seeds: SEEDS, ...options })
  t.diagnostic(tellSeeds(result, performance.now() - startMs))
  if (SEEDS < 1000) return
  for (const [what, every] of Object.entries(SEEN)) {
    const count = result.counts.get(what) ?? 0
    ok(count * every >= SEEDS, `${what} was seen ${count} times only`)
  }
})
