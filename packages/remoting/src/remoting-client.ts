import { ApogeeError } from '@apogee/base'
import type { ConnectOptions, Env } from '@apogee/env'
import type { ExtFields } from '@apogee/protocol'
import { CLIENT_CLOSED, type Connection } from './connection.ts'
import { ConnectionLoop } from './connection-loop.ts'
import type { RequestObserver } from './dispatcher.ts'
import { HandlerRegistry } from './handler.ts'
import { parseAddress } from './host-address.ts'
import type { Logger } from './logger.ts'
import { type RemotingClientOptions, remotingClientDefaults } from './options.ts'
import { RemotingError, type Response } from './requests-in-flight.ts'

/** How long a server may take to close its side once ours is. */
const CLOSE_GRACE_MS = 1_000

export interface RemotingClientDeps {
  env: Pick<Env, 'clock' | 'net'>
  log: Logger
  /** Serves what servers ask of us; without it they hear "not supported". */
  registry?: HandlerRegistry
  observe?: RequestObserver
  /** Hears of every connection as it is begun, before anything is sent over it: what it sends then goes first. */
  opened?: (connection: Connection) => void
}

export interface ClientRequest {
  /** RequestCode. */
  code: number
  fields?: ExtFields
  body?: Buffer
}

/**
 * Sends requests to servers by address, over one connection each, made on first use and made again after it was lost
 * (Java: NettyRemotingClient).
 */
export class RemotingClient {
  private readonly options: RemotingClientOptions
  private readonly deps: RemotingClientDeps
  private readonly loop: ConnectionLoop
  private readonly byAddress = new Map<string, Connection>()
  private closing: Promise<void> | null = null
  private allGone: (() => void) | null = null

  constructor(options: Partial<RemotingClientOptions>, deps: RemotingClientDeps) {
    this.options = { ...remotingClientDefaults, ...options }
    this.deps = deps
    const { serializeType, language, connectTimeoutMs } = this.options
    this.loop = new ConnectionLoop(
      this.options,
      {
        pausesPeers: false,
        serializeType,
        language,
        firstFrameMs: Number.POSITIVE_INFINITY,
        connectTimeoutMs,
      },
      { ...deps, registry: deps.registry ?? new HandlerRegistry() },
    )
    this.loop.onGone = () => {
      if (this.loop.connections.size === 0) this.allGone?.()
    }
  }

  get connections(): ReadonlySet<Connection> {
    return this.loop.connections
  }

  /** The connection to this address that is open or being made, null when there is none. */
  peek(address: string): Connection | null {
    const known = this.byAddress.get(address)
    return known?.open ? known : null
  }

  /**
   * The connection to "host:port", new or used before. Throws REMOTING_CONNECT_FAILED for what is no address,
   * REMOTING_CLOSED after `close`. It may not be made yet; requests on it wait for that.
   */
  connection(address: string): Connection {
    const known = this.byAddress.get(address)
    if (known?.open) return known
    if (this.closing !== null) throw new ApogeeError(RemotingError.CLOSED, 'client is closed')
    const target = parseAddress(address)
    if (target === null) {
      throw new ApogeeError(RemotingError.CONNECT_FAILED, `no host:port: ${address.slice(0, 80)}`)
    }
    const { connectTimeoutMs, tls } = this.options
    const connect: ConnectOptions = { ...target, timeoutMs: connectTimeoutMs }
    if (tls !== undefined) connect.tls = tls
    const connection = this.loop.add(this.deps.env.net.connect(connect), false)
    connection.name = address
    this.byAddress.set(address, connection)
    connection.onClose(() => {
      if (this.byAddress.get(address) === connection) this.byAddress.delete(address)
    })
    this.deps.opened?.(connection)
    return connection
  }

  /**
   * Sends a request and waits for its response, connecting included. Rejects with REMOTING_CONNECT_FAILED,
   * REMOTING_TIMEOUT, REMOTING_CLOSED, REMOTING_TOO_MANY, REMOTING_RESPONSE_MALFORMED.
   */
  invoke(address: string, request: ClientRequest, timeoutMs: number): Promise<Response> {
    return new Promise((resolve, reject) => {
      const { code, fields = null, body = null } = request
      this.connection(address).request(code, fields, body, timeoutMs, (error, response) => {
        if (error !== null) reject(error)
        else resolve(response!)
      })
    })
  }

  /** Sends a request that gets no response; resolves once the socket has it. Rejects as `invoke`, but never times out. */
  oneway(address: string, request: ClientRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const { code, fields = null, body = null } = request
      const connection = this.connection(address)
      if (!connection.oneway(code, fields, body)) {
        const text = `${address} has not taken ${connection.pendingOutput} bytes`
        reject(new ApogeeError(RemotingError.TOO_MANY, text))
      } else connection.onEstablished((error) => (error === null ? resolve() : reject(error)))
    })
  }

  /** Closes every connection; requests in flight fail with REMOTING_CLOSED. Bounded by CLOSE_GRACE_MS. */
  close(): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      if (this.loop.connections.size === 0) {
        resolve()
        return
      }
      this.allGone = resolve
      for (const connection of this.loop.connections) connection.close(CLIENT_CLOSED)
      this.loop.clock.after(CLOSE_GRACE_MS, () => {
        for (const connection of this.loop.connections) connection.abort(CLIENT_CLOSED)
      })
    })
    return this.closing
  }
}
