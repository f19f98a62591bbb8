// The servers under attack, with an eye on their memory and on every file they make.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ApogeeProcess, startApogeeBroker, startApogeeNamesrv } from '../harness/apogee.ts'
import { freePorts, temporaryFolder } from '../harness/processes.ts'
import { createTopic, waitForRoute } from '../harness/raw-client.ts'
import { commonBrokerConf } from '../harness/target.ts'
import { queues, topic } from '../kill/load.ts'

const SAMPLE_MS = 50

/** Of the folder that everything is in. A topic's name is a folder below consumequeue. */
const EXPECTED_PATHS = new RegExp(
  [
    /^(logs|namesrv|store)$/,
    /^(logs|namesrv\/logs)\/[\w-]+\.out$/,
    /^(broker-ports\.json|broker\.conf)$/,
    /^namesrv\/(logs|namesrv-ports\.json|namesrv\.conf|kvConfig\.json(\.bak)?|namesrv\.properties(\.bak)?)$/,
    /^store\/(commitlog|consumequeue|index|config)$/,
    /^store\/(abort|lock|lock\.owner|checkpoint|apogee\.checkpoint)$/,
    /^store\/commitlog\/\d{20}$/,
    /^store\/index\/\d{17}$/,
    /^store\/config\/[A-Za-z]+\.json(\.bak)?$/,
    /^store\/consumequeue\/[%\w|-]+(\/\d+(\/\d{20})?)?$/,
  ]
    .map(({ source }) => source)
    .join('|'),
)

/** Small enough that an explosion of topics meets them in a second. */
export const topicsMax = 2000

export class Victim {
  readonly dir: string
  readonly storeDir: string
  readonly broker: string
  readonly namesrv: string
  readonly #processes: readonly ApogeeProcess[]
  readonly #peaksMiB = [0, 0]
  readonly #timer: NodeJS.Timeout

  private constructor(
    dir: string,
    ports: { namesrv: number; broker: number },
    processes: ApogeeProcess[],
  ) {
    this.dir = dir
    this.storeDir = join(dir, 'store')
    this.broker = `127.0.0.1:${ports.broker}`
    this.namesrv = `127.0.0.1:${ports.namesrv}`
    this.#processes = processes
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref()
  }

  static async start(): Promise<Victim> {
    const dir = temporaryFolder('hostile')
    const ports = { namesrv: await freePorts(1), broker: (await freePorts(4)) + 2 }
    const namesrv = await startApogeeNamesrv(join(dir, 'namesrv'), ports.namesrv)
    const brokerConf = { topicsMax, queuesMax: 40_000, autoCreateTopicEnable: true }
    const conf = commonBrokerConf({ dir, brokerConf }, ports, join(dir, 'store'))
    const broker = await startApogeeBroker(dir, conf, `127.0.0.1:${ports.namesrv}`)
    const victim = new Victim(dir, ports, [broker, namesrv])
    await createTopic(victim.broker, topic, queues)
    await waitForRoute(victim.namesrv, topic)
    return victim
  }

  /** Highest memory (RSS) so far. */
  peaks(): { brokerMiB: number; namesrvMiB: number } {
    this.#sample()
    const [brokerMiB = 0, namesrvMiB = 0] = this.#peaksMiB
    return { brokerMiB, namesrvMiB }
  }

  /** What lies beside store, configuration and logs, where nothing but these belongs. */
  strayPaths(): string[] {
    return readdirSync(this.dir, { recursive: true })
      .map(String)
      .filter((path) => !EXPECTED_PATHS.test(path))
  }

  /** The last lines that say more than info, for the report of a failure. */
  complaints(): string[] {
    const text = readFileSync(join(this.dir, 'logs', 'broker.out'), 'utf8')
    const lines = text.split('\n').filter((line) => /"level":[56]0/.test(line))
    return lines.slice(-10)
  }

  /** How the servers ended, for those that did. */
  async endings(): Promise<string[]> {
    const ended = this.#processes.filter(({ running }) => !running.running)
    const exits = ended.map(async ({ running }) => {
      const { code, signal } = await running.exited
      return `${running.name} ended with ${code ?? signal}`
    })
    return await Promise.all(exits)
  }

  async kill(): Promise<void> {
    clearInterval(this.#timer)
    for (const { running } of this.#processes) running.kill()
    for (const { running } of this.#processes) await running.exited
  }

  async stop(): Promise<(number | null)[]> {
    clearInterval(this.#timer)
    const codes: (number | null)[] = []
    for (const { running } of this.#processes) codes.push((await running.stop()).code)
    return codes
  }

  #sample(): void {
    for (const [at, { running }] of this.#processes.entries()) {
      this.#peaksMiB[at] = Math.max(this.#peaksMiB[at] ?? 0, residentMiB(running.pid))
    }
  }
}

function residentMiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}
