import { Prng } from '@apogee/base'
import { STORED, STORED_NO_SLAVE } from '@apogee/store'
import { HaWorld, type Sabotage, type WorldOptions } from './ha-world.ts'
import { demand } from './history-error.ts'
import { addressOf } from './history-options.ts'
import {
  drawOps,
  drawPlan,
  type HistoryPlan,
  type HistoryShape,
  type NodeIndex,
  type Op,
  type Way,
} from './history-plan.ts'
import { MEMORY_RECORD_MIN } from './memory-records.ts'
import { Operator } from './operator.ts'
import type { SimNode } from './sim-node.ts'

/** Virtual time in which everything must be as it should once nothing goes wrong any more. */
const CONVERGE_MS = 6000
const SETTLE_MS = 80
const LAST_MESSAGES = 4

export interface HistoryOptions {
  seed: number
  shape: HistoryShape
  makeLog: WorldOptions['makeLog']
  drain?: () => Promise<void>
  sabotage?: Sabotage
  note?: (line: string) => void
  /** In place of what the seed says. */
  plan?: Partial<HistoryPlan>
}

/** What a history came to. */
export interface HistoryResult {
  events: number
  messages: number
  /** Virtual time from the end of all troubles to the last byte in its place. */
  convergedMs: number
  counts: ReadonlyMap<string, number>
}

/** One seed: a pair or trio lives through its operations, is left alone, comes to rest, and ends. */
export class History {
  readonly world: HaWorld
  private readonly prng: Prng
  private readonly ops: readonly Op[]

  constructor(options: HistoryOptions) {
    this.prng = new Prng(options.seed)
    const plan = { ...drawPlan(this.prng, options.shape), ...options.plan }
    this.ops = drawOps(this.prng, plan, options.shape)
    this.world = new HaWorld({ ...options, plan })
    this.world.note(`plan ${JSON.stringify(plan)}`)
  }

  async run(): Promise<HistoryResult> {
    const { world } = this
    const late = this.prng.below(3) === 0
    for (const node of late ? [...world.nodes].reverse() : world.nodes) world.boot(node)
    for (const op of this.ops) {
      this.apply(op)
      if (op.kind === 'steps') await world.steps(op.count)
      else if (op.kind === 'wait') await world.pass(op.ms)
      else await world.steps(1)
    }
    const convergedMs = await this.converge()
    await this.appendLast()
    await this.end()
    const { eventCount } = world.world.clock
    const messages = world.truth.messages.length
    return { events: eventCount, messages, convergedMs, counts: world.counts }
  }

  private apply(op: Op): void {
    const { world } = this
    if (op.kind === 'append') {
      for (const size of op.sizes) world.append(MEMORY_RECORD_MIN + size, op.waits)
      return
    }
    if (op.kind === 'steps' || op.kind === 'wait') return
    world.note(JSON.stringify(op))
    world.count(op.kind)
    if (op.kind === 'retain') return this.retain()
    if (op.kind === 'intrude') {
      return world.intruders.visit(op.fromInside, Buffer.from(op.bytes, 'hex'))
    }
    const node = world.nodes[op.node]!
    switch (op.kind) {
      case 'cut':
        world.truth.trouble(op.node, 'cut', false)
        return world.world.network.resetConnections(addressOf(0), addressOf(op.node))
      case 'block':
        return this.block(op.node, op.way, op.on)
      case 'delay':
        return this.delay(op.node, op.way, op.ms)
      case 'follow':
        world.truth.trouble(op.node, 'unled', !op.on)
        return world.lead(node, op.on)
      case 'kill':
      case 'boot':
      case 'restart':
      case 'pause':
        return this.applyToProcess(op, node)
      case 'slow':
        world.truth.trouble(op.node, 'slow', op.factor > 1)
        return node.log.slow(op.factor)
      case 'full':
        world.truth.trouble(op.node, 'full', op.on)
        return node.log.setFull(op.on)
    }
  }

  private applyToProcess(
    op: Extract<Op, { kind: 'kill' | 'boot' | 'restart' | 'pause' }>,
    node: SimNode,
  ): void {
    const { world } = this
    switch (op.kind) {
      case 'kill':
        if (!node.isUp) return
        world.truth.trouble(op.node, 'down', true)
        return world.crash(node, op.power)
      case 'boot':
        return this.bootIfDown(node)
      case 'restart':
        if (node.isServing && !node.isPaused) world.restart(node)
        return
      case 'pause':
        if (node.isUp) this.pause(node, op.on)
    }
  }

