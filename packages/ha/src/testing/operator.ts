import { readInt32 } from '@apogee/base'
import { RECORD_TOTAL_SIZE } from '@apogee/protocol'
import type { HaWorld } from './ha-world.ts'
import { demand } from './history-error.ts'
import type { SimNode } from './sim-node.ts'

/** How long a slave says that it cannot go on before the operator does something, ms. */
const PATIENCE_MS = 100

/**
 * What an operator does once the troubles are over: a slave that says it cannot follow is emptied, if what it says is
 * true. Nothing else is helped.
 */
export class Operator {
  private readonly world: HaWorld
  private readonly refusedSince = new Map<SimNode, number>()

  constructor(world: HaWorld) {
    this.world = world
  }

  /** Whether everything is as it should be; helps where it may. */
  attend(): boolean {
    const { truth, master } = this.world
    if (!master.isServing || !this.world.isSettled) return false
    for (const slave of truth.slaves) this.help(slave)
    return truth.slaves.every((slave) => this.isInStep(slave)) && this.countsAreRight()
  }

  report(): unknown {
    const { truth, master } = this.world
    const slaves = truth.slaves.map((slave) => ({
      status: slave.slave?.status ?? null,
      held: range(slave),
      isEqual: slave.isEqualTo(master),
    }))
    const { peers = [], inSyncReplicas = 0 } = master.master ?? {}
    return { master: range(master), slaves, peers, inSyncReplicas }
  }

  private isInStep(slave: SimNode): boolean {
    return slave.slave?.status.state === 'following' && slave.isEqualTo(this.world.master)
  }

  /** What the master says of its slaves is what is. */
  private countsAreRight(): boolean {
    const { truth, master } = this.world
    const { peers, inSyncReplicas, connected } = master.master!
    if (master.replication.appended > master.replication.written) return false
    const count = truth.slaves.length
    const isIdentified = peers.every(({ ackOffset }) => ackOffset === master.replication.written)
    return (
      peers.length === count && connected === count && inSyncReplicas === count + 1 && isIdentified
    )
  }

  private help(slave: SimNode): void {
    const status = slave.slave?.status
    if (status === undefined || status.state === 'following') {
      this.refusedSince.delete(slave)
      return
    }
    // A slave that tries again is between two refusals, and Apache's protocol has none: it only closes.
    const isApache = this.world.plan.slaves[slave.index - 1]!.protocol === 'apache'
    if (status.state !== 'refused' && !(isApache && this.isHopeless(slave))) return
    const since = this.refusedSince.get(slave) ?? this.world.nowMs
    this.refusedSince.set(slave, since)
    if (this.world.nowMs - since < PATIENCE_MS) return
    const code = status.problem?.code ?? ''
    demand(this.isHopeless(slave), `${slave.name} refuses without cause`, code, this.report())
    this.refusedSince.delete(slave)
    this.world.wipe(slave)
  }

  /** The logs cannot be brought together within the limits. */
  private isHopeless(slave: SimNode): boolean {
    const mine = slave.log.held(false)
    const theirs = this.world.master.log.held(false)
    if (mine.end < theirs.start) return true
    const from = Math.max(mine.start, theirs.start)
    const to = Math.min(mine.end, theirs.end)
    if (from >= to) return true
    const [a, b] = [mine.bytes(from, to), theirs.bytes(from, to)]
    let at = 0
    while (at < a.length && a[at] === b[at]) at++
    // Not one record in common, or more to cut than may be: a cut goes back to the start of a record, which fits a file.
    const { fileSize, divergedTailMax } = this.world.plan
    const isRecordShort = at < readInt32(a, RECORD_TOTAL_SIZE)
    return isRecordShort || mine.end - from - at + fileSize > divergedTailMax
  }
}

function range(node: SimNode): { start: number; end: number } {
  const { start, end } = node.log.held(false)
  return { start, end }
}
