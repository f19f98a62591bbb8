import { STORED, STORED_FLUSH_TIMEOUT, STORED_NO_SLAVE, STORED_SLAVE_TIMEOUT } from '@apogee/store'
import { demand } from './history-error.ts'
import { SLAVE_TIMEOUT_MS } from './history-options.ts'
import type { HistoryPlan } from './history-plan.ts'
import { type Appended, type Held, holdsSame } from './node-log.ts'
import type { SimNode } from './sim-node.ts'

/** A message that was given to the master, and what became of it. */
export interface Message extends Appended {
  id: number
  waits: boolean
  life: number
  appendedMs: number
  /** Connections the master had had until then, and those that it had. */
  accepted: number
  connections: number
  outcome: number | null
  answeredMs: number
  /** The master lost it, as it may: nobody has to have it. */
  isExcused: boolean
}

/** A slave lost what it held from `from` on: power without SYNC_FLUSH, a cut, a new disk. `held`: what there was. */
interface Loss {
  node: number
  from: number
  held: Held
}

/** An answer that is late beyond all time-outs, ms of a master that is well. */
const ANSWER_SLACK_MS = 400
/** A slave that is in step and has been left alone for so long must count as in sync. */
const IN_STEP_MS = 150

/** What really happened, beside what the master and its slaves say. */
export class Truth {
  readonly messages: Message[] = []
  readonly nodes: readonly SimNode[]
  private readonly plan: HistoryPlan
  private readonly nowMs: () => number
  private readonly losses: Loss[] = []
  private pending: Message[] = []
  /** What the master's replication told its store, in this life. */
  private told = { offset: 0, available: true }
  private verified = 0
  /** Since when each slave is in step and left alone. */
  private readonly inStepSince: number[]
  private readonly troubledAt: number[]
  /** What is wrong at the moment, by node. */
  private readonly troubles: Set<string>[]

  constructor(plan: HistoryPlan, nodes: readonly SimNode[], nowMs: () => number) {
    this.plan = plan
    this.nodes = nodes
    this.nowMs = nowMs
    this.inStepSince = nodes.map(() => Number.POSITIVE_INFINITY)
    this.troubledAt = nodes.map(() => 0)
    this.troubles = nodes.map(() => new Set())
  }

  get master(): SimNode {
    return this.nodes[0]!
  }

  get slaves(): readonly SimNode[] {
    return this.nodes.slice(1)
  }

  /** Slaves that must hold a message. */
  get needed(): number {
    return this.plan.inSyncReplicas - 1
  }

  get unanswered(): number {
    return this.pending.length
  }

  appended(message: Message): void {
    this.messages.push(message)
    this.pending.push(message)
  }

  /** `what` goes wrong with this node, or no longer does; the master's troubles are everybody's. */
  trouble(node: number, what: string, on: boolean): void {
    if (on) this.troubles[node]!.add(what)
    else this.troubles[node]!.delete(what)
    for (const { index } of this.nodes) {
      if (node !== 0 && index !== node) continue
      this.troubledAt[index] = this.nowMs()
      this.inStepSince[index] = Number.POSITIVE_INFINITY
    }
  }

  /** Whatever was wrong is no longer. */
  calm(): void {
    for (const { index } of this.nodes) {
      this.troubles[index]!.clear()
      this.trouble(index, '', false)
    }
  }

  private isTroubled(node: number): boolean {
    return this.troubles[0]!.size + this.troubles[node]!.size > 0
  }

  /** The master's replication says how far enough slaves hold the log. */
  replicated(offset: number, available: boolean): void {
    if (this.needed === 0) return
    const { written } = this.master.replication
    demand(offset <= written, 'replicated beyond what is written', offset, written)
    if (offset > this.verified) {
      const holders = this.slaves.filter((slave) => this.holdsUpTo(slave, offset)).length
      demand(holders >= this.needed, 'replicated, but too few slaves hold it', offset, holders)
      this.verified = offset
    }
    this.told = { offset, available }
    if (!available) this.checkUnavailable('the master says too few are in sync')
  }

  answered(message: Message, outcome: number): void {
    const { id, waits } = message
    demand(message.outcome === null, 'answered twice', id, message.outcome, outcome)
    message.outcome = outcome
    message.answeredMs = this.nowMs()
    this.pending = this.pending.filter((other) => other !== message)
    const isReplicated = this.needed > 0 && waits
    switch (outcome) {
      case STORED:
        if (isReplicated) this.checkStored(message)
        return
      case STORED_NO_SLAVE:
        demand(isReplicated && !this.told.available, 'NO_SLAVE though replicas are there', id)
        return this.checkUnavailable(`message ${id} got NO_SLAVE`)
      case STORED_SLAVE_TIMEOUT:
        return this.checkTimeout(message)
      case STORED_FLUSH_TIMEOUT:
        return demand(this.plan.masterSync, 'FLUSH_TIMEOUT without SYNC_FLUSH', id)
      default:
        demand(false, 'an outcome without a cause', id, outcome)
    }
  }

  /** A slave's log lost what it held from `from` on; before that it held `held` (a copy). */
  slaveLost(node: SimNode, from: number, held: Held): void {
    this.losses.push({ node: node.index, from, held })
  }

