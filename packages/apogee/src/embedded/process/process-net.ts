import type { ConnectOptions, Listener, ListenOptions, Net, Socket } from '@apogee/env'
import type { Activity } from './activity.ts'
import type { ProcessGate } from './process-gate.ts'
import { ProcessSocket } from './process-socket.ts'

/**
 * The network of one embedded process. `ports` outlives it: the n-th listener that asks for any port gets the one it had
 * before a restart.
 */
export class ProcessNet implements Net {
  private readonly net: Net
  private readonly gate: ProcessGate
  private readonly activity: Activity
  private readonly ports: number[]
  private readonly sockets = new Set<ProcessSocket>()
  private readonly accepted = new Set<ProcessSocket>()
  private readonly listeners = new Set<Listener>()
  private anyPorts = 0
  private empty: (() => void) | null = null

  constructor(net: Net, gate: ProcessGate, activity: Activity, ports: number[]) {
    this.net = net
    this.gate = gate
    this.activity = activity
    this.ports = ports
  }

  listen(
    options: ListenOptions,
    accept: (socket: Socket) => void,
    ready: (error: Error | null, port: number) => void,
  ): Listener {
    const index = options.port === 0 ? this.anyPorts++ : -1
    const port = this.ports[index] ?? options.port
    const listener = this.net.listen(
      { ...options, port },
      (socket) => this.accept(socket, accept),
      (error, realPort) => {
        if (error === null && index >= 0) this.ports[index] = realPort
        this.gate.run(() => ready(error, realPort))
      },
    )
    this.listeners.add(listener)
    return listener
  }

  connect(options: ConnectOptions): Socket {
    const inner = this.net.connect(options)
    const socket = this.own(inner)
    const events = inner.events
    let isConnecting = true
    const made = (): void => {
      if (isConnecting) this.activity.end()
      isConnecting = false
    }
    this.activity.begin()
    inner.events = {
      ...events,
      connected: () => {
        this.activity.connected(inner.localPort, inner.remotePort)
        made()
        events.connected?.()
      },
      closed: (error) => {
        made()
        events.closed(error)
      },
    }
    return socket
  }

  /** Closes what was accepted. Returns how many. */
  cutAccepted(): number {
    for (const socket of this.accepted) socket.destroy()
    return this.accepted.size
  }

  hold(): void {
    for (const socket of this.sockets) socket.hold()
  }

  unhold(): void {
    for (const socket of this.sockets) socket.unhold()
  }

  /** The end of the process: resolves when its ports and descriptors are free. */
  async takeBack(): Promise<void> {
    for (const listener of this.listeners) listener.close()
    this.listeners.clear()
    for (const socket of this.sockets) socket.destroy()
    if (this.sockets.size > 0) await new Promise<void>((resolve) => (this.empty = resolve))
  }

  private accept(inner: Socket, accept: (socket: Socket) => void): void {
    if (this.gate.isShut) {
      inner.events = { data() {}, drained() {}, closed() {} }
      inner.destroy()
      return
    }
    const socket = this.own(inner)
    this.accepted.add(socket)
    if (this.gate.isHeld) socket.hold()
    this.gate.run(() => accept(socket))
  }

  private own(inner: Socket): ProcessSocket {
    const socket = new ProcessSocket(inner, this.gate, this.activity, (gone) => {
      this.sockets.delete(gone)
      this.accepted.delete(gone)
      if (this.sockets.size === 0) this.empty?.()
    })
    this.sockets.add(socket)
    return socket
  }
}
