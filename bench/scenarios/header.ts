// JSON headers against our own binary ones.
import { rowOf, type Samples } from '../report/result.ts'
import {
  type BenchOptions,
  interleave,
  type Outcome,
  type Scenario,
  startAll,
  stopAll,
  warmUp,
} from './scenario.ts'
import { measureSends } from './send.ts'

const FORMS = ['binary', 'json'] as const

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  const candidates = await startAll(['apogee', 'apache'], options, 'async')
  try {
    const load = { connections: 1, inflight: 64, seconds: options.seconds }
    for (const candidate of candidates) {
      for (const form of FORMS) await warmUp(candidate, options, { ...load, form })
    }
    await interleave(candidates, options.rounds, async (candidate, round) => {
      for (const form of FORMS) {
        const values = await measureSends(
          candidate,
          { ...load, form, warmup: options.warmupSeconds },
          options,
        )
        samples.add(candidate.name, form, round, values)
      }
    })
  } finally {
    await stopAll(candidates)
  }
  const measure = 'JSON header against binary header, 1x64'
  const goal = { measure, unit: '/s', atLeast: 0.75, aim: 0.9, better: 'higher' } as const
  const rate = (form: string): number | null => samples.median('apogee', form, 'perSecond')
  return { rows: [rowOf(goal, rate('json'), rate('binary'))], notes: [] }
}

export const header: Scenario = { name: 'header', summary: 'JSON against binary headers', run }
