// Time to ready after kill -9 under load, with a small and with a large store.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Candidate } from '../candidates/candidate.ts'
import { startCandidate } from '../candidates/start-candidate.ts'
import { pause } from '../load/measured-window.ts'
import { rowOf, type Samples } from '../report/result.ts'
import { type BenchOptions, type Outcome, runLoad, type Scenario } from './scenario.ts'

const LOAD = { connections: 16, inflight: 4, queues: 8, warmup: 0 }

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  if (!options.candidates.includes('apogee')) {
    return { rows: [], notes: ['only Apogee is measured here'] }
  }
  for (const sizeGb of options.sizesGb) await restarts(sizeGb, options, samples)
  const rows = options.sizesGb.map((sizeGb) => {
    const measure = `restart after kill -9 with ${sizeGb} GB stored`
    const goal = { measure, unit: 's', atLeast: 1, aim: 0.3, better: 'lower' } as const
    return rowOf(goal, samples.median('apogee', `${sizeGb} GB`, 'readySeconds'), 'limit')
  })
  return { rows, notes: [] }
}

async function restarts(sizeGb: number, options: BenchOptions, samples: Samples): Promise<void> {
  const folder = join(options.folder, `restart-${sizeGb}-${Date.now()}`)
  const start = async (): Promise<Candidate> =>
    await startCandidate('apogee', { ...options, flush: 'async', folder })
  let candidate = await start()
  try {
    await runLoad('send-load', candidate, { ...LOAD, bytes: sizeGb * 1e9 }, options)
    for (let round = 0; round < options.rounds; round++) {
      await killUnderLoad(candidate, options)
      spawnSync('sync')
      candidate = await start()
      samples.add('apogee', `${sizeGb} GB`, round, { readySeconds: candidate.readyMs / 1000 })
    }
  } finally {
    await candidate.kill()
  }
}

/** SIGKILL in the middle of a load; that the load then fails is the point. */
async function killUnderLoad(candidate: Candidate, options: BenchOptions): Promise<void> {
  const load = runLoad('send-load', candidate, { ...LOAD, seconds: 60 }, options)
  const ended = load.then(
    () => false,
    () => true,
  )
  await pause(2)
  await candidate.kill()
  if (!(await ended)) throw new Error('the load went on after the broker was killed')
}

export const restart: Scenario = { name: 'restart', summary: 'ready again after kill -9', run }
