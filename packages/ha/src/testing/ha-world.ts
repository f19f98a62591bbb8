import { Prng } from '@apogee/base'
import { SimWorld } from '@apogee/env/sim'
import type { LogReplication } from '@apogee/store'
import { HaMaster } from '../ha-master.ts'
import { HaSlave } from '../ha-slave.ts'
import type { HaSlaveStatus } from '../ha-status.ts'
import { checkCut } from './check-cut.ts'
import { WatchedReplication } from './forwarding-replication.ts'
import { demand } from './history-error.ts'
import {
  addressOf,
  HA_PORT,
  MASTER_ADDRESS,
  masterOptions,
  slaveOptions,
} from './history-options.ts'
import type { HistoryPlan } from './history-plan.ts'
import { Intruders } from './intruders.ts'
import { copyHeld, type NodeLog } from './node-log.ts'
import { SimNode } from './sim-node.ts'
import { type Message, Truth } from './truth.ts'

/** What a test of the checks themselves breaks on purpose. */
export interface Sabotage {
  /** Between the master's replication and its watched log. */
  master?(replication: LogReplication): LogReplication
  slave?(replication: LogReplication): LogReplication
  /** Outcomes as the sender hears them. */
  outcome?(outcome: number): readonly number[]
  /** When a replication has started. */
  started?(node: SimNode): void
}

export interface WorldOptions {
  seed: number
  plan: HistoryPlan
  /** Which kind of log the nodes have. */
  makeLog(world: SimWorld, plan: HistoryPlan, node: number, prng: Prng): NodeLog
  /** Lets promises go on after an event. Default: by one step each time, which is enough where few are chained. */
  drain?: () => Promise<void>
  sabotage?: Sabotage
  /** Gets a line for all that happens. */
  note?: (line: string) => void
}

const DONE = Promise.resolve()
/** Beside the marks of sockets and logs: heads of frames, heartbeats, what one delivery brings. */
const BUFFER_SLACK = 4096
/** A record that was begun is taken to its end. */
const RECORD_SLACK = 1500

/** A master and its slaves on simulated machines, with everything that can happen to them. */
export class HaWorld {
  readonly world: SimWorld
  readonly plan: HistoryPlan
  readonly nodes: SimNode[] = []
  readonly truth: Truth
  readonly intruders: Intruders
  /** Things that happened, for the report: each kind of trouble must be seen by enough seeds. */
  readonly counts: Map<string, number> = new Map()
  private readonly options: WorldOptions
  private readonly drain: () => Promise<void>
  /** What is under way, by node: it ends with the node's process at the latest. */
  private readonly work: Set<Promise<void>>[] = []
  private failure: unknown = null
  private nextId = 1
  /** The master's machine lost power, and its log was not opened since. */
  private hadPowerCut = false
  /** Whether each slave is told whom to follow. */
  private readonly isLed: boolean[]

  constructor(options: WorldOptions) {
    const { seed, plan } = options
    this.options = options
    this.drain = options.drain ?? (() => DONE)
    this.plan = plan
    const { fragmentMax, windowBytes, highWaterMark, latencyMs } = plan
    this.world = new SimWorld(seed, {
      network: { fragmentMax, windowBytes, highWaterMark, latencyMs, lingerMs: 200 },
    })
    const prng = new Prng(seed ^ 0x5bd1e995)
    for (let index = 0; index <= plan.slaves.length; index++) {
      const log = options.makeLog(this.world, plan, index, prng.fork())
      const sync = index === 0 ? plan.masterSync : plan.slaves[index - 1]!.sync
      this.nodes.push(new SimNode(index, this.world.host(addressOf(index)), log, sync))
      this.work.push(new Set())
    }
    this.isLed = this.nodes.map(() => true)
    this.truth = new Truth(plan, this.nodes, () => this.nowMs)
    this.intruders = new Intruders(this.world)
  }

  get nowMs(): number {
    return this.world.clock.monotonicMs()
  }

  get master(): SimNode {
    return this.nodes[0]!
  }