  private bootIfDown(node: SimNode): void {
    if (node.isUp) return
    this.world.truth.trouble(node.index, 'down', false)
    this.world.boot(node)
  }

  private pause(node: SimNode, on: boolean): void {
    if (node.isPaused === on) return
    node.isPaused = on
    this.world.truth.trouble(node.index, 'pause', on)
    if (on) node.host.pause()
    else node.host.resume()
  }

  private block(node: NodeIndex, way: Way, on: boolean): void {
    const { network } = this.world.world
    this.world.truth.trouble(node, `block ${way}`, on)
    if (on) network.block(...ends(node, way))
    else network.heal(...ends(node, way))
  }

  private delay(node: NodeIndex, way: Way, ms: number): void {
    this.world.truth.trouble(node, `delay ${way}`, ms > 0)
    this.world.world.network.delay(...ends(node, way), ms)
  }

  private retain(): void {
    const { master } = this.world
    if (master.isServing && !master.isPaused && master.log.retain()) this.world.count('retained')
  }

  /** Everything is well from here on: all slaves hold what the master holds, soon. */
  private async converge(): Promise<number> {
    const { world } = this
    const { network } = world.world
    world.note('no more troubles')
    network.heal()
    world.intruders.leave()
    for (const node of world.nodes) {
      for (const way of ['up', 'down'] as const) network.delay(...ends(node.index, way), 0)
      node.log.setFull(false)
      node.log.slow(1)
      if (node.isUp) this.pause(node, false)
      this.bootIfDown(node)
      if (node.index > 0) world.lead(node, true)
    }
    world.truth.calm()
    const startMs = world.nowMs
    // What is under way ends: calls of a disk that was slow, news of a connection that was cut.
    await world.pass(SETTLE_MS)
    const operator = new Operator(world)
    const isDone = await world.until(() => operator.attend(), CONVERGE_MS)
    demand(isDone, 'it does not come to rest', operator.report())
    world.truth.checkCopies()
    return world.nowMs - startMs
  }

  /** What is sent to a cluster that is well is stored as promised. */
  private async appendLast(): Promise<void> {
    const { world } = this
    const { messages } = world.truth
    const first = messages.length
    for (let i = 0; i < LAST_MESSAGES; i++) world.append(MEMORY_RECORD_MIN + 10 * i, true)
    demand(messages.length === first + LAST_MESSAGES, 'a master that is well refuses messages')
    const isAnswered = await world.until(() => world.truth.unanswered === 0, 1000)
    demand(isAnswered, 'messages are not answered', world.truth.unanswered)
    for (const { id, outcome } of messages.slice(first)) {
      // The rest of a file behind a blank record counts as a gap, too.
      const mayLag = this.world.plan.gapMax < 1 << 20 && outcome === STORED_NO_SLAVE
      demand(outcome === STORED || mayLag, 'not STORED though all is well', id, outcome)
    }
    const { master, truth } = world
    const areEqual = (): boolean =>
      truth.slaves.every(
        (slave) =>
          slave.isEqualTo(master) && slave.replication.stored === slave.replication.written,
      )
    demand(await world.until(areEqual, 1000), 'a slave is not up to date')
    world.truth.checkCopies()
  }

  /** The master dies or stops for good; what its slaves hold is read back from their disks alone. */
  private async end(): Promise<void> {
    const { world } = this
    const { truth } = world
    if (this.prng.below(2) === 0) world.crash(world.master, false)
    else await this.stop(world.master)
    const promised = truth.messages.filter(
      ({ outcome, waits, isExcused }) => outcome === STORED && waits && !isExcused,
    )
    for (const slave of truth.slaves) {
      if (this.prng.below(2) === 0) await this.stop(slave)
      else world.crash(slave, slave.sync && this.prng.below(2) === 0)
      const wrong = await slave.log.readBack(promised, false)
      demand(wrong === null, `${slave.name}, read back alone: ${wrong}`)
    }
    world.check()
  }

  private async stop(node: SimNode): Promise<void> {
    this.world.truth.trouble(node.index, 'stop', true)
    node.stopReplication()
    let isClosed = false
    void node.log.close().then(() => {
      isClosed = true
    })
    demand(await this.world.until(() => isClosed, 2000), `${node.name} does not close`)
    this.world.crash(node, false)
  }
}

/** The way from one host to another: `up` leads to the master. */
function ends(node: NodeIndex, way: Way): [from: string, to: string] {
  return way === 'up' ? [addressOf(node), addressOf(0)] : [addressOf(0), addressOf(node)]
}
