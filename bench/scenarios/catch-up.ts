// A consumer that is 1 GB behind, with and without sends meanwhile.
import { spawnSync } from 'node:child_process'
import type { CatchUpReport } from '../load/catch-up-load.ts'
import { createTopics } from '../load/raw-client.ts'
import { rowOf, type Samples } from '../report/result.ts'
import {
  type BenchOptions,
  interleave,
  type Outcome,
  runLoad,
  type Scenario,
  startAll,
  stopAll,
  warmUp,
} from './scenario.ts'

const QUEUES = 8
const BYTES = 1e9
const SHAPE = '1 GB behind'

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  const candidates = await startAll(['apogee', 'apache'], options, 'async')
  try {
    const load = { queues: QUEUES, connections: 1, inflight: 64 }
    for (const candidate of candidates) await warmUp(candidate, options, load)
    await interleave(candidates, options.rounds, async (candidate, round) => {
      const topic = `CatchUp${round}`
      await createTopics(candidate.port, [topic], QUEUES)
      if (options.cold) spawnSync('sh', ['-c', 'sync; echo 3 > /proc/sys/vm/drop_caches'])
      const { seconds, warmupSeconds: warmup } = options
      const args = { ...load, topic, bytes: BYTES, seconds, warmup }
      const report = await runLoad<CatchUpReport>('catch-up-load', candidate, args, options)
      samples.add(candidate.name, SHAPE, round, {
        readAloneMiBs: report.readAloneMiBs,
        readWithSendsMiBs: report.readWithSendsMiBs,
        sendsAlone: report.sendsAlonePerSecond,
        sendsWithRead: report.sendsWithReadPerSecond,
        sendsKept: report.sendsWithReadPerSecond / report.sendsAlonePerSecond,
      })
    })
  } finally {
    await stopAll(candidates)
  }
  const read = (name: string): number | null => samples.median(name, SHAPE, 'readAloneMiBs')
  const speed = { measure: 'catch-up read of 1 GB, against apache', unit: 'MiB/s' }
  const kept = { measure: 'sends kept during a catch-up read, of sends alone', unit: '' }
  const notes = [
    'sends are not paced: 64 in flight on one connection, as fast as they are answered',
  ]
  return {
    rows: [
      rowOf({ ...speed, atLeast: 2, aim: 4, better: 'higher' }, read('apogee'), read('apache')),
      rowOf(
        { ...kept, atLeast: 0.7, aim: 0.85, better: 'higher' },
        samples.median('apogee', SHAPE, 'sendsKept'),
        'limit',
      ),
    ],
    notes,
  }
}

export const catchUp: Scenario = { name: 'catch-up', summary: 'a consumer 1 GB behind', run }
