import { ApogeeError } from '@apogee/base'

/** Everything that is no node of the cluster: clients, of the test and of other processes. */
export const CLIENTS = 'clients'

/** A partition, or a slow link, that has been planned. */
export interface LinkFault {
  /** The link is as it was; what waited on it arrives. */
  heal(): void
}

interface Cut extends LinkFault {
  readonly from: ReadonlySet<string>
  readonly to: ReadonlySet<string>
  readonly oneWay: boolean
}

interface Slow extends LinkFault {
  readonly node: string
  readonly delayMs: number
}

/**
 * The cables between the nodes of a cluster, and to its clients: which are cut, which are slow, and whose port is whose.
 * Nothing is lost on a cable that is cut, as with TCP: bytes and news of a close wait for it to be mended.
 */
export class Cables {
  private cuts: Cut[] = []
  private slow: Slow[] = []
  private readonly nodes: () => readonly string[]
  private readonly listeners = new Set<() => void>()
  /** Ports that nodes listen on; those of a killed node stay its own. */
  private readonly listening = new Map<number, string>()
  /** Ports that nodes have connected from. */
  private readonly dialled = new Map<number, string>()
  private readonly replicationPorts = new Set<number>()

  /** `nodes`: the names that there are. */
  constructor(nodes: () => readonly string[]) {
    this.nodes = nodes
  }

  /** Nothing is cut. */
  get isWhole(): boolean {
    return this.cuts.length === 0
  }

  /** Nothing is cut or slow. */
  get isSound(): boolean {
    return this.isWhole && this.slow.length === 0
  }

  /** What is cut or slow has changed. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  listens(node: string, port: number): void {
    this.listening.set(port, node)
  }

  /** A port where slaves copy the log: no frames of RocketMQ are there. */
  replicates(port: number): void {
    this.replicationPorts.add(port)
  }

  isReplication(port: number): boolean {
    return this.replicationPorts.has(port)
  }

  connected(node: string, localPort: number): void {
    this.dialled.set(localPort, node)
  }

  closed(localPort: number): void {
    this.dialled.delete(localPort)
  }

  /** Who listens on a port; somebody outside when no node does. */
  ownerOf(port: number): string {
    return this.listening.get(port) ?? CLIENTS
  }

  /** Whether the other end of an accepted connection is a node. */
  isNodePort(port: number): boolean {
    return this.dialled.has(port)
  }

  /** Whether bytes from one side do not arrive at the other. */
  isCut(from: string, to: string): boolean {
    if (this.cuts.length === 0) return false
    return this.cuts.some(
      (cut) =>
        (cut.from.has(from) && cut.to.has(to)) ||
        (!cut.oneWay && cut.from.has(to) && cut.to.has(from)),
    )
  }

  /** How much later bytes of a master's log arrive at a slave. */
  delayMs(a: string, b: string): number {
    const found = this.slow.filter(({ node }) => node === a || node === b)
    return found.reduce((most, { delayMs }) => Math.max(most, delayMs), 0)
  }

  /** Throws CLUSTER_OPTION_INVALID for names that there are not. */
  cut(from: readonly string[], to: readonly string[], oneWay: boolean): LinkFault {
    for (const name of [...from, ...to]) this.check(name)
    const cut: Cut = {
      from: new Set(from),
      to: new Set(to),
      oneWay,
      heal: () => {
        this.cuts = this.cuts.filter((other) => other !== cut)
        this.changed()
      },
    }
    this.cuts.push(cut)
    this.changed()
    return cut
  }

  /** Throws CLUSTER_OPTION_INVALID for a node that there is not, or a time that is none. */
  slowDown(node: string, delayMs: number): LinkFault {
    this.check(node)
    if (!(delayMs >= 0)) throw new ApogeeError('CLUSTER_OPTION_INVALID', `lag: ${delayMs} ms`)
    const slow: Slow = {
      node,
      delayMs,
      heal: () => {
        this.slow = this.slow.filter((other) => other !== slow)
        this.changed()
      },
    }
    this.slow.push(slow)
    this.changed()
    return slow
  }

  /** All cables are mended. */
  healAll(): void {
    this.cuts = []
    this.slow = []
    this.changed()
  }

  private changed(): void {
    for (const listener of this.listeners) listener()
  }

  private check(name: string): void {
    const names = this.nodes()
    if (name === CLIENTS || names.includes(name)) return
    const text = `${name} is none of ${[...names, CLIENTS].join(', ')}`
    throw new ApogeeError('CLUSTER_OPTION_INVALID', text)
  }
}
