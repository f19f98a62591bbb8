// npm run bench -- [scenario ...] [options]. Without names it runs every scenario, one after another.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { candidateNames } from './candidates/candidate.ts'
import { hotFunctions, printHotFunctions, readProfiles } from './measure/cpu-profile.ts'
import { machineFacts } from './measure/machine.ts'
import { printResult, writeResult } from './report/print.ts'
import { Samples, type ScenarioResult } from './report/result.ts'
import { catchUp } from './scenarios/catch-up.ts'
import { clients } from './scenarios/clients.ts'
import { clusterStart } from './scenarios/cluster-start.ts'
import { failoverRead, failoverSend } from './scenarios/failover.ts'
import { header } from './scenarios/header.ts'
import { latency } from './scenarios/latency.ts'
import { memory } from './scenarios/memory.ts'
import { queues } from './scenarios/queues.ts'
import { replicationAsync } from './scenarios/replication-async.ts'
import { replicationCatchUp } from './scenarios/replication-catch-up.ts'
import { replicationSync, replicationSyncFlush } from './scenarios/replication-writes.ts'
import { restart } from './scenarios/restart.ts'
import type { BenchOptions, Scenario } from './scenarios/scenario.ts'
import { sendAsync, sendSync } from './scenarios/send.ts'
import { start } from './scenarios/start.ts'

const scenarios: readonly Scenario[] = [
  sendAsync,
  sendSync,
  header,
  latency,
  catchUp,
  queues,
  start,
  restart,
  memory,
  clients,
  clusterStart,
  replicationSync,
  replicationSyncFlush,
  replicationAsync,
  replicationCatchUp,
  failoverRead,
  failoverSend,
]

const HOT_FUNCTIONS = 30

const HELP = `npm run bench -- [scenario ...] [options]

Scenarios:
${scenarios.map(({ name, summary }) => `  ${name.padEnd(24)}${summary}`).join('\n')}

Options:
  --candidates LIST   which of ${candidateNames.join(',')} to measure (all)
  --rounds N          rounds of A B A B (5)
  --seconds S         measured time of one run (5)
  --warmup S          time before it that does not count (2)
  --pin               server on core 0, load on core 1 (needs taskset)
  --minutes M         length of the memory scenario (10)
  --sizes LIST        sizes of the restart scenario in GB (2,10)
  --cold              drop the page cache before a catch-up read (needs root)
  --folder DIR        where the stores go (.cache/bench)
  --profile           profile Apogee and list its hottest functions (implies --no-write)
  --no-write          print only, leave bench/results alone
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    candidates: { type: 'string', default: candidateNames.join(',') },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    warmup: { type: 'string', default: '2' },
    pin: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
    sizes: { type: 'string', default: '2,10' },
    cold: { type: 'boolean', default: false },
    folder: { type: 'string', default: join(import.meta.dirname, '..', '.cache', 'bench') },
    profile: { type: 'boolean', default: false },
    write: { type: 'boolean', default: true },
    help: { type: 'boolean', default: false },
  },
})

function positive(text: string, name: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name}: not a positive number: ${text}`)
  return value
}

function benchOptions(): BenchOptions {
  const wanted = values.candidates.split(',')
  const unknown = wanted.filter((name) => !candidateNames.some((one) => one === name))
  if (unknown.length > 0) throw new Error(`--candidates: unknown: ${unknown.join(', ')}`)
  return {
    candidates: candidateNames.filter((name) => wanted.includes(name)),
    rounds: positive(values.rounds, 'rounds'),
    seconds: positive(values.seconds, 'seconds'),
    warmupSeconds: positive(values.warmup, 'warmup'),
    pin: values.pin,
    profileFolder: values.profile ? join(values.folder, `profiles-${process.pid}`) : null,
    folder: values.folder,
    minutes: positive(values.minutes, 'minutes'),
    sizesGb: values.sizes.split(',').map((size) => positive(size, 'sizes')),
    cold: values.cold,
  }
}

async function runScenario(scenario: Scenario, options: BenchOptions): Promise<void> {
  const startedAt = new Date().toISOString()
  const folder = join(options.folder, `${scenario.name}-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  const samples = new Samples()
  try {
    const { rows, notes } = await scenario.run({ ...options, folder }, samples)
    const { candidates, sizesGb, folder: _folder, profileFolder, ...plain } = options
    const result: ScenarioResult = {
      scenario: scenario.name,
      startedAt,
      machine: machineFacts(folder),
      options: { ...plain, candidates: candidates.join(','), sizesGb: sizesGb.join(',') },
      samples: samples.all,
      rows: rows.filter((row) => row !== null),
      notes,
    }
    printResult(result)
    if (profileFolder !== null) printProfiles(profileFolder)
    else if (values.write) writeResult(result)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function printProfiles(folder: string): void {
  console.log(`\n  own time of Apogee's functions (profiles in ${folder})`)
  printHotFunctions(hotFunctions(readProfiles(folder)), HOT_FUNCTIONS)
}

if (values.help) console.log(HELP)
else {
  const names = positionals.length > 0 ? positionals : scenarios.map(({ name }) => name)
  const options = benchOptions()
  for (const name of names) {
    const scenario = scenarios.find((one) => one.name === name)
    if (scenario === undefined) throw new Error(`no scenario ${name}\n\n${HELP}`)
    await runScenario(scenario, options)
  }
}
