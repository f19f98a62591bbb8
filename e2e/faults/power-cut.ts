// Power cuts under full load: forced shutdown of the file system that holds the store, again and again.
//
//   node e2e/faults/power-cut.ts [--cycles 50] [--seed N] [--fs ext4|xfs] [--flush SYNC_FLUSH|ASYNC_FLUSH]
//
// Exits 0 when SYNC_FLUSH kept every promise, or when ASYNC_FLUSH lost something and nothing but the newest; 1 otherwise.
// The moments follow from the seed; what the broker was doing then does not.
import { parseArgs } from 'node:util'
import type { RunningProcess } from '../harness/processes.ts'
import { createTopic } from '../harness/raw-client.ts'
import type { Problem, Sighting } from '../kill/history.ts'
import { Load, queues, readAll, topic } from '../kill/load.ts'
import { Random } from '../kill/random.ts'
import { CutHistory } from './cut-history.ts'
import { endOf, FaultBroker, killAndWait } from './fault-broker.ts'
import { readLog } from './log-on-disk.ts'
import { requireTools } from './tools.ts'
import { type FileSystem, LoopVolume } from './volume.ts'

const VOLUME_MIB = 1024
/** A fresh file system after so many bytes of log: the volume never fills. */
const LOG_BYTES_MAX = 256 << 20
const LOAD_MS_MIN = 100
const LOAD_MS_SPREAD = 700
/** Every so-many-th cut is followed by one while the broker recovers. */
const CUT_DURING_RECOVERY = 4
/** A broker under load meets the dead disk at once, and must end by itself. */
const EXIT_MS_MAX = 3000

export interface PowerCutOptions {
  fileSystem: FileSystem
  flush: 'SYNC_FLUSH' | 'ASYNC_FLUSH'
  cycles: number
  seed: number
  log: (line: string) => void
}

export interface PowerCutReport {
  problems: Problem[]
  acknowledged: number
  /** Acknowledged messages that were gone after a cut. */
  lost: number
}

class PowerCutRun {
  readonly #options: PowerCutOptions
  readonly #random: Random
  readonly #volume: LoopVolume
  readonly #broker: FaultBroker
  readonly #report: PowerCutReport = { problems: [], acknowledged: 0, lost: 0 }
  #history = new CutHistory()
  #positions = new Map<number, number>()
  #nextId = 0
  #fresh = true

