import { NetFailure } from '../net-failure.ts'
import type { Clock, ConnectOptions, Listener, ListenOptions, Net, Socket } from '../ports.ts'
import type { SimNetwork } from './network.ts'
import { SimSocket } from './socket.ts'

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])
const ANY = new Set(['0.0.0.0', '::'])
const CONNECT_TIMEOUT_MS = 3_000
const FIRST_FREE_PORT = 40_000

/**
 * The Net port of one simulated process. TLS is a matter of options here (both sides must ask for it), nothing is
 * encrypted.
 */
export class SimNet implements Net {
  readonly address: string
  readonly clock: Clock
  private readonly network: SimNetwork
  private readonly listeners = new Map<number, SimListener>()
  private nextPort = FIRST_FREE_PORT

  constructor(network: SimNetwork, address: string, clock: Clock) {
    this.network = network
    this.address = address
    this.clock = clock
  }

  listen(
    options: ListenOptions,
    accept: (socket: Socket) => void,
    ready: (error: Error | null, port: number) => void,
  ): Listener {
    const { host } = options
    const port = options.port === 0 ? this.freePort() : options.port
    const listener = new SimListener(port, options, accept, () => {
      if (this.listeners.get(port) === listener) this.listeners.delete(port)
    })
    if (this.listeners.has(port)) {
      const error = new NetFailure('EADDRINUSE', `${host}:${port} is taken`)
      this.clock.soon(() => ready(error, 0))
    } else if (host !== this.address && !ANY.has(host) && !LOOPBACK.has(host)) {
      const error = new NetFailure('EADDRNOTAVAIL', `${host} is not an address of ${this.address}`)
      this.clock.soon(() => ready(error, 0))
    } else {
      this.listeners.set(port, listener)
      this.clock.soon(() => ready(null, port))
    }
    return listener
  }

  connect(options: ConnectOptions): Socket {
    const isLoopback = LOOPBACK.has(options.host)
    const target = isLoopback ? this.address : options.host
    const socket = new SimSocket(this.network, this, target)
    const shown = isLoopback ? '127.0.0.1' : this.address
    socket.remoteAddress = isLoopback ? '127.0.0.1' : target
    socket.remotePort = options.port
    socket.localAddress = shown
    socket.localPort = this.freePort()
    socket.limitConnect(options.timeoutMs ?? CONNECT_TIMEOUT_MS)
    socket.wire.send(() => arrive(this.network, socket, options, isLoopback))
    return socket
  }

  listener(port: number, overLoopback: boolean): SimListener | undefined {
    const listener = this.listeners.get(port)
    if (listener === undefined) return undefined
    return LOOPBACK.has(listener.options.host) && !overLoopback ? undefined : listener
  }

  private freePort(): number {
    while (this.listeners.has(this.nextPort)) this.nextPort++
    return this.nextPort++
  }
}

class SimListener implements Listener {
  readonly port: number
  readonly options: ListenOptions
  readonly accept: (socket: Socket) => void
  private readonly remove: () => void
  private closed = false

  constructor(
    port: number,
    options: ListenOptions,
    accept: (socket: Socket) => void,
    remove: () => void,
  ) {
    this.port = port
    this.options = options
    this.accept = accept
    this.remove = remove
  }

  close(done?: () => void): void {
    if (!this.closed) this.remove()
    this.closed = true
    done?.()
  }
}

/** A connection request reaches its host. */
function arrive(
  network: SimNetwork,
  socket: SimSocket,
  options: ConnectOptions,
  isLoopback: boolean,
): void {
  const host = network.findHost(socket.peerAddress)
  // Nobody answers for a machine that is off.
  if (host === undefined || socket.isClosed) return
  const listener = host.listener(options.port, isLoopback)
  const back = network.wire(host.address, socket.host.address)
  if (listener === undefined) {
    back.send(() => socket.refused('ECONNREFUSED'))
    return
  }
  const encrypted = options.tls !== undefined
  if (encrypted && (listener.options.tls?.() ?? null) === null) {
    back.send(() => socket.refused('EPROTO'))
    return
  }
  const accepted = new SimSocket(network, host, socket.host.address, back)
  accepted.remoteAddress = socket.localAddress
  accepted.remotePort = socket.localPort
  accepted.localAddress = isLoopback ? '127.0.0.1' : host.address
  accepted.localPort = options.port
  accepted.encrypted = encrypted
  accepted.join(socket)
  host.clock.soon(() => {
    if (!accepted.isClosed) listener.accept(accepted)
  })
  back.send(() => socket.established(accepted, encrypted))
}
