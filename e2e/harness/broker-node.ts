// One broker with its place: name, ports, folder and store. What is started there may change while it is stopped: another
// role (a slave that becomes master) or another house (Apache's broker on a store of ours and the reverse).
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startApacheBroker } from './apache.ts'
import { startApogeeBroker } from './apogee.ts'
import { freePorts, type RunningProcess } from './processes.ts'
import { ServerProcess } from './server.ts'
import { type BrokerConf, commonBrokerConf, type TargetKind } from './target.ts'

export type BrokerRole = 'ASYNC_MASTER' | 'SYNC_MASTER' | 'SLAVE'

export interface BrokerNodeOptions {
  kind: TargetKind
  /** Folder of this node alone: configuration, store and logs. */
  dir: string
  /** brokerName: a master and its slaves share it. */
  brokerName: string
  brokerId: number
  role: BrokerRole
  namesrvAddr: string
  /** Over what every broker of the suites is started with. */
  conf?: BrokerConf
  /** -Xmx and -Xms of Apache's; a heap that grows to 1g otherwise. */
  fixedHeap?: string
}

/** Apache's takes its time to end its threads. */
const STOP_TIMEOUT_MS = 60_000

export class BrokerNode extends ServerProcess {
  kind: TargetKind
  brokerId: number
  role: BrokerRole
  conf: BrokerConf
  namesrvAddr: string
  readonly brokerName: string
  readonly dir: string
  readonly port: number
  readonly #fixedHeap: string | undefined

  private constructor(options: BrokerNodeOptions, port: number) {
    super()
    this.kind = options.kind
    this.dir = options.dir
    this.brokerName = options.brokerName
    this.brokerId = options.brokerId
    this.role = options.role
    this.conf = options.conf ?? {}
    this.namesrvAddr = options.namesrvAddr
    this.#fixedHeap = options.fixedHeap
    this.port = port
  }

  /** Takes ports; starts nothing. */
  static async place(options: BrokerNodeOptions): Promise<BrokerNode> {
    mkdirSync(options.dir, { recursive: true })
    return new BrokerNode(options, (await freePorts(4)) + 2)
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get haAddress(): string {
    return `127.0.0.1:${this.port + 1}`
  }

  get storeDir(): string {
    return join(this.dir, 'store')
  }

  get logDir(): string {
    return join(this.storeDir, 'commitlog')
  }

  override async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.brokerName} ${this.brokerId} is running`)
    await super.start()
  }

  protected override async launch(): Promise<RunningProcess> {
    const { dir, namesrvAddr } = this
    const conf = this.#wholeConf()
    if (this.kind === 'apache') {
      return await startApacheBroker(dir, { ...conf, namesrvAddr }, this.#fixedHeap)
    }
    return (await startApogeeBroker(dir, conf, namesrvAddr)).running
  }

  #wholeConf(): BrokerConf {
    const { brokerName, brokerId, dir } = this
    const own = { brokerName, brokerId, brokerRole: this.role, inSyncReplicas: 2, ...this.conf }
    const ports = { namesrv: 0, broker: this.port }
    // A slave of Apache's reads for clients only when told to.
    const brokerConf = { slaveReadEnable: true, ...own }
    return commonBrokerConf({ dir, brokerConf }, ports, this.storeDir)
  }

  /** Ours must end with 0. */
  protected override async end(running: RunningProcess): Promise<void> {
    const exit = await running.stop(STOP_TIMEOUT_MS)
    const clean = this.kind === 'apache' ? exit.signal !== 'SIGKILL' : exit.code === 0
    if (!clean) throw new Error(`${this.brokerName} ended with ${exit.code ?? exit.signal}`)
  }
}
