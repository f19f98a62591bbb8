import type { ApogeeError } from '@apogee/base'
import type { Env } from '@apogee/env'
import { type ExtFields, LanguageCode, ResponseCode } from '@apogee/protocol'
import {
  type ClientRequest,
  type Connection,
  type HandlerRegistry,
  type Logger,
  RemotingClient,
  type RemotingClientOptions,
  RemotingError,
  type Response,
} from '@apogee/remoting'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import { ConnectBackOff } from './connect-back-off.ts'
import type { OnewayOutcome, Remote, StatusSink } from './contract.ts'
import { closedError, errorOfRemoting, errorOfResponse, RETRIABLE_ERROR_MS } from './errors.ts'
import type { Signer } from './signer.ts'

/** Bytes that wait for one broker's socket, beyond which a one-way request is answered 'full'. */
export const ONEWAY_HIGH_WATER_BYTES: number = 1024 * 1024

/** Why a connection was closed that nobody needs any more. */
const DROPPED = 'not_in_any_route'

export interface RemoteCallsDeps {
  env: Pick<Env, 'clock' | 'net' | 'random'>
  log: Logger
  registry: HandlerRegistry
  status: StatusSink
  signer: Signer | null
}

/** Who wants to know about connections. */
export interface ConnectionListener {
  /** It is begun; what is sent now goes before everything else. */
  opened(connection: Connection): void
  /** It is gone. `wasMade`: whether it had been established at all. */
  lost(address: string, wasMade: boolean): void
}

/** Requests to servers by address: signed, with back-off between attempts to connect, with errors of this client. */
export class RemoteCalls implements Remote {
  readonly client: RemotingClient
  private readonly deps: RemoteCallsDeps
  readonly writesBinary: boolean
  private readonly backOff: ConnectBackOff
  private readonly listeners: ConnectionListener[] = []
  private closing: Promise<void> | null = null

  constructor(options: Partial<RemotingClientOptions>, deps: RemoteCallsDeps) {
    this.deps = deps
    this.backOff = new ConnectBackOff(deps.env)
    const { env, log, registry, signer } = deps
    this.writesBinary = signer === null && options.serializeType !== 0
    this.client = new RemotingClient(
      { serializeType: 1, language: LanguageCode.NODE_JS, ...options },
      { env, log, registry, opened: (connection) => this.opened(connection) },
    )
  }

  listen(listener: ConnectionListener): void {
    this.listeners.push(listener)
  }

  /**
   * The connection to a server, made if need be. An error instead of one: RMQ_CLOSED; RMQ_BROKER_UNREACHABLE while
   * the address is left alone after a failure.
   */
  open(address: string): Connection | RocketMQError {
    const known = this.client.peek(address)
    if (known !== null) return known
    if (this.closing !== null) return closedError()
    const waitMs = this.backOff.waitMs(address)
    if (waitMs > 0) {
      const text = `${address} could not be connected to; the next attempt is in ${Math.ceil(waitMs)} ms`
      return new RocketMQError(ErrorCode.BROKER_UNREACHABLE, text, {
        broker: address,
        retriable: true,
      })
    }
    try {
      return this.client.connection(address)
    } catch (error) {
      return errorOfRemoting(-1, error as ApogeeError, address)
    }
  }

  /** Whether its connection was lost, or the last attempt to connect to it failed. */
  isDown(address: string): boolean {
    return this.backOff.isDown(address)
  }

  /** Whether there is any address of which `isDown` says so. */
  get hasDown(): boolean {
    return this.backOff.hasAny
  }

  /** The fields to send: those of the signature too, when there are credentials. */
  fieldsOf(fields: ExtFields | null, body: Uint8Array | null): ExtFields | null {
    return this.deps.signer === null ? fields : this.deps.signer.sign(fields, body)
  }

  invoke(address: string, request: ClientRequest, timeoutMs: number): Promise<Response> {
    return new Promise((resolve, reject) => {
      const connection = this.open(address)
      if (connection instanceof RocketMQError) {
        // Never at once: a caller that tries again in a loop would keep everything else from happening.
        if (connection.retriable) {
          this.deps.env.clock.after(RETRIABLE_ERROR_MS, () => reject(connection))
        } else reject(connection)
        return
      }
      const { code, fields = null, body = null } = request
      connection.request(code, this.fieldsOf(fields, body), body, timeoutMs, (error, response) => {
        if (error === null) resolve(response!)
        else reject(this.failureOf(code, error, address))
      })
    })
  }

  async call(address: string, request: ClientRequest, timeoutMs: number): Promise<Response> {
    const response = await this.invoke(address, request, timeoutMs)
    if (response.code === ResponseCode.SUCCESS) return response
    throw errorOfResponse(request.code, response, address)
  }

  oneway(address: string, request: ClientRequest): OnewayOutcome {
    const connection = this.open(address)
    if (connection instanceof RocketMQError) return 'dropped'
    const { code, fields = null, body = null } = request
    if (!connection.oneway(code, this.fieldsOf(fields, body), body)) return 'dropped'
    return connection.pendingOutput > ONEWAY_HIGH_WATER_BYTES ? 'full' : 'sent'
  }

  flushed(address: string): Promise<void> {
    const connection = this.client.peek(address)
    if (connection === null) return Promise.resolve()
    return new Promise((resolve, reject) => {
      connection.onTaken((error) => {
        if (error === null) resolve()
        else reject(errorOfRemoting(-1, error, address))
      })
    })
  }

  /** A connection that was never made has not carried the request to anybody, whatever the error is called. */
  failureOf(requestCode: number, error: ApogeeError, address: string): RocketMQError {
    if (this.closing !== null) return closedError()
    const isMade = this.client.peek(address)?.established ?? true
    if (isMade || error.code !== RemotingError.TIMEOUT) {
      return errorOfRemoting(requestCode, error, address)
    }
    const details = { broker: address, retriable: true, cause: error }
    return new RocketMQError(
      ErrorCode.BROKER_UNREACHABLE,
      `no connection to ${address} in time`,
      details,
    )
  }

  /** Closes the connection to an address that nothing names any more. */
  drop(address: string): void {
    this.backOff.forget(address)
    this.client.peek(address)?.close(DROPPED)
  }

  close(): Promise<void> {
    this.closing ??= this.client.close()
    return this.closing
  }

  private opened(connection: Connection): void {
    const address = connection.name
    let wasMade = false
    connection.onEstablished((error) => {
      if (error !== null) return
      wasMade = true
      this.backOff.connected(address)
      this.deps.status.emit({ type: 'connected', address })
    })
    connection.onClose(() => {
      if (this.closing !== null || connection.closeReason === DROPPED) this.backOff.forget(address)
      else if (wasMade) this.backOff.lost(address)
      else this.backOff.failed(address)
      if (wasMade) {
        this.deps.status.emit({ type: 'disconnected', address, reason: connection.closeReason })
      }
      if (this.closing === null)
        for (const listener of this.listeners) listener.lost(address, wasMade)
    })
    for (const listener of this.listeners) listener.opened(connection)
  }
}