  /** The master's process is gone: nobody answers what waits. */
  masterGone(): void {
    this.pending = []
    this.told = { offset: 0, available: true }
    this.verified = 0
  }

  /** The master is back: what it had acknowledged is there, unless the power went without SYNC_FLUSH. */
  masterBack(power: boolean): void {
    const held = this.master.log.held(false)
    for (const message of this.messages) {
      if (message.isExcused || message.offset < held.start) continue
      if (this.master.log.has(held, message)) continue
      demand(!this.isPromised(message, power), 'the master lost', message.id, message.offset)
      message.isExcused = true
    }
  }

  /** Every message that was STORED is on enough slaves: what is left if the master never comes back. */
  checkCopies(): void {
    if (this.needed === 0) return
    const held = this.nodes.map((node) => (node.index === 0 ? null : node.held()))
    for (const message of this.messages) {
      if (message.outcome !== STORED || !message.waits || message.isExcused) continue
      if (message.offset < this.master.log.held(false).start) continue
      const holders = this.slaves.filter((slave) => {
        const has = slave.log.has(held[slave.index]!, message)
        return has || this.hasLost(slave, message)
      })
      const { id, offset } = message
      demand(holders.length >= this.needed, 'STORED, and not on enough slaves', id, offset)
    }
  }

  /** What holds at every moment. */
  check(): void {
    const { master } = this
    if (!master.isServing) return
    for (const slave of this.slaves) {
      if (slave.slave?.status.state !== 'following' || !slave.isConnectedTo(master)) continue
      slave.compareWith(master)
      const [end, limit] = [slave.replication.appended, master.replication.appended]
      demand(end <= limit, `${slave.name} is ahead of the master it follows`, end, limit)
      this.noteInStep(slave)
    }
    this.checkAnswers()
  }

  private noteInStep(slave: SimNode): void {
    const isInStep = slave.replication.stored >= this.master.replication.written
    if (!isInStep || this.isTroubled(slave.index)) return
    if (this.inStepSince[slave.index]! !== Number.POSITIVE_INFINITY) return
    this.inStepSince[slave.index] = this.nowMs()
  }

  private checkAnswers(): void {
    const oldest = this.pending[0]
    if (oldest === undefined || this.troubles[0]!.size > 0) return
    const limitMs = SLAVE_TIMEOUT_MS + ANSWER_SLACK_MS
    const since = Math.max(oldest.appendedMs, this.troubledAt[0]!)
    const waitedMs = this.nowMs() - since
    demand(waitedMs <= limitMs, 'a message is not answered', oldest.id, waitedMs)
  }

  private checkStored(message: Message): void {
    const { id, end } = message
    demand(end <= this.verified, 'STORED beyond what is replicated', id, end, this.verified)
    const holders = this.slaves.filter((slave) => this.holds(slave, message))
    demand(holders.length >= this.needed, 'STORED, but too few slaves hold it', id, end)
  }

  private checkTimeout(message: Message): void {
    const { id, end, waits } = message
    demand(this.needed > 0 && waits, 'a time-out of slaves nobody waits for', id)
    const waitedMs = message.answeredMs - message.appendedMs
    // A log that is closed gives up at once.
    const isEarly = this.master.isServing && waitedMs < SLAVE_TIMEOUT_MS - 0.001
    demand(!isEarly, 'SLAVE_TIMEOUT too early', id, waitedMs)
    demand(end > this.told.offset, 'SLAVE_TIMEOUT though it is replicated', id)
    const isAlone =
      message.connections === 0 && message.accepted === this.master.tracked!.net.accepted
    demand(!isAlone, 'waited for slaves though none was connected', id)
  }

  private checkUnavailable(what: string): void {
    // With a small gap a burst of messages puts a slave out of sync, and rightly so.
    if (this.plan.gapMax < 1 << 20 || this.plan.bytesPerSecondMax < 1 << 20) return
    const well = this.inStepSince.filter((since) => this.nowMs() - since > IN_STEP_MS).length
    demand(well < this.needed, `${what} though enough slaves are in step`, well)
  }

  private holdsUpTo(slave: SimNode, offset: number): boolean {
    const wanted = this.master.log.held(false)
    if (holdsSame(slave.held(), wanted, offset)) return true
    // It may have acknowledged before it lost it.
    return this.lossesOf(slave).some(({ held }) => holdsSame(held, wanted, offset))
  }

  private holds(slave: SimNode, message: Message): boolean {
    if (slave.log.has(slave.held(), message)) return true
    return this.lossesOf(slave).some(({ held }) => slave.log.has(held, message))
  }

  private hasLost(slave: SimNode, message: Message): boolean {
    // Its acknowledgement may have been on its way when it lost it.
    return this.lossesOf(slave).some(
      ({ from, held }) => from < message.end && slave.log.has(held, message),
    )
  }

  private lossesOf(slave: SimNode): Loss[] {
    return this.losses.filter(({ node }) => node === slave.index)
  }

  private isPromised({ outcome, waits }: Message, power: boolean): boolean {
    // Who gave up on the disk does not know whether the record is there.
    if (outcome === null || outcome === STORED_FLUSH_TIMEOUT) return false
    return !power || (this.plan.masterSync && waits)
  }
}
