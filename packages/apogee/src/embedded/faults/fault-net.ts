import type { Clock, ConnectOptions, Listener, ListenOptions, Net, Socket } from '@apogee/env'
import { type Cable, CableSocket } from './cable-socket.ts'
import { type Cables, CLIENTS } from './cables.ts'
import type { FaultRules } from './fault-rules.ts'
import { FaultSocket } from './fault-socket.ts'

/** What faults on the network need of the cluster. */
export interface FaultPlan {
  readonly rules: FaultRules
  readonly cables: Cables
}

/**
 * The network of one process of a node, with planned faults: on requests of the connections that it accepts, and on the
 * cables to other nodes. Between two nodes the cable is at the end that connects; to clients at the end that accepts.
 */
export class FaultNet implements Net {
  private readonly net: Net
  private readonly node: string
  private readonly plan: FaultPlan
  private readonly clock: Clock
  private readonly sockets = new Set<CableSocket>()
  /** Local ports of connections that this node has made. */
  private readonly dialled = new Set<number>()
  private readonly forgetCables: () => void

  constructor(net: Net, node: string, plan: FaultPlan, clock: Clock) {
    this.net = net
    this.node = node
    this.plan = plan
    this.clock = clock
    this.forgetCables = plan.cables.onChange(() => {
      for (const socket of this.sockets) socket.changed()
    })
  }

  listen(
    options: ListenOptions,
    accept: (socket: Socket) => void,
    ready: (error: Error | null, port: number) => void,
  ): Listener {
    const { cables, rules } = this.plan
    const withFaults = (socket: Socket): void => {
      const cabled = this.cabled(socket, this.toClients(socket))
      // The bytes of a log are no frames.
      const isLog = cables.isReplication(socket.localPort)
      accept(isLog ? cabled : new FaultSocket(cabled, this.node, rules, this.clock))
    }
    return this.net.listen(options, withFaults, (error, port) => {
      if (error === null) cables.listens(this.node, port)
      ready(error, port)
    })
  }

  connect(options: ConnectOptions): Socket {
    const { cables } = this.plan
    const inner = this.net.connect(options)
    const socket = this.cabled(inner, this.toNode(options.port))
    const { events } = inner
    inner.events = {
      ...events,
      connected: () => {
        this.dialled.add(inner.localPort)
        cables.connected(this.node, inner.localPort)
        events.connected?.()
      },
    }
    return socket
  }

  /** The process is gone. */
  close(): void {
    this.forgetCables()
    for (const socket of this.sockets) socket.forget()
    this.sockets.clear()
    for (const port of this.dialled) this.plan.cables.closed(port)
    this.dialled.clear()
  }

  private cabled(inner: Socket, cable: Cable): CableSocket {
    const socket = new CableSocket(inner, cable, this.clock, () => {
      this.sockets.delete(socket)
      if (this.dialled.delete(inner.localPort)) this.plan.cables.closed(inner.localPort)
    })
    this.sockets.add(socket)
    return socket
  }

  private toNode(port: number): Cable {
    const { node } = this
    const { cables } = this.plan
    return {
      get isOutCut() {
        return cables.isCut(node, cables.ownerOf(port))
      },
      get isInCut() {
        return cables.isCut(cables.ownerOf(port), node)
      },
      get delayMs() {
        return cables.isReplication(port) ? cables.delayMs(node, cables.ownerOf(port)) : 0
      },
    }
  }

  private toClients(socket: Socket): Cable {
    const { node } = this
    const { cables } = this.plan
    // The end that connects cuts for both.
    const isClient = (): boolean => !cables.isNodePort(socket.remotePort)
    return {
      get isOutCut() {
        return !cables.isWhole && isClient() && cables.isCut(node, CLIENTS)
      },
      get isInCut() {
        return !cables.isWhole && isClient() && cables.isCut(CLIENTS, node)
      },
      delayMs: 0,
    }
  }
}