  note(line: string): void {
    this.options.note?.(`${this.nowMs.toFixed(3).padStart(10)} ${line}`)
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  /** Starts a process on the node. */
  boot(node: SimNode): void {
    this.note(`${node.name} boots`)
    try {
      node.boot()
    } catch (error) {
      return this.failed(node, error)
    }
    if (node.index === 0 && this.hadPowerCut) {
      this.hadPowerCut = false
      this.checkMaster(true)
    }
    this.start(node)
  }

  /** What the master holds after its end; only now is it known which messages it never comes back with. */
  private checkMaster(power: boolean): void {
    this.truth.masterBack(power)
    this.truth.checkCopies()
  }

  crash(node: SimNode, power: boolean): void {
    const isLossy = power && !node.sync && node.index > 0
    const before = isLossy ? copyHeld(node.held()) : null
    // Recovery may cut more than what can be seen on the disk: all that was not synced may be gone.
    const safe = node.log.isOpen ? node.replication.flushed : 0
    node.crash(power)
    this.work[node.index]!.clear()
    for (const what of ['restart', 'pause']) this.truth.trouble(node.index, what, false)
    this.note(`${node.name} ${power ? 'loses power' : 'is killed'}`)
    if (node.index === 0) {
      this.truth.masterGone()
      if (power) this.hadPowerCut = true
      else this.checkMaster(false)
    } else if (before !== null) this.truth.slaveLost(node, safe, before)
  }

  /** Stops cleanly and starts again: a new process. */
  restart(node: SimNode): void {
    this.note(`${node.name} restarts`)
    this.during(node, async (isCurrent) => {
      node.stopReplication()
      await node.log.close()
      if (!isCurrent()) return
      this.crash(node, false)
      this.boot(node)
    })
  }

  /** The operator empties the slave's store. */
  wipe(node: SimNode): void {
    this.note(`${node.name} is emptied`)
    this.count('wiped')
    this.during(node, async (isCurrent) => {
      const before = copyHeld(node.held())
      node.stopReplication()
      await node.log.close()
      if (!isCurrent()) return
      this.truth.slaveLost(node, 0, before)
      node.log.wipe()
      this.reopen(node)
    })
  }

  lead(node: SimNode, isLed: boolean): void {
    this.isLed[node.index] = isLed
    this.follow(node)
  }

  append(size: number, waits: boolean): void {
    const { master, truth } = this
    if (!master.isServing || !master.log.isOpen || master.isPaused) return
    const { accepted } = master.tracked!.net
    const message: Message = {
      id: this.nextId++,
      offset: 0,
      end: 0,
      waits,
      life: master.life,
      appendedMs: this.nowMs,
      accepted,
      connections: master.tracked!.net.sockets().length,
      outcome: null,
      answeredMs: -1,
      isExcused: false,
    }
    const at = master.log.append(message.id, size, waits, (outcome) => {
      const told = this.options.sabotage?.outcome?.(outcome) ?? [outcome]
      for (const one of told) this.guard(() => this.answer(message, one))
    })
    if (at === null) return this.count('refused')
    message.offset = at.offset
    message.end = at.end
    truth.appended(message)
    this.note(`master appends ${message.id}: ${at.offset} to ${at.end}`)
  }

  /** Handles so many events. */
  async steps(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      if (!this.world.clock.step()) return
      await this.drain()
      if (i % 8 === 7) this.check()
    }
    this.check()
  }

  async pass(ms: number): Promise<void> {
    await this.world.clock.runForAsync(ms, this.drain)
    this.check()
  }

  /** Lets time pass until `reached`; false when `limitMs` pass first. */
  async until(reached: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.nowMs + limitMs
    while (!reached()) {
      if (this.nowMs >= endMs) return false
      await this.pass(5)
    }
    return true
  }

  check(): void {
    if (this.failure !== null) throw this.failure
    this.truth.check()
    this.checkBuffers()
    this.intruders.check()
  }

  /** Nothing of ours is under way: restarts and cuts are done. */
  get isSettled(): boolean {
    return this.work.every((work) => work.size === 0)
  }

  private answer(message: Message, outcome: number): void {
    this.note(`message ${message.id}: outcome ${outcome}`)
    this.count(`outcome ${outcome}`)
    this.truth.answered(message, outcome)
  }

  /** What waits in memory has a limit on either side. */
  private checkBuffers(): void {
    const { plan } = this
    const frame = Math.max(plan.frameBytes, plan.apacheFrameBytes)
    for (const node of this.nodes) {
      if (node.tracked === null || !node.log.isOpen) continue
      const pending = node.tracked.net.pendingBytes()
      const limit = plan.highWaterMark + frame + BUFFER_SLACK
      demand(pending <= limit, `${node.name} has too much in a socket`, pending, limit)
      if (node.index === 0) continue
      const { appended, written } = node.replication
      const most = plan.pendingMax + plan.windowBytes + frame + RECORD_SLACK
      demand(appended - written <= most, `${node.name} takes too much`, appended, written)
    }
  }

