// Sends against the floor and against Apache's broker, and what they cost the broker in CPU time.
import type { Candidate, FlushMode } from '../candidates/candidate.ts'
import type { SendReport } from '../load/send-load.ts'
import { type Goal, type Row, rowOf, type Samples } from '../report/result.ts'
import {
  type BenchOptions,
  interleave,
  type LoadArguments,
  type Outcome,
  runLoad,
  type Scenario,
  startAll,
  stopAll,
  warmUp,
} from './scenario.ts'

export const SHAPES: readonly { shape: string; connections: number; inflight: number }[] = [
  { shape: '1x64', connections: 1, inflight: 64 },
  { shape: '16x4', connections: 16, inflight: 4 },
  { shape: '1x1', connections: 1, inflight: 1 },
]

interface Limits {
  floor: readonly [number, number]
  floorOneInFlight: readonly [number, number]
  apache: readonly [number, number]
}

const LIMITS: Readonly<Record<FlushMode, Limits>> = {
  async: { floor: [0.6, 0.8], floorOneInFlight: [0.8, 0.95], apache: [1.5, 2.5] },
  sync: { floor: [0.75, 0.9], floorOneInFlight: [0.8, 0.95], apache: [1.8, 2.5] },
}
const CPU_LIMITS = [1 / 2, 1 / 3] as const

/** One measured run: rate, latencies, CPU time of the server for each message. */
export async function measureSends(
  candidate: Pick<Candidate, 'port' | 'pid'>,
  load: LoadArguments,
  options: BenchOptions,
): Promise<Record<string, number>> {
  const report = await runLoad<SendReport>('send-load', candidate, load, options)
  const refused = Object.values(report.failed).reduce((sum, count) => sum + count, 0)
  return {
    perSecond: report.perSecond,
    p50Ms: report.latency.p50Ms,
    p99Ms: report.latency.p99Ms,
    refused,
    cpuMicrosPerMessage: ((report.serverCpuSeconds ?? 0) * 1e6) / Math.max(1, report.stored),
    clientCores: report.clientCpuSeconds / report.seconds,
    rssMiB: report.serverRssMiB ?? 0,
  }
}

function sendScenario(flush: FlushMode): Scenario {
  const run = async (options: BenchOptions, samples: Samples): Promise<Outcome> => {
    const candidates = await startAll(['floor', 'apogee', 'apache'], options, flush)
    try {
      const load = { topic: 'BenchTopic', queues: 4, seconds: options.seconds }
      for (const candidate of candidates) {
        await warmUp(candidate, options, { ...load, connections: 4, inflight: 16 })
      }
      for (const { shape, connections, inflight } of SHAPES) {
        await interleave(candidates, options.rounds, async (candidate, round) => {
          const shaped = { ...load, warmup: options.warmupSeconds, connections, inflight }
          const values = await measureSends(candidate, shaped, options)
          samples.add(candidate.name, shape, round, values)
        })
      }
    } finally {
      await stopAll(candidates)
    }
    return { rows: rows(flush, samples), notes: [] }
  }
  return { name: `send-${flush}`, summary: `sends, ${flush} flush: floor, Apogee, Apache`, run }
}

function rows(flush: FlushMode, samples: Samples): (Row | null)[] {
  const limits = LIMITS[flush]
  const all: (Row | null)[] = []
  for (const { shape } of SHAPES) {
    const ours = samples.median('apogee', shape, 'perSecond')
    const against = (other: string, [atLeast, aim]: readonly [number, number]): void => {
      const measure = `${flush} flush, ${shape}, against ${other}`
      const goal: Goal = { measure, unit: '/s', atLeast, aim, better: 'higher' }
      all.push(rowOf(goal, ours, samples.median(other, shape, 'perSecond')))
    }
    against('floor', shape === '1x1' ? limits.floorOneInFlight : limits.floor)
    if (shape !== '1x1') against('apache', limits.apache)
  }
  const [atLeast, aim] = CPU_LIMITS
  const measure = `${flush} flush, broker CPU for each message, against apache`
  const goal: Goal = { measure, unit: 'µs', atLeast, aim, better: 'lower' }
  const cpu = (name: string): number | null => samples.median(name, '1x64', 'cpuMicrosPerMessage')
  all.push(rowOf(goal, cpu('apogee'), cpu('apache')))
  return all
}

export const sendAsync: Scenario = sendScenario('async')
export const sendSync: Scenario = sendScenario('sync')
