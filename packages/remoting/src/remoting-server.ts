import { ApogeeError } from '@apogee/base'
import type { Env, Listener, ListenOptions, Socket } from '@apogee/env'
import { LanguageCode, SerializeType } from '@apogee/protocol'
import type { Connection } from './connection.ts'
import { Pause } from './connection-host.ts'
import { ConnectionLoop } from './connection-loop.ts'
import type { RequestObserver } from './dispatcher.ts'
import type { HandlerRegistry } from './handler.ts'
import { hostAndPort } from './host-address.ts'
import type { Logger } from './logger.ts'
import { type RemotingServerOptions, remotingServerDefaults } from './options.ts'
import { RemotingError } from './requests-in-flight.ts'

/** How often a stopping server looks which connections have nothing left to do. */
const STOP_LOOK_MS = 5

export interface RemotingServerDeps {
  env: Pick<Env, 'clock' | 'net'>
  registry: HandlerRegistry
  log: Logger
  observe?: RequestObserver
}

/** Accepts connections on one port and serves the handlers of a registry on them (Java: NettyRemotingServer). */
export class RemotingServer {
  private readonly options: RemotingServerOptions
  private readonly deps: RemotingServerDeps
  private readonly loop: ConnectionLoop
  private readonly perAddress = new Map<string, number>()
  private listener: Listener | null = null
  private stopping: Promise<void> | null = null
  private allGone: (() => void) | null = null
  private refusedCount = 0

  constructor(
    options: Partial<RemotingServerOptions> & { host: string; port: number },
    deps: RemotingServerDeps,
  ) {
    this.options = { ...remotingServerDefaults, ...options }
    this.deps = deps
    const { firstFrameMs } = this.options
    this.loop = new ConnectionLoop(
      this.options,
      {
        pausesPeers: true,
        serializeType: SerializeType.JSON,
        language: LanguageCode.JAVA,
        firstFrameMs,
        connectTimeoutMs: Number.POSITIVE_INFINITY,
      },
      deps,
    )
    this.loop.onGone = (connection) => this.gone(connection)
  }

  get connections(): ReadonlySet<Connection> {
    return this.loop.connections
  }

  /** Connections closed as they came, because of connectionsMax or connectionsPerAddressMax. */
  get refused(): number {
    return this.refusedCount
  }

  /** Connections closed so far, by reason: peer_closed, socket_error, idle, frame_malformed, output_stalled, … */
  get closings(): ReadonlyMap<string, number> {
    return this.loop.closings
  }

  /** The real port. Rejects with REMOTING_BIND_FAILED. */
  start(): Promise<number> {
    const { host, port, tls } = this.options
    const options: ListenOptions = tls === undefined ? { host, port } : { host, port, tls }
    return new Promise((resolve, reject) => {
      const accept = (socket: Socket): void => this.accept(socket)
      this.listener = this.deps.env.net.listen(options, accept, (error, realPort) => {
        if (error === null) {
          resolve(realPort)
          return
        }
        const text = `cannot listen on ${hostAndPort(host, port)}: ${error.message}`
        reject(new ApogeeError(RemotingError.BIND_FAILED, text, { cause: error }))
      })
    })
  }

  /**
   * Stops accepting and reading, answers what is in flight for up to `graceMs`, then closes everything. Held long polls
   * are for their owner to answer first.
   */
  stop(graceMs: number): Promise<void> {
    this.stopping ??= this.drain(graceMs)
    return this.stopping
  }

  private async drain(graceMs: number): Promise<void> {
    this.listener?.close()
    const untilMs = this.loop.clock.monotonicMs() + graceMs
    for (const connection of this.loop.connections) connection.pause(Pause.STOPPING)
    if (this.loop.connections.size === 0) return
    await new Promise<void>((resolve) => {
      this.allGone = resolve
      this.closeIdle(untilMs)
    })
  }

  private closeIdle(untilMs: number): void {
    const late = this.loop.clock.monotonicMs() >= untilMs
    for (const connection of this.loop.connections) {
      if (late) connection.abort('stopped_late')
      else if (!this.loop.busy(connection)) connection.close('stopped')
    }
    if (this.loop.connections.size === 0) return
    this.loop.clock.after(STOP_LOOK_MS, () => this.closeIdle(untilMs))
  }

  private accept(socket: Socket): void {
    const address = socket.remoteAddress
    const count = this.perAddress.get(address) ?? 0
    const reason = this.refusal(count)
    if (reason !== null) {
      this.refusedCount++
      this.loop.log.warn('connection_refused', { reason, address })
      socket.events = { data() {}, drained() {}, closed() {} }
      socket.destroy()
      return
    }
    this.perAddress.set(address, count + 1)
    this.loop.add(socket, true)
  }

  private refusal(sameAddress: number): string | null {
    if (this.stopping !== null) return 'stopping'
    if (this.loop.connections.size >= this.options.connectionsMax) return 'connections_max'
    return sameAddress >= this.options.connectionsPerAddressMax ? 'connections_per_address' : null
  }

  private gone(connection: Connection): void {
    const address = connection.socket.remoteAddress
    const left = (this.perAddress.get(address) ?? 1) - 1
    if (left === 0) this.perAddress.delete(address)
    else this.perAddress.set(address, left)
    if (this.loop.connections.size === 0) this.allGone?.()
  }
}
