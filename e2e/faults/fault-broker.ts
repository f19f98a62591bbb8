// One broker whose store lies on a volume of the test, started and ended many times over; its NameServer stays.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type ApogeeProcess,
  launchApogeeBroker,
  startApogeeBroker,
  startApogeeNamesrv,
} from '../harness/apogee.ts'
import { freePorts, type RunningProcess, temporaryFolder } from '../harness/processes.ts'
import { type BrokerConf, commonBrokerConf, type Ports } from '../harness/target.ts'

/** Small files, so that a short run crosses many file ends. */
const SMALL_FILES: BrokerConf = {
  mappedFileSizeCommitLog: 8 << 20,
  mappedFileSizeConsumeQueue: 20 * 3000,
  autoCreateTopicEnable: false,
  maxMessageSize: 1 << 20,
  // The time index of a store this small would be most of it.
  maxHashSlotNum: 10_000,
  maxIndexNum: 40_000,
}

export class FaultBroker {
  readonly storeDir: string
  readonly brokerAddr: string
  readonly conf: BrokerConf
  readonly #dir: string
  readonly #ports: Ports
  readonly #namesrv: RunningProcess
  #running: RunningProcess | null = null

  private constructor(dir: string, ports: Ports, conf: BrokerConf, namesrv: RunningProcess) {
    this.#dir = dir
    this.#ports = ports
    this.#namesrv = namesrv
    this.conf = conf
    this.storeDir = String(conf['storePathRootDir'])
    this.brokerAddr = `127.0.0.1:${ports.broker}`
  }

  /** Only the NameServer runs yet. */
  static async prepare(volumePath: string, brokerConf: BrokerConf): Promise<FaultBroker> {
    const dir = temporaryFolder('faults')
    const ports = { namesrv: await freePorts(1), broker: (await freePorts(4)) + 2 }
    const { running } = await startApogeeNamesrv(join(dir, 'namesrv'), ports.namesrv)
    const options = { dir, brokerConf: { ...SMALL_FILES, ...brokerConf } }
    const conf = commonBrokerConf(options, ports, join(volumePath, 'store'))
    return new FaultBroker(dir, ports, conf, running)
  }

  async start(): Promise<ApogeeProcess> {
    const started = await startApogeeBroker(this.#dir, this.conf, this.#namesrvAddr)
    this.#running = started.running
    return started
  }

  /** Without waiting until it is ready. */
  launch(): RunningProcess {
    this.#running = launchApogeeBroker(this.#dir, this.conf, this.#namesrvAddr)
    return this.#running
  }

  /** Everything that the brokers of this folder logged so far. */
  logText(): string {
    return readFileSync(join(this.#dir, 'logs', 'broker.out'), 'utf8')
  }

  /** Ends what still runs; the volume can be unmounted then. */
  async dispose(): Promise<void> {
    if (this.#running !== null) await killAndWait(this.#running)
    await this.#namesrv.stop()
  }

  get #namesrvAddr(): string {
    return `127.0.0.1:${this.#ports.namesrv}`
  }
}

/** SIGKILL, and waits until it is gone: its files must be closed before a volume can be unmounted. */
export async function killAndWait(running: RunningProcess): Promise<void> {
  running.kill()
  await running.exited
}

/** How the process ended by itself, or null when it still ran after `timeoutMs`. */
export async function endOf(
  running: RunningProcess,
  timeoutMs: number,
): Promise<{ code: number | null } | null> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, null)
  })
  const end = await Promise.race([running.exited, timeout])
  clearTimeout(timer)
  return end
}
