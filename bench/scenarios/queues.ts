// Sends that go round 80,000 queues against sends that go round 8.
import { createTopics } from '../load/raw-client.ts'
import { topicName } from '../load/send-templates.ts'
import { rowOf, type Samples } from '../report/result.ts'
import {
  type BenchOptions,
  interleave,
  type Outcome,
  type Scenario,
  startAll,
  warmUp,
} from './scenario.ts'
import { measureSends } from './send.ts'

const QUEUES_OF_A_TOPIC = 8
const SPREADS = [
  { shape: '8 queues', topic: 'FewQueues', topics: 1 },
  { shape: '80,000 queues', topic: 'ManyQueues', topics: 10_000 },
] as const

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  const [candidate] = await startAll(['apogee'], options, 'async')
  if (candidate === undefined) return { rows: [], notes: ['only Apogee is measured here'] }
  try {
    const startedMs = performance.now()
    for (const { topic, topics } of SPREADS) {
      const names = Array.from({ length: topics }, (_, index) => topicName(topic, topics, index))
      await createTopics(candidate.port, names, QUEUES_OF_A_TOPIC)
    }
    const createSeconds = (performance.now() - startedMs) / 1000
    samples.add('apogee', '80,000 queues', 0, { createSeconds })
    const load = { queues: QUEUES_OF_A_TOPIC, connections: 1, inflight: 64 }
    const common = { ...load, seconds: options.seconds, warmup: options.warmupSeconds }
    for (const { topic, topics } of SPREADS) {
      await warmUp(candidate, options, { ...load, topic, topics })
    }
    await interleave([candidate], options.rounds, async (_, round) => {
      for (const { shape, topic, topics } of SPREADS) {
        const values = await measureSends(candidate, { ...common, topic, topics }, options)
        samples.add('apogee', shape, round, values)
      }
    })
  } finally {
    await candidate.stop()
  }
  const measure = '80,000 queues against 8 queues, 1x64'
  const goal = { measure, unit: '/s', atLeast: 0.8, aim: 0.95, better: 'higher' } as const
  const rate = (shape: string): number | null => samples.median('apogee', shape, 'perSecond')
  return { rows: [rowOf(goal, rate('80,000 queues'), rate('8 queues'))], notes: [] }
}

export const queues: Scenario = { name: 'queues', summary: '80,000 queues against 8', run }
