// kill -9 at random moments under full load, again and again on one store.
//
//   node e2e/kill/run.ts [--cycles 50] [--seed N] [--target apogee|apache] [--flush ASYNC_FLUSH|SYNC_FLUSH|both]
//
// Exits 0 when nothing acknowledged was lost, moved, doubled or altered, nothing unsent appeared and nothing that a
// consumer
// saw disappeared; 1 otherwise, naming the seed and what happened. The kill moments follow from the seed; what the broker
// was doing at that moment does not, so a failing seed is a good start, not a proof.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startApache, startApacheNamesrv } from '../harness/apache.ts'
import { launchApogeeBroker, startApogee, startApogeeNamesrv } from '../harness/apogee.ts'
import { freePorts, type RunningProcess, temporaryFolder } from '../harness/processes.ts'
import { createTopic } from '../harness/raw-client.ts'
import { type BrokerConf, commonBrokerConf, type Ports, type Target } from '../harness/target.ts'
import { History, type Problem } from './history.ts'
import { Load, type LoadCounts, queues, readAll, topic } from './load.ts'
import { Random } from './random.ts'

const LOAD_MS_MIN = 150
const LOAD_MS_SPREAD = 700
/** How often the whole store is read; between, the lists of each cycle are kept until the next full reading. */
const FULL_READING_CYCLES = 10
const PROBLEMS_SHOWN = 20

export interface KillOptions {
  cycles: number
  seed: number
  kind: 'apogee' | 'apache'
  flush: 'ASYNC_FLUSH' | 'SYNC_FLUSH' | 'both'
  log: (line: string) => void
}

export interface KillReport {
  problems: Problem[]
  counts: LoadCounts
  slowestStartMs: number
  refusals: Map<string, number>
}

/** Small files, so that a short run crosses many file ends. */
function brokerConf(options: KillOptions, cycle: number): BrokerConf {
  const alternating = cycle % 2 === 0 ? 'ASYNC_FLUSH' : 'SYNC_FLUSH'
  return {
    flushDiskType: options.flush === 'both' ? alternating : options.flush,
    mappedFileSizeCommitLog: 16 << 20,
    mappedFileSizeConsumeQueue: 20 * 3000,
    autoCreateTopicEnable: false,
  }
}

class KillRun {
  readonly #options: KillOptions
  readonly #random: Random
  readonly #history = new History()
  readonly #positions = new Map<number, number>()
  readonly #counts: LoadCounts = { acknowledged: 0, refused: 0, unanswered: 0, consumed: 0 }
  readonly #refusals = new Map<string, number>()
  readonly #dir: string
  readonly #ports: Ports
  #slowestStartMs = 0
  #nextId = 0

