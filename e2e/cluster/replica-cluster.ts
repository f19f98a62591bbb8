// Masters with their slaves as real processes, under one NameServer: what each test of replication starts from.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApogeeBroker, startApogeeNamesrv } from '../harness/apogee.ts'
import { freePorts } from '../harness/processes.ts'
import { createTopic, RawClient, waitForRoute } from '../harness/raw-client.ts'
import { Server } from '../harness/server.ts'
import { type BrokerConf, commonBrokerConf } from '../harness/target.ts'

const HA_STATUS = 907
const LOOK_MS = 50
const IN_SYNC_MS = 30_000

/** One broker process: a master or a slave. */
export interface ReplicaNode {
  readonly server: Server
  readonly brokerName: string
  readonly brokerId: number
  readonly dir: string
  readonly storeDir: string
  /** Extra keys of its broker.conf; read at each start. */
  conf: BrokerConf
}

export interface ReplicaClusterOptions {
  dir: string
  masters: number
  /** Of each master. */
  slaves: number
  role: 'ASYNC_MASTER' | 'SYNC_MASTER'
  conf?: BrokerConf
}

/** What GET_BROKER_HA_STATUS (907) says of a master. */
export interface HaStatus {
  master: boolean
  masterCommitLogMaxOffset: number
  inSyncSlaveNums: number
  haConnectionInfo: { addr: string; slaveAckOffset: number; diff: number; inSync: boolean }[]
}

/** Small files, so that a short run crosses many file ends. */
const SMALL_FILES: BrokerConf = {
  mappedFileSizeCommitLog: 16 << 20,
  mappedFileSizeConsumeQueue: 20 * 3000,
}

export class ReplicaCluster {
  readonly namesrv: Server
  readonly nodes: readonly ReplicaNode[]

  private constructor(namesrv: Server, nodes: readonly ReplicaNode[]) {
    this.namesrv = namesrv
    this.nodes = nodes
  }

  /** Everything started, each slave in sync. */
  static async start(options: ReplicaClusterOptions): Promise<ReplicaCluster> {
    const cluster = await ReplicaCluster.prepare(options)
    try {
      for (const { server } of cluster.nodes) await server.start()
      if (options.slaves > 0) await cluster.inSync()
    } catch (error) {
      await cluster.kill()
      throw error
    }
    return cluster
  }

  /** The NameServer runs, the brokers do not yet. */
  static async prepare(options: ReplicaClusterOptions): Promise<ReplicaCluster> {
    const port = await freePorts(1)
    const namesrv = new Server('namesrv', port, async () => {
      return (await startApogeeNamesrv(join(options.dir, 'namesrv'), port)).running
    })
    await namesrv.start()
    const nodes: ReplicaNode[] = []
    for (let index = 0; index < options.masters; index++) {
      for (let brokerId = 0; brokerId <= options.slaves; brokerId++) {
        const brokerName = `broker-${'abcdef'[index]}`
        nodes.push(await makeNode(options, namesrv.address, brokerName, brokerId))
      }
    }
    return new ReplicaCluster(namesrv, nodes)
  }

  get masters(): readonly ReplicaNode[] {
    return this.nodes.filter(({ brokerId }) => brokerId === 0)
  }

  get slaves(): readonly ReplicaNode[] {
    return this.nodes.filter(({ brokerId }) => brokerId > 0)
  }

  /** The only master, the only slave: for pairs. */
  get master(): ReplicaNode {
    return this.masters[0]!
  }

  get slave(): ReplicaNode {
    return this.slaves[0]!
  }

  slavesOf(master: ReplicaNode): readonly ReplicaNode[] {
    return this.slaves.filter(({ brokerName }) => brokerName === master.brokerName)
  }

  async createTopic(topic: string, queuesOfEach: number): Promise<void> {
    for (const { server } of this.masters) await createTopic(server.address, topic, queuesOfEach)
    await waitForRoute(this.namesrv.address, topic)
  }

  /** Waits until every slave that runs has all that its master has, and counts as in sync. */
  async inSync(): Promise<void> {
    const until = Date.now() + IN_SYNC_MS
    for (const master of this.masters) {
      const wanted = this.slavesOf(master).filter(({ server }) => server.isRunning).length
      let status: HaStatus | null = null
      for (;;) {
        status = await haStatus(master.server.address).catch(() => null)
        const level = status?.haConnectionInfo.filter((one) => one.inSync && one.diff === 0)
        if (status !== null && level !== undefined && level.length >= wanted) break
        if (Date.now() > until) {
          const said = JSON.stringify(status)
          throw new Error(`${master.brokerName} has not ${wanted} slaves in sync: ${said}`)
        }
        await sleep(LOOK_MS)
      }
    }
  }

  async kill(): Promise<void> {
    for (const { server } of this.nodes) {
      server.resume()
      await server.kill()
    }
    await this.namesrv.kill()
  }
}

async function makeNode(
  { conf, dir, role }: ReplicaClusterOptions,
  namesrvAddr: string,
  brokerName: string,
  brokerId: number,
): Promise<ReplicaNode> {
  const name = brokerId === 0 ? brokerName : `${brokerName}-${brokerId}`
  const folder = join(dir, name)
  const storeDir = join(folder, 'store')
  const port = (await freePorts(4)) + 2
  const brokerRole = brokerId === 0 ? role : 'SLAVE'
  const node: ReplicaNode = {
    server: new Server(name, port, async () => {
      const brokerConf = { ...SMALL_FILES, brokerName, brokerId, brokerRole, ...node.conf }
      const whole = commonBrokerConf({ dir, brokerConf }, { namesrv: 0, broker: port }, storeDir)
      return (await startApogeeBroker(folder, whole, namesrvAddr)).running
    }),
    brokerName,
    brokerId,
    dir: folder,
    storeDir,
    conf: conf ?? {},
  }
  return node
}

export async function haStatus(address: string): Promise<HaStatus> {
  const client = await RawClient.connect(address)
  try {
    const answer = await client.request(HA_STATUS, {})
    if (answer.code !== 0) throw new Error(`HA status: ${answer.code} ${answer.remark}`)
    return JSON.parse(answer.body.toString()) as HaStatus
  } finally {
    client.close()
  }
}

const BLANK_MAGIC = 0xcbd43194 | 0

/**
 * Compares two logs byte for byte where both have something: from the younger one's first file on. What lies behind a blank
 * record is undefined and not compared. Returns how many bytes are equal, or throws at the first that is not.
 */
export function compareLogs(one: string, other: string): number {
  const folders = [one, other].map((store) => join(store, 'commitlog'))
  const names = folders.map((folder) => new Set(existsSync(folder) ? readdirSync(folder) : []))
  let compared = 0
  for (const name of [...names[0]!].filter((each) => names[1]!.has(each)).sort()) {
    const [a, b] = folders.map((folder) => readFileSync(join(folder, name)))
    compared += compareFiles(name, a!, b!)
  }
  return compared
}

function compareFiles(name: string, one: Buffer, other: Buffer): number {
  for (let at = 0; at + 8 <= one.length; ) {
    const size = one.readInt32BE(at)
    if (size !== other.readInt32BE(at)) throw new Error(`${name} differs at ${at}: sizes`)
    if (size === 0) return at
    const end = one.readInt32BE(at + 4) === BLANK_MAGIC ? at + 8 : at + size
    if (one.compare(other, at, end, at, end) !== 0) throw new Error(`${name} differs at ${at}`)
    at += size
  }
  return one.length
}
