import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { ResponseCode } from '@apogee/protocol'
import { type BrokerNode, ClusterWorld } from './testing/cluster-world.ts'

const SEED = Number(process.env['APOGEE_SEED'] ?? 20_260)
const RUNS = Number(process.env['APOGEE_SLAVE_SEEDS'] ?? 12)
const STEPS = 14
const GROUPS = ['g', 'h']
const TOPICS = ['t', 'u', 'v']

/** A master and two slaves that are stopped, started and cut off at random, while clients commit and an operator works. */
class History {
  readonly cluster: ClusterWorld
  private readonly prng: Prng
  private readonly master: BrokerNode
  private readonly slaves: readonly BrokerNode[]
  private readonly up = new Set<BrokerNode>()
  /** What each group has committed anywhere: offsets only grow here. */
  private readonly committed = new Map<string, number>()
  private next = 1

  constructor(seed: number) {
    this.cluster = new ClusterWorld(seed)
    this.prng = new Prng(seed)
    this.master = this.cluster.node('10.0.0.1')
    this.slaves = [1, 2].map((brokerId) => this.cluster.slave(`10.0.1.${brokerId}`, { brokerId }))
  }

  private get nodes(): readonly BrokerNode[] {
    return [this.master, ...this.slaves]
  }

  async run(): Promise<void> {
    await this.cluster.startNameServers()
    for (const node of this.nodes) await this.start(node)
    for (const topic of TOPICS) await this.cluster.createTopic(this.master, topic)
    for (const group of GROUPS) this.master.services.groups.find(group)
    await this.cluster.pass(3000)
    for (let step = 0; step < STEPS; step++) {
      await this.step()
      await this.cluster.pass(this.prng.below(3000))
    }
    this.cluster.world.network.heal()
    for (const node of this.nodes) if (!this.up.has(node)) await this.start(node)
    await this.cluster.pass(45_000)
    await this.check()
    for (const node of this.nodes.toReversed()) await node.stop()
  }

  private async start(node: BrokerNode): Promise<void> {
    await node.start()
    this.up.add(node)
  }

  /** Stopped, killed, or without power: what is not flushed yet may be lost then, so all is flushed before. */
  private async end(node: BrokerNode): Promise<void> {
    const how = this.prng.below(3)
    if (how === 0) {
      await node.stop()
      return
    }
    await this.cluster.pass(5200)
    const host = this.cluster.world.host(node.host)
    if (how === 1) host.kill()
    else host.cutPower()
  }

  private async step(): Promise<void> {
    const { cluster, master, prng } = this
    const node = this.nodes[prng.below(this.nodes.length)]!
    const kind = prng.below(6)
    if (kind < 2) await this.commit()
    else if (kind === 2) {
      if (!this.up.has(node)) await this.start(node)
      else if (this.up.size > 1) {
        await this.end(node)
        this.up.delete(node)
      }
    } else if (kind === 3) {
      const slave = this.slaves[prng.below(2)]!
      if (prng.below(2) === 0) cluster.world.network.partition([master.host], [slave.host])
      else cluster.world.network.heal()
    } else if (this.up.has(master)) await this.operate()
  }

  /** To the master, as clients do while they reach it; else to a slave; now and then to a slave in any case. */
  private async commit(): Promise<void> {
    const { master, prng } = this
    const others = this.slaves.filter((slave) => this.up.has(slave))
    const wantsSlave = !this.up.has(master) || prng.below(4) === 0
    const node = wantsSlave ? others[prng.below(Math.max(1, others.length))] : master
    if (node === undefined) return
    const topic = TOPICS[prng.below(TOPICS.length)]!
    const group = GROUPS[prng.below(GROUPS.length)]!
    const offset = this.next++
    const code = await this.cluster.commit(node, group, topic, offset)
    if (code === ResponseCode.SUCCESS) this.committed.set(`${topic}@${group}`, offset)
  }

  /** Makes a topic, or deletes one and with it what was committed. */
  private async operate(): Promise<void> {
    const topic = `operated-${this.prng.below(3)}`
    const exists = this.master.services.topics.select(topic) !== undefined
    if (exists) await this.cluster.deleteTopic(this.master, topic)
    else {
      await this.cluster.createTopic(this.master, topic, 1 + this.prng.below(4))
      await this.cluster.send(this.master, topic, 'x')
    }
  }

  private async check(): Promise<void> {
    const { cluster, master } = this
    for (const [key, offset] of this.committed) {
      const [topic = '', group = ''] = key.split('@')
      for (const node of this.nodes) {
        equal(await cluster.offset(node, group, topic), offset, `${key} at ${node.host}`)
      }
    }
    const names = ({ services }: BrokerNode): string[] =>
      [...services.topics.all()]
        .map(({ topicName, writeQueueNums }) => `${topicName}:${writeQueueNums}`)
        .sort()
    const queues = ({ services }: BrokerNode): string[] =>
      services.store.topics().filter((topic) => topic.startsWith('operated'))
    for (const slave of this.slaves) {
      deepEqual(names(slave), names(master), slave.host)
      deepEqual(queues(slave), queues(master), slave.host)
      equal(slave.services.slaveOffsets.size, 0)
      const { counter } = slave.services.topics.dataVersion
      equal(counter, master.services.topics.dataVersion.counter, slave.host)
    }
  }
}

test('whatever stops, returns and is cut off, the tables are the same in the end and no offset is lost', async () => {
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    try {
      await new History(seed).run()
    } catch (error) {
      throw new Error(`APOGEE_SEED=${seed}`, { cause: error })
    }
  }
})
