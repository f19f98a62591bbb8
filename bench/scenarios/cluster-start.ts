// startCluster() of the published package: from the call to a cluster that takes messages, in a process of its own.
import { fileURLToPath } from 'node:url'
import { mustRun } from '../../e2e/harness/processes.ts'
import { publishedEntry } from '../clients/run-client.ts'
import { type Goal, rowOf, type Samples } from '../report/result.ts'
import type { BenchOptions, Outcome, Scenario } from './scenario.ts'

const PROGRAM = fileURLToPath(new URL('../clients/start-clusters.ts', import.meta.url))
const STARTS = 50

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  const published = await publishedEntry('apogee')
  for (let round = 0; round < options.rounds; round++) {
    const args = [PROGRAM, String(STARTS), published]
    const text = await mustRun({ command: process.execPath, args, timeoutMs: 120_000 })
    samples.add('apogee', 'startCluster', round, JSON.parse(text) as Record<string, number>)
  }
  const goal: Goal = {
    measure: 'startCluster() ready, median of 50',
    unit: 'ms',
    atLeast: 100,
    aim: 30,
    better: 'lower',
  }
  const first: Goal = { ...goal, measure: 'startCluster() ready, the first of a process' }
  const value = (name: string): number | null => samples.median('apogee', 'startCluster', name)
  return {
    rows: [rowOf(goal, value('p50Ms'), 'limit'), rowOf(first, value('firstMs'), 'limit')],
    notes: [],
  }
}

export const clusterStart: Scenario = {
  name: 'cluster-start',
  summary: 'startCluster() to ready, in process',
  run,
}
