// Send-to-receive latency at half of the rate that Apache's broker reaches, ours and Apache's.

import type { LatencyReport } from '../load/latency-load.ts'
import { createTopics } from '../load/raw-client.ts'
import type { SendReport } from '../load/send-load.ts'
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
const TOPIC = 'LatencyTopic'
/** When Apache's broker is not among the candidates. */
const RATE_WITHOUT_APACHE = 20_000

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  const candidates = await startAll(['apogee', 'apache'], options, 'async')
  try {
    const load = { topic: TOPIC, queues: QUEUES, connections: 4, inflight: 16 }
    for (const candidate of candidates) {
      await createTopics(candidate.port, [TOPIC], QUEUES)
      await warmUp(candidate, options, load)
    }
    const apache = candidates.find(({ name }) => name === 'apache')
    let rate = RATE_WITHOUT_APACHE
    if (apache !== undefined) {
      const top = { ...load, connections: 1, inflight: 64, seconds: options.seconds }
      const report = await runLoad<SendReport>('send-load', apache, top, options)
      rate = Math.round(report.perSecond / 2)
    }
    const paced = { ...load, inflight: 1024, rate, warmup: options.warmupSeconds }
    await interleave(candidates, options.rounds, async (candidate, round) => {
      const args = { ...paced, seconds: options.seconds }
      const report = await runLoad<LatencyReport>('latency-load', candidate, args, options)
      samples.add(candidate.name, `${rate}/s`, round, {
        p50Ms: report.sendToReceive.p50Ms,
        p99Ms: report.sendToReceive.p99Ms,
        p999Ms: report.sendToReceive.p999Ms,
        ackP99Ms: report.sendToAck.p99Ms,
        perSecond: report.perSecond,
        missing: report.sent - report.received,
        owed: report.owed,
      })
    })
    const measure = `send-to-receive p99 at ${rate}/s, against apache`
    const goal = { measure, unit: 'ms', atLeast: 1 / 2, aim: 1 / 5, better: 'lower' } as const
    const p99 = (name: string): number | null => samples.median(name, `${rate}/s`, 'p99Ms')
    return { rows: [rowOf(goal, p99('apogee'), p99('apache'))], notes: [] }
  } finally {
    await stopAll(candidates)
  }
}

export const latency: Scenario = { name: 'latency', summary: 'send-to-receive latency', run }
