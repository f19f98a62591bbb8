// Apogee's client beside Java's and ali-ons, against Apogee's broker and against Apache's.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { startApache } from '../../e2e/harness/apache.ts'
import { startApogee } from '../../e2e/harness/apogee.ts'
import { mustRun } from '../../e2e/harness/processes.ts'
import { createTopic, waitForRoute } from '../../e2e/harness/raw-client.ts'
import type { Target, TargetKind } from '../../e2e/harness/target.ts'
import { type ClientName, clientNames, publishedEntry, runClient } from '../clients/run-client.ts'
import { type Goal, type Row, rowOf, type Samples } from '../report/result.ts'
import type { BenchOptions, Outcome, Scenario } from './scenario.ts'

const BODY_SIZE = 1024
const IN_FLIGHT = 64
const QUEUES = 8
/** What a consumer has to catch up on. */
const BACKLOG = 1_000_000
/** The JVM compiles what matters in this time. */
const JAVA_WARM_SECONDS = 15
const APACHE_WARM_SECONDS = 25
const SERVERS: readonly TargetKind[] = ['apogee', 'apache']
const PREFETCH_BYTES = 100 << 20

interface Rate {
  perSecond: number
  count: number
  failed?: number
}

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  for (const server of SERVERS.filter((one) => options.candidates.includes(one))) {
    const dir = join(options.folder, server)
    const start = server === 'apogee' ? startApogee : startApache
    const target = await start({ dir, brokerConf: { mappedFileSizeCommitLog: 1 << 30 } })
    try {
      await measure(target, options, samples)
    } finally {
      await target.kill()
    }
  }
  return { rows: rows(samples), notes: [] }
}

async function measure(target: Target, options: BenchOptions, samples: Samples): Promise<void> {
  const { namesrvAddr, kind } = target
  for (const topic of ['BenchProduce', 'BenchBacklog']) {
    await createTopic(target.brokerAddr, topic, QUEUES)
    await waitForRoute(namesrvAddr, topic)
  }
  await warmUpServer(target)
  for (let round = 0; round < options.rounds; round++) {
    for (const client of clientNames) {
      spawnSync('sync')
      const warm = client === 'java' ? JAVA_WARM_SECONDS : options.warmupSeconds
      const args = ['BenchProduce', BODY_SIZE, IN_FLIGHT, warm, options.seconds]
      const report = await runClient<Rate>(
        client,
        ['produce', namesrvAddr, ...args],
        options.folder,
      )
      samples.add(client, `produce to ${kind}`, round, {
        perSecond: report.perSecond,
        failed: report.failed ?? 0,
      })
    }
  }
  await fill(target)
  for (let round = 0; round < options.rounds; round++) {
    for (const client of clientNames) {
      const group = `bench_${client}_${round}`
      const args = ['BenchBacklog', group, BACKLOG]
      const report = await runClient<Rate>(
        client,
        ['consume', namesrvAddr, ...args],
        options.folder,
      )
      const { perSecond, count } = report
      samples.add(client, `catch up from ${kind}`, round, { perSecond, count })
    }
  }
  if (kind === 'apogee') await measureOurs(target, options, samples)
}

async function measureOurs(target: Target, options: BenchOptions, samples: Samples): Promise<void> {
  const published = await publishedEntry('client')
  for (let round = 0; round < Math.max(options.rounds, 5); round++) {
    const args = ['connect', target.namesrvAddr, 'BenchProduce', published]
    const report = await runClient<Record<string, number>>('apogee', args, options.folder)
    samples.add('apogee', 'connect', round, report)
  }
  for (let round = 0; round < options.rounds; round++) {
    const group = `bench_prefetch_${round}`
    const args = ['prefetch', target.namesrvAddr, 'BenchBacklog', group, PREFETCH_BYTES / QUEUES]
    const report = await runClient<Record<string, number>>('apogee', args, options.folder)
    samples.add('apogee', 'prefetch', round, report)
  }
}

/** No client pays for a server that has not been compiled yet. */
function warmUpServer(target: Target): Promise<void> {
  const seconds = target.kind === 'apache' ? APACHE_WARM_SECONDS : 2
  return load(target, { topic: 'BenchProduce', seconds })
}

/**
 * The backlog comes from the raw load generator, so that every client reads the same messages; a little more than is read,
 * so that nothing at the end has to be waited for.
 */
function fill(target: Target): Promise<void> {
  return load(target, { topic: 'BenchBacklog', bytes: BACKLOG * BODY_SIZE * 1.02 })
}

async function load(target: Target, more: Record<string, string | number>): Promise<void> {
  const script = join(import.meta.dirname, '..', 'load', 'send-load.ts')
  const options = {
    port: target.ports.broker,
    topics: 1,
    queues: QUEUES,
    connections: 4,
    inflight: 32,
    size: BODY_SIZE,
    warmup: 0,
    ...more,
  }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  await mustRun({ command: process.execPath, args: [script, ...args], timeoutMs: 600_000 })
}

function rows(samples: Samples): (Row | null)[] {
  const all: (Row | null)[] = []
  const against = (
    what: 'produce to' | 'catch up from',
    other: ClientName,
    atLeast: number,
    aim: number,
  ): void => {
    for (const server of SERVERS) {
      const shape = `${what} ${server}`
      const measure = `${shape}, against ${other}`
      const goal: Goal = { measure, unit: '/s', atLeast, aim, better: 'higher' }
      const rate = (client: ClientName): number | null => samples.median(client, shape, 'perSecond')
      all.push(rowOf(goal, rate('apogee'), rate(other)))
    }
  }
  against('produce to', 'java', 1, 1.5)
  against('catch up from', 'java', 1, 2)
  against('catch up from', 'ali-ons', 4, 8)
  const limit = (measure: string, unit: string, value: number | null, goals: [number, number]) => {
    const goal: Goal = { measure, unit, atLeast: goals[0], aim: goals[1], better: 'lower' }
    all.push(rowOf(goal, value, 'limit'))
  }
  const connected = samples.median('apogee', 'connect', 'connectedMs')
  limit('import to connected producer', 'ms', connected, [100, 50])
  const ratio = samples.median('apogee', 'prefetch', 'ratio')
  limit('memory of a full prefetch, over its bytes of messages', 'x', ratio, [1.5, 1.2])
  return all
}

export const clients: Scenario = {
  name: 'clients',
  summary: "Apogee's client beside Java's and ali-ons, on both brokers",
  run,
}
