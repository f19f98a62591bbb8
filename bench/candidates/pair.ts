// A master and its slave of one house, with their NameServer, as candidates of the replication scenarios.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startApacheNamesrv } from '../../e2e/harness/apache.ts'
import { startApogeeNamesrv } from '../../e2e/harness/apogee.ts'
import { BrokerNode, type BrokerRole } from '../../e2e/harness/broker-node.ts'
import { freePorts, type RunningProcess } from '../../e2e/harness/processes.ts'
import type { BrokerConf, TargetKind } from '../../e2e/harness/target.ts'
import { type FlushMode, LOAD_CORES, SERVER_CORES } from './candidate.ts'

export type PairName = Extract<TargetKind, 'apogee' | 'apache'>
export const pairNames: readonly PairName[] = ['apogee', 'apache']

export interface GroupOptions {
  /** Holds every node's store, configuration and logs. */
  folder: string
  flush: FlushMode
  role: Exclude<BrokerRole, 'SLAVE'>
  /** The master on the first core; its slave on the second, where the load is too. */
  pin: boolean
  masters: number
  /** Whether each master has a slave. */
  slaves: boolean
  /** The slaves have their places, and are started by whoever measures them. */
  slavesWait?: boolean
}

/** Two of Apache's brokers and a load fit into the memory of a small machine with this. */
const APACHE_HEAP = '2g'
/** What the end-to-end suites change, as it is by default. */
const DEFAULTS: BrokerConf = {
  brokerClusterName: 'BenchCluster',
  mappedFileSizeCommitLog: 1 << 30,
  diskMaxUsedSpaceRatio: 95,
  waitTimeMillsInSendQueue: 200,
  waitTimeMillsInPullQueue: 5000,
}

/** Masters with or without slaves, and the NameServer that they register with. */
export class BrokerGroup {
  readonly name: PairName
  readonly namesrvAddr: string
  readonly masters: readonly BrokerNode[]
  readonly slaves: readonly BrokerNode[]
  readonly #namesrv: RunningProcess
  readonly #folder: string

  private constructor(
    name: PairName,
    namesrv: { running: RunningProcess; address: string; folder: string },
    masters: readonly BrokerNode[],
    slaves: readonly BrokerNode[],
  ) {
    this.name = name
    this.#namesrv = namesrv.running
    this.#folder = namesrv.folder
    this.namesrvAddr = namesrv.address
    this.masters = masters
    this.slaves = slaves
  }

  static async start(name: PairName, options: GroupOptions): Promise<BrokerGroup> {
    mkdirSync(options.folder, { recursive: true })
    const port = await freePorts(1)
    const start = name === 'apache' ? startApacheNamesrv : startOurNamesrv
    const running = await start(join(options.folder, 'namesrv'), port)
    const address = `127.0.0.1:${port}`
    const masters: BrokerNode[] = []
    const slaves: BrokerNode[] = []
    const group = new BrokerGroup(
      name,
      { running, address, folder: options.folder },
      masters,
      slaves,
    )
    try {
      for (let index = 0; index < options.masters; index++) {
        const brokerName = `bench-${'abc'[index]}`
        masters.push(await place(name, options, address, brokerName, false))
        if (options.slaves) slaves.push(await place(name, options, address, brokerName, true))
      }
      for (const node of options.slavesWait === true ? masters : [...masters, ...slaves]) {
        await node.start()
      }
      if (options.pin) group.#pin()
    } catch (error) {
      await group.end()
      throw error
    }
    return group
  }

  get master(): BrokerNode {
    return this.masters[0] as BrokerNode
  }

  get slave(): BrokerNode {
    const slave = this.slaves[0]
    if (slave === undefined) throw new Error('this group has no slave')
    return slave
  }

  #pin(): void {
    for (const { pid } of this.masters) pinTo(SERVER_CORES, pid)
    for (const { pid } of this.slaves) if (pid > 0) pinTo(LOAD_CORES, pid)
  }

  /** Stops the clock of the brokers, so that they take nothing from the group that is being measured. */
  suspend(): void {
    for (const node of [...this.masters, ...this.slaves]) node.suspend()
  }

  resume(): void {
    for (const node of [...this.masters, ...this.slaves]) node.resume()
  }

  /** SIGKILL to all: what they stored is thrown away. */
  async end(): Promise<void> {
    for (const node of [...this.slaves, ...this.masters]) await node.kill()
    this.#namesrv.kill()
    await this.#namesrv.exited
    // A scenario of many rounds would fill the disk.
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function startOurNamesrv(dir: string, port: number): Promise<RunningProcess> {
  return (await startApogeeNamesrv(dir, port)).running
}

async function place(
  kind: PairName,
  { folder, flush, role }: GroupOptions,
  namesrvAddr: string,
  brokerName: string,
  isSlave: boolean,
): Promise<BrokerNode> {
  return await BrokerNode.place({
    kind,
    dir: join(folder, isSlave ? `${brokerName}-s` : brokerName),
    brokerName,
    brokerId: isSlave ? 1 : 0,
    role: isSlave ? 'SLAVE' : role,
    namesrvAddr,
    conf: { ...DEFAULTS, flushDiskType: flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH' },
    fixedHeap: APACHE_HEAP,
  })
}

function pinTo(cores: string, pid: number): void {
  if (spawnSync('taskset', ['-a', '-p', '-c', cores, String(pid)]).status !== 0) {
    throw new Error('taskset failed: run without --pin')
  }
}
