// A pair or trio over logs in memory, in random trouble. APOGEE_SEED: where to start; APOGEE_HA_SEEDS: how many seeds.
import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { memoryShape } from './testing/history-plan.ts'
import { makeMemoryLog } from './testing/memory-node-log.ts'
import { runSeeds } from './testing/run-seeds.ts'

const FIRST_SEED = Number(process.env['APOGEE_SEED'] ?? 1)
const SEEDS = Number(process.env['APOGEE_HA_SEEDS'] ?? 1000)

test('through any trouble a slave holds a prefix of its master, and nothing is acknowledged before it is there', async (t) => {
  const startMs = performance.now()
  const shape = memoryShape
  const options = { firstSeed: FIRST_SEED, seeds: SEEDS, shape, makeLog: makeMemoryLog }
  const result = await runSeeds(options)
  const seconds = (performance.now() - startMs) / 1000
  t.diagnostic(JSON.stringify({ ...result, counts: Object.fromEntries(result.counts), seconds }))
  ok(result.messages > result.seeds * 10, 'hardly a message')
})