  private start(node: SimNode): void {
    const { plan, options } = this
    const env = node.tracked!
    const log = this.logger(node)
    if (node.index === 0) {
      const watched = new WatchedReplication(node.replication, (offset, available) => {
        this.note(`replicated up to ${offset}, ${available ? 'available' : 'not available'}`)
        this.guard(() => this.truth.replicated(offset, available))
      })
      const replication = options.sabotage?.master?.(watched) ?? watched
      node.master = new HaMaster(masterOptions(plan), { env, log, replication })
      this.track(
        node,
        node.master.start().then(() => undefined),
      )
    } else {
      const replication = options.sabotage?.slave?.(node.replication) ?? node.replication
      const { life } = node
      node.slave = new HaSlave(slaveOptions(plan, node.index), {
        env,
        log,
        replication,
        onDiverged: (cut) => this.guard(() => this.diverged(node, life, cut)),
        onChange: (status) => this.changed(node, life, status),
      })
      this.follow(node)
    }
    options.sabotage?.started?.(node)
  }

  private follow(node: SimNode): void {
    if (node.slave === null) return
    const { protocol } = this.plan.slaves[node.index - 1]!
    const target = { address: `${MASTER_ADDRESS}:${HA_PORT}`, protocol }
    node.slave.follow(this.isLed[node.index]! ? target : null)
  }

  private changed(node: SimNode, life: number, status: HaSlaveStatus): void {
    if (node.life !== life) return
    const { state, problem } = status
    this.note(`${node.name} is ${state}${problem === null ? '' : `: ${problem.code}`}`)
    if (problem !== null) this.count(problem.code)
  }

  /** The log differs: what a Broker does is to close, cut and open. */
  private diverged(node: SimNode, life: number, cut: { at: number; end: number }): void {
    if (node.life !== life) return
    this.note(`${node.name} differs from ${cut.at} to ${cut.end}`)
    this.count('diverged')
    checkCut(node, this.master, cut, this.plan.divergedTailMax)
    this.during(node, async (isCurrent) => {
      const before = copyHeld(node.held())
      node.stopReplication()
      await node.log.close()
      if (!isCurrent()) return
      this.truth.slaveLost(node, cut.at, before)
      await node.log.cut(cut)
      if (isCurrent()) this.reopen(node)
    })
  }

  private reopen(node: SimNode): void {
    node.open()
    this.start(node)
  }

  /** Work that goes on while time passes; it ends when the node's process does. */
  private during(node: SimNode, task: (isCurrent: () => boolean) => Promise<void>): void {
    const { life } = node
    this.truth.trouble(node.index, 'restart', true)
    const isCurrent = (): boolean => node.life === life
    const done = (): void => this.truth.trouble(node.index, 'restart', false)
    this.track(node, task(isCurrent).finally(done))
  }

  private track(node: SimNode, task: Promise<void>): void {
    const work = this.work[node.index]!
    const guarded = task.catch((error) => this.failed(node, error))
    work.add(guarded)
    void guarded.finally(() => work.delete(guarded))
  }

  /** Without space a store neither opens nor is cut: its process ends, and somebody starts it again later. */
  private failed(node: SimNode, error: unknown): void {
    if (!isNoSpace(error)) {
      this.failure ??= error
      return
    }
    this.note(`${node.name} ends: no space`)
    this.count('ended for want of space')
    this.truth.trouble(node.index, 'down', true)
    this.crash(node, false)
  }

  /** A breach inside a callback must not be taken for an error of the caller's. */
  private guard(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.failure ??= error
    }
  }

  private logger(
    node: SimNode,
  ): Record<'debug' | 'info' | 'warn' | 'error', (fields: object) => void> {
    const at = (level: string) => (fields: object) => {
      if (this.options.note !== undefined) {
        this.note(`${node.name} ${level} ${JSON.stringify(fields)}`)
      }
    }
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }
}

/** Full of space, or a store that could not be closed for want of it. */
function isNoSpace(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = Reflect.get(error, 'code')
  return code === 'ENOSPC' || isNoSpace(error.cause)
}