  constructor(options: KillOptions, dir: string, ports: Ports) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#dir = dir
    this.#ports = ports
  }

  async run(): Promise<KillReport> {
    const namesrv = await this.#startNamesrv()
    let problems: Problem[] = []
    try {
      for (let cycle = 0; cycle < this.#options.cycles && problems.length === 0; cycle++) {
        problems = await this.#cycle(cycle)
      }
    } finally {
      await namesrv.stop()
    }
    const counts = this.#counts
    return { problems, counts, slowestStartMs: this.#slowestStartMs, refusals: this.#refusals }
  }

  async #startNamesrv(): Promise<RunningProcess> {
    const dir = join(this.#dir, 'namesrv')
    if (this.#options.kind === 'apache') return await startApacheNamesrv(dir, this.#ports.namesrv)
    return (await startApogeeNamesrv(dir, this.#ports.namesrv)).running
  }

  /** Start, check what the last kill left, load, kill. The last cycle ends with a start and a check. */
  async #cycle(cycle: number): Promise<Problem[]> {
    const { cycles, log } = this.#options
    const began = performance.now()
    const target = await this.#start(cycle)
    const startMs = performance.now() - began
    this.#slowestStartMs = Math.max(this.#slowestStartMs, startMs)
    if (cycle === 0) await createTopic(target.brokerAddr, topic, queues)
    const load = new Load(this.#history, this.#random, this.#nextId, this.#positions)
    await load.start(target.brokerAddr)
    const loadMs = LOAD_MS_MIN + this.#random.below(LOAD_MS_SPREAD)
    await new Promise((resolve) => setTimeout(resolve, loadMs))
    await target.kill()
    await load.stop()
    this.#nextId = load.nextId
    this.#add(load)
    const { acknowledged, unanswered, consumed } = load.counts
    const line = `cycle ${cycle}: start ${startMs.toFixed(0)} ms, load ${loadMs} ms, ${acknowledged} acknowledged`
    log(`${line}, ${unanswered} in the air, ${consumed} consumed`)
    if (acknowledged === 0) throw new Error(`cycle ${cycle}: the broker acknowledged nothing`)
    if (this.#random.below(4) === 0) await this.#killDuringRecovery(cycle)
    const full = (cycle + 1) % FULL_READING_CYCLES === 0 || cycle + 1 === cycles
    return full ? await this.#judge(cycle) : []
  }

  async #start(cycle: number): Promise<Target> {
    const namesrvAddr = `127.0.0.1:${this.#ports.namesrv}`
    const conf = brokerConf(this.#options, cycle)
    const options = { dir: this.#dir, namesrvAddr, ports: this.#ports, brokerConf: conf }
    return await (this.#options.kind === 'apache' ? startApache(options) : startApogee(options))
  }

  /** A second kill while the broker still recovers from the first. */
  async #killDuringRecovery(cycle: number): Promise<void> {
    if (this.#options.kind === 'apache') return
    const namesrvAddr = `127.0.0.1:${this.#ports.namesrv}`
    const given = { dir: this.#dir, brokerConf: brokerConf(this.#options, cycle) }
    const conf = commonBrokerConf(given, this.#ports, join(this.#dir, 'store'))
    const running = launchApogeeBroker(this.#dir, conf, namesrvAddr)
    await new Promise((resolve) => setTimeout(resolve, this.#random.below(400)))
    running.kill()
    await running.exited
  }

  async #judge(cycle: number): Promise<Problem[]> {
    const target = await this.#start(cycle)
    try {
      const log = await readAll(target.brokerAddr)
      const problems = this.#history.judge(log)
      const promised = this.#history.acknowledged.size
      this.#options.log(`cycle ${cycle}: ${log.length} messages in the log, ${promised} promised`)
      return problems
    } finally {
      await target.kill()
    }
  }

  #add(load: Load): void {
    for (const key of ['acknowledged', 'refused', 'unanswered', 'consumed'] as const) {
      this.#counts[key] += load.counts[key]
    }
    for (const [reason, count] of load.refusals) {
      this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + count)
    }
  }
}

export async function killRun(options: KillOptions): Promise<KillReport> {
  const dir = temporaryFolder('kill')
  const ports = { namesrv: await freePorts(1), broker: (await freePorts(4)) + 2 }
  return await new KillRun(options, dir, ports).run()
}

export function showReport(report: KillReport, options: KillOptions): void {
  const { acknowledged, refused, unanswered, consumed } = report.counts
  const { log } = options
  log(
    `${acknowledged} acknowledged, ${refused} refused, ${unanswered} in the air, ${consumed} consumed`,
  )
  for (const [reason, count] of report.refusals) log(`refused ${count} times: ${reason}`)
  log(`slowest start ${report.slowestStartMs.toFixed(0)} ms`)
  for (const { kind, detail } of report.problems.slice(0, PROBLEMS_SHOWN)) log(`${kind}: ${detail}`)
  if (report.problems.length > 0) {
    log(`${report.problems.length} problems; repeat with --seed ${options.seed}`)
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      target: { type: 'string', default: 'apogee' },
      flush: { type: 'string', default: 'both' },
    },
  })
  const options: KillOptions = {
    cycles: Number(values.cycles),
    seed: Number(values.seed),
    kind: values.target === 'apache' ? 'apache' : 'apogee',
    flush: values.flush === 'both' || values.flush === 'ASYNC_FLUSH' ? values.flush : 'SYNC_FLUSH',
    log: (line) => console.log(line),
  }
  console.log(`seed ${options.seed}`)
  const report = await killRun(options)
  showReport(report, options)
  process.exitCode = report.problems.length === 0 ? 0 : 1
}

if (import.meta.main) await main()