  constructor(options: PowerCutOptions, volume: LoopVolume, broker: FaultBroker) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#volume = volume
    this.#broker = broker
  }

  async run(): Promise<PowerCutReport> {
    for (let cycle = 0; cycle < this.#options.cycles; cycle++) {
      await this.#cycle(cycle)
      if (this.#report.problems.length > 0) break
    }
    return this.#report
  }

  async #cycle(cycle: number): Promise<void> {
    const { running } = await this.#broker.start()
    try {
      if (this.#fresh) await createTopic(this.#broker.brokerAddr, topic, queues)
      this.#fresh = false
      const load = new Load(this.#history, this.#random, this.#nextId, this.#positions)
      await load.start(this.#broker.brokerAddr)
      const loadMs = LOAD_MS_MIN + this.#random.below(LOAD_MS_SPREAD)
      await new Promise((resolve) => setTimeout(resolve, loadMs))
      const power = await this.#volume.armPowerCut()
      this.#history.cutBegins()
      await power.cut()
      this.#history.cutIsDone()
      await this.#expectExit(running)
      await load.stop()
      this.#nextId = load.nextId
      this.#report.acknowledged += load.counts.acknowledged
      const { acknowledged, consumed } = load.counts
      const line = `cycle ${cycle}: ${loadMs} ms, ${acknowledged} acknowledged, ${consumed} consumed`
      if (acknowledged === 0) throw new Error(`${line}: no load`)
      this.#options.log(line)
    } finally {
      await killAndWait(running)
    }
    await this.#volume.remount()
    this.#history.powerIsBack()
    if (this.#random.below(CUT_DURING_RECOVERY) === 0) await this.#cutDuringRecovery()
    await this.#judge(cycle)
  }

  async #expectExit(running: RunningProcess): Promise<void> {
    const end = await endOf(running, EXIT_MS_MAX)
    if (end !== null && end.code !== 0 && end.code !== null) return
    const how = end === null ? `still ran after ${EXIT_MS_MAX} ms` : `exited ${end.code}`
    throw new Error(`the broker met a dead disk and ${how}`)
  }

  async #cutDuringRecovery(): Promise<void> {
    const running = this.#broker.launch()
    const power = await this.#volume.armPowerCut()
    await new Promise((resolve) => setTimeout(resolve, this.#random.below(500)))
    await power.cut()
    await killAndWait(running)
    await this.#volume.remount()
  }

  async #judge(cycle: number): Promise<void> {
    const { running } = await this.#broker.start()
    let found: Sighting[]
    try {
      found = await readAll(this.#broker.brokerAddr)
    } finally {
      await killAndWait(running)
    }
    this.#add(this.#judgeLog(found))
    const problems = this.#history.judge(found)
    if (this.#options.flush === 'SYNC_FLUSH') {
      this.#add(problems)
    } else {
      const losses = problems.filter(({ kind }) => kind === 'lost')
      this.#report.lost += losses.length
      this.#add(problems.filter(({ kind }) => kind !== 'lost' && kind !== 'disappeared'))
      this.#startAnew(found)
      this.#options.log(`cycle ${cycle}: ${losses.length} lost, ${found.length} kept`)
    }
    if (readLog(this.#broker.storeDir).end > LOG_BYTES_MAX) await this.#reformat()
  }

  /** The files hold one unbroken log, with exactly what the broker shows. */
  #judgeLog(found: readonly Sighting[]): Problem[] {
    const { records, remainsAt } = readLog(this.#broker.storeDir)
    const stored = records.filter((record) => record.topic === topic).length
    const problems: Problem[] = []
    if (stored !== found.length) {
      const detail = `${stored} records in the files, ${found.length} shown`
      problems.push({ kind: 'phantom', detail })
    }
    if (remainsAt !== null) {
      problems.push({ kind: 'phantom', detail: `remains of a record at ${remainsAt}` })
    }
    return problems
  }

  /** What a cut left is promised from now on: it is on the disk. */
  #startAnew(found: readonly Sighting[]): void {
    this.#history = new CutHistory()
    this.#positions = new Map()
    for (const sighting of found) {
      this.#history.recordSend(sighting.id, sighting.digest)
      this.#history.recordAcknowledgement(sighting)
    }
  }

  async #reformat(): Promise<void> {
    await this.#volume.reformat()
    this.#startAnew([])
    this.#fresh = true
  }

  #add(problems: readonly Problem[]): void {
    this.#report.problems.push(...problems)
  }
}

export async function powerCutRun(options: PowerCutOptions): Promise<PowerCutReport> {
  const volume = await LoopVolume.create(options.fileSystem, VOLUME_MIB)
  const broker = await FaultBroker.prepare(volume.path, { flushDiskType: options.flush })
  try {
    return await new PowerCutRun(options, volume, broker).run()
  } finally {
    await broker.dispose()
    await volume.dispose()
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      fs: { type: 'string', default: 'ext4' },
      flush: { type: 'string', default: 'SYNC_FLUSH' },
    },
  })
  await requireTools()
  const options: PowerCutOptions = {
    cycles: Number(values.cycles),
    seed: Number(values.seed),
    fileSystem: values.fs === 'xfs' ? 'xfs' : 'ext4',
    flush: values.flush === 'ASYNC_FLUSH' ? 'ASYNC_FLUSH' : 'SYNC_FLUSH',
    log: (line) => console.log(line),
  }
  console.log(`seed ${options.seed}`)
  const { problems, acknowledged, lost } = await powerCutRun(options)
  for (const { kind, detail } of problems.slice(0, 20)) console.log(`${kind}: ${detail}`)
  console.log(`${acknowledged} acknowledged, ${lost} lost, ${problems.length} problems`)
  const asPromised = options.flush === 'SYNC_FLUSH' || lost > 0
  process.exitCode = problems.length === 0 && asPromised ? 0 : 1
}

if (import.meta.main) await main()
