import { Cables, type LinkFault } from './cables.ts'
import {
  type FaultMatch,
  type FaultRule,
  FaultRules,
  type Refusal,
  refusal,
} from './fault-rules.ts'

/**
 * Faults by rule, on requests that reach NameServers and brokers, and on those that brokers send to clients. Of several
 * rules the first one that matches and is not spent counts. What tests ask the cluster itself (`messages`, `lag`, …) is
 * not hit. Codes that RocketMQ does not have throw CLUSTER_OPTION_INVALID.
 */
export interface ClusterFaults {
  /** The request is lost on its way: nothing happens, and the sender's time-out has to find out. */
  drop(match: FaultMatch): FaultRule
  /** The request is carried out and its reply is lost: a sender that tries again makes a duplicate. */
  dropReply(match: FaultMatch): FaultRule
  /** The request arrives so much later; others overtake it. */
  delay(match: FaultMatch, delayMs: number): FaultRule
  /** The request is carried out at once, and its reply arrives so much later. */
  delayReply(match: FaultMatch, delayMs: number): FaultRule
  /** The request is answered with this code and remark, and not carried out. */
  refuse(match: FaultMatch, refusal?: Refusal): FaultRule
  /** The connection is closed in place of an answer; the request is not carried out. */
  disconnect(match: FaultMatch): FaultRule
  /** Closes connections that the node (all nodes) has accepted. Returns how many. */
  cutConnections(match?: { broker?: string }): number
  /**
   * Cuts the cable between two sides, each a node (`'broker-a'`, `'namesrv-1'`), several, or `'clients'`: everything
   * outside. Nothing is lost, as with TCP: what is sent waits, connections stay until somebody's time-out closes them,
   * and new ones are not made, until it is healed. With `oneWay` only what `from` sends does not arrive.
   */
  partition(from: Side, to: Side, options?: { oneWay?: boolean }): LinkFault
  /** Ends all partitions and lags. */
  heal(): void
  /** What this slave (the slaves of this master) copies from the master's log arrives so much later. */
  lag(node: string, delayMs: number): LinkFault
  /** Ends all rules, partitions and lags. What is delayed still comes. */
  clear(): void
}

/** One side of a partition: a node, several, or `'clients'`. */
export type Side = string | readonly string[]

/** `cut` closes what a node, or every one, has accepted; `nodes` gives the names that there are. */
export class PlannedFaults implements ClusterFaults {
  readonly rules: FaultRules = new FaultRules()
  readonly cables: Cables
  private readonly cut: (node: string | undefined) => number

  constructor(cut: (node: string | undefined) => number, nodes: () => readonly string[]) {
    this.cut = cut
    this.cables = new Cables(nodes)
  }

  drop(match: FaultMatch): FaultRule {
    return this.rules.add(match, { kind: 'drop' })
  }

  dropReply(match: FaultMatch): FaultRule {
    return this.rules.add(match, { kind: 'drop-reply' })
  }

  delay(match: FaultMatch, delayMs: number): FaultRule {
    return this.rules.add(match, { kind: 'delay', delayMs })
  }

  delayReply(match: FaultMatch, delayMs: number): FaultRule {
    return this.rules.add(match, { kind: 'delay-reply', delayMs })
  }

  refuse(match: FaultMatch, answer: Refusal = {}): FaultRule {
    return this.rules.add(match, refusal(answer))
  }

  disconnect(match: FaultMatch): FaultRule {
    return this.rules.add(match, { kind: 'disconnect' })
  }

  cutConnections({ broker }: { broker?: string } = {}): number {
    return this.cut(broker)
  }

  partition(from: Side, to: Side, { oneWay = false }: { oneWay?: boolean } = {}): LinkFault {
    return this.cables.cut([from].flat(), [to].flat(), oneWay)
  }

  heal(): void {
    this.cables.healAll()
  }

  lag(node: string, delayMs: number): LinkFault {
    return this.cables.slowDown(node, delayMs)
  }

  clear(): void {
    this.rules.clear()
    this.cables.healAll()
  }
}
