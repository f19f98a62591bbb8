// Resident memory: idle, and after a long time at full load.

import { pause } from '../load/measured-window.ts'
import { freeGiB } from '../measure/machine.ts'
import { processUsage } from '../measure/process-usage.ts'
import { rowOf, type Samples } from '../report/result.ts'
import { type BenchOptions, type Outcome, type Scenario, startAll, stopAll } from './scenario.ts'
import { measureSends } from './send.ts'

const IDLE_SECONDS = 10
const SLICE_SECONDS = 15
/** The load ends early rather than fill the disk. */
const FREE_GIB_MIN = 15

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  const candidates = await startAll(['apogee'], options, 'async')
  const [candidate] = candidates
  if (candidate === undefined) return { rows: [], notes: ['only Apogee is measured here'] }
  const notes: string[] = []
  try {
    await pause(IDLE_SECONDS)
    samples.add('apogee', 'idle', 0, { rssMiB: processUsage(candidate.pid).rssMiB })
    const slices = Math.ceil((options.minutes * 60) / SLICE_SECONDS)
    const load = { connections: 16, inflight: 4, queues: 8, warmup: 0, seconds: SLICE_SECONDS }
    for (let slice = 0; slice < slices; slice++) {
      if (freeGiB(options.folder) < FREE_GIB_MIN) {
        notes.push(`ended after ${(slice * SLICE_SECONDS) / 60} minutes: the disk is nearly full`)
        break
      }
      const { rssMiB = 0, perSecond = 0 } = await measureSends(candidate, load, options)
      samples.add('apogee', 'loaded', slice, { rssMiB, perSecond })
    }
  } finally {
    await stopAll(candidates)
  }
  const loaded = samples.all.filter(({ shape }) => shape === 'loaded')
  const highest = Math.max(...loaded.map(({ values }) => values['rssMiB'] ?? 0))
  const goal = { unit: 'MiB', better: 'lower' } as const
  const idle = { ...goal, measure: 'memory, idle', atLeast: 120, aim: 80 }
  const minutes = Math.round(((loaded.length * SLICE_SECONDS) / 60) * 10) / 10
  const full = {
    ...goal,
    measure: `memory, ${minutes} minutes at full load`,
    atLeast: 350,
    aim: 200,
  }
  return {
    rows: [
      rowOf(idle, samples.median('apogee', 'idle', 'rssMiB'), 'limit'),
      rowOf(full, loaded.length === 0 ? null : highest, 'limit'),
    ],
    notes,
  }
}

export const memory: Scenario = { name: 'memory', summary: 'resident memory, idle and loaded', run }
