// A master and a slave of different houses (or of one, to check the suite itself), under load whose every message is
// accounted for: where it was acknowledged, and what a reader of the slave then finds there.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApacheNamesrv } from '../harness/apache.ts'
import { startApogeeNamesrv } from '../harness/apogee.ts'
import { until } from '../harness/broker-facts.ts'
import { BrokerNode } from '../harness/broker-node.ts'
import { freePorts, type RunningProcess } from '../harness/processes.ts'
import { codes, createTopic, type Fields, RawClient, waitForRoute } from '../harness/raw-client.ts'
import type { BrokerConf, TargetKind } from '../harness/target.ts'
import { History, type Problem } from '../kill/history.ts'
import { Load, type LoadCounts, queues, readAll, topic } from '../kill/load.ts'
import { Random } from '../kill/random.ts'

export const BROKER = 'bridge-a'

export interface BridgeOptions {
  dir: string
  namesrv: TargetKind
  master: TargetKind
  slave: TargetKind
  seed: number
  masterConf?: BrokerConf
  slaveConf?: BrokerConf
}

/** Small files, so that a short run crosses several ends of files; fast searches for a lost master. */
const CONF: BrokerConf = {
  mappedFileSizeCommitLog: 4 << 20,
  mappedFileSizeConsumeQueue: 20 * 3000,
  registerNameServerPeriod: 10_000,
  autoCreateTopicEnable: false,
}
const FILL_BODY_BYTES = 4096
const FILL_BODY = Buffer.alloc(FILL_BODY_BYTES, 'f')
const ASIDE = 'BeforeTheSlave'
const ATTACH_MS = 30_000

function aside(waitStore: boolean): Fields {
  const properties = `UNIQ_KEY\u0001${'0'.repeat(32)}\u0002WAIT\u0001${waitStore}\u0002`
  const names = { a: 'fill', b: ASIDE, c: 'TBW102', d: 4, e: 0, f: 0, g: Date.now(), h: 0 }
  return { ...names, i: properties, j: 0, k: false, l: 0, m: false }
}

export async function startNamesrv(
  kind: TargetKind,
  dir: string,
  port: number,
): Promise<RunningProcess> {
  if (kind === 'apache') return await startApacheNamesrv(dir, port)
  return (await startApogeeNamesrv(dir, port)).running
}

export class Bridge {
  readonly namesrvAddr: string
  readonly master: BrokerNode
  readonly slave: BrokerNode
  readonly history: History = new History()
  readonly counts: LoadCounts = { acknowledged: 0, refused: 0, unanswered: 0, consumed: 0 }
  readonly refusals: Map<string, number> = new Map()
  readonly #namesrv: RunningProcess
  readonly #random: Random
  readonly #positions = new Map<number, number>()
  #nextId = 0

  private constructor(
    namesrv: RunningProcess,
    namesrvAddr: string,
    nodes: readonly [BrokerNode, BrokerNode],
    seed: number,
  ) {
    this.#namesrv = namesrv
    this.namesrvAddr = namesrvAddr
    this.master = nodes[0]
    this.slave = nodes[1]
    this.#random = new Random(seed)
  }

  /** A NameServer and the master run; the slave has its place and an empty store. */
  static async start(options: BridgeOptions): Promise<Bridge> {
    const { dir } = options
    const port = await freePorts(1)
    const namesrv = await startNamesrv(options.namesrv, join(dir, 'namesrv'), port)
    const namesrvAddr = `127.0.0.1:${port}`
    const common = { brokerName: BROKER, namesrvAddr }
    const master = await BrokerNode.place({
      ...common,
      kind: options.master,
      dir: join(dir, 'master'),
      brokerId: 0,
      role: 'SYNC_MASTER',
      conf: { ...CONF, ...options.masterConf },
    })
    const slave = await BrokerNode.place({
      ...common,
      kind: options.slave,
      dir: join(dir, 'slave'),
      brokerId: 1,
      role: 'SLAVE',
      conf: { ...CONF, ...options.slaveConf },
    })
    const bridge = new Bridge(namesrv, namesrvAddr, [master, slave], options.seed)
    try {
      await master.start()
      await createTopic(master.address, topic, queues)
      await createTopic(master.address, ASIDE, 1)
      await waitForRoute(namesrvAddr, topic)
    } catch (error) {
      await bridge.end()
      throw error
    }
    return bridge
  }

  /** Messages to a topic of their own that nobody waits for a slave with: history from before the slave. */
  async fill(bytes: number): Promise<void> {
    const client = await RawClient.connect(this.master.address)
    try {
      for (let sent = 0; sent < bytes; sent += FILL_BODY_BYTES) {
        const answer = await client.request(codes.sendMessageV2, aside(false), FILL_BODY)
        if (answer.code !== 0) throw new Error(`fill: ${answer.code} ${answer.remark}`)
      }
    } finally {
      client.close()
    }
  }

  /**
   * The slave acknowledges what its master sends. Apache's needs up to ten seconds from the loss of a connection to
   * there.
   */
  async attached(): Promise<void> {
    await until('the slave acknowledges', ATTACH_MS, async () => {
      const client = await RawClient.connect(this.master.address)
      try {
        return (await client.request(codes.sendMessageV2, aside(true), FILL_BODY)).code === 0
      } finally {
        client.close()
      }
    })
  }

  /** Load on the master for some time, with something that happens in the middle of it. */
  async underLoad(ms: number, event: () => Promise<void> = async () => {}): Promise<LoadCounts> {
    const load = new Load(this.history, this.#random, this.#nextId, this.#positions)
    await load.start(this.master.address)
    await sleep(ms / 2)
    await event()
    await sleep(ms / 2)
    await load.stop()
    this.#nextId = load.nextId
    for (const name of ['acknowledged', 'refused', 'unanswered', 'consumed'] as const) {
      this.counts[name] += load.counts[name]
    }
    for (const [reason, count] of load.refusals) {
      this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + count)
    }
    return load.counts
  }

  /** Every promise of the master, held against what this broker shows of the topic. */
  async judge(address: string): Promise<Problem[]> {
    return this.history.judge(await readAll(address))
  }

  async end(): Promise<void> {
    await this.slave.kill()
    await this.master.kill()
    this.#namesrv.kill()
    await this.#namesrv.exited
  }
}
