import { isMalformed } from '@apogee/base'
import type { Clock, ConnectOptions, Env } from '@apogee/env'
import {
  type BodyCodec,
  decodeBody,
  decodeHeader,
  type ExtFields,
  encodeHeader,
  type HeaderInput,
  type HeaderOf,
  type HeaderTable,
  ResponseCode,
} from '@apogee/protocol'
import { type ClientRequest, RemotingClient, type Response, silentLogger } from '@apogee/remoting'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import { answerError, transportError } from './error-mapping.ts'
import { SparingConnections } from './sparing-connections.ts'

/** How requests reach servers: `RemotingClient`, or the connections of a client that has them already. */
export interface AdminConnections {
  /** Rejects with an error of remoting: no connection, no answer within `timeoutMs`, which includes connecting. */
  invoke(address: string, request: ClientRequest, timeoutMs: number): Promise<Response>
  close(): Promise<void>
}

export interface AdminTransportOptions {
  /** NameServers, "host:port" each. */
  readonly namesrvAddrs: readonly string[]
  /** For one request, connecting included. Default 5,000. */
  readonly timeoutMs?: number
  /** Signs a request: the fields to send with it beside its own (ACL 1 and 2: AccessKey, Signature, SecurityToken). */
  readonly sign?: (request: ClientRequest) => ExtFields
  /** Connects with TLS. */
  readonly tls?: NonNullable<ConnectOptions['tls']>
}

/** A request with its header table; the header's types follow from it. */
export interface AdminRequest<T extends HeaderTable> {
  readonly code: number
  readonly header: T
  readonly values: HeaderInput<T>
  readonly body?: Buffer
  readonly timeoutMs?: number
}

export const DEFAULT_TIMEOUT_MS = 5_000

/**
 * Sends administration requests to NameServers and brokers by address. A NameServer that answers is kept until it fails,
 * then the next of the list is asked. Errors are AdminErrors.
 */
export class AdminTransport {
  readonly clock: Clock
  readonly namesrvAddrs: readonly string[]
  readonly timeoutMs: number
  private readonly env: Pick<Env, 'clock' | 'net'>
  private readonly connections: AdminConnections
  private readonly sign: AdminTransportOptions['sign']
  /** Index of the NameServer that answered last. */
  private current = 0

  constructor(
    options: AdminTransportOptions,
    env: Pick<Env, 'clock' | 'net'>,
    connections?: AdminConnections,
  ) {
    this.env = env
    this.clock = env.clock
    this.namesrvAddrs = options.namesrvAddrs
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.sign = options.sign
    const tls = options.tls === undefined ? {} : { tls: options.tls }
    this.connections = connections ?? new RemotingClient(tls, { env, log: silentLogger })
  }

  /**
   * Sends a request and gives the answer, whatever its code. Rejects with ADMIN_BROKER_UNREACHABLE (no connection, no
   * answer in time) or ADMIN_BUSY (too many requests of ours are waiting).
   */
  async invoke(
    address: string,
    request: ClientRequest,
    timeoutMs: number = this.timeoutMs,
  ): Promise<Response> {
    try {
      return await this.connections.invoke(address, this.signed(request), timeoutMs)
    } catch (error) {
      throw transportError(error, address, AdminErrorCode.BROKER_UNREACHABLE)
    }
  }

  /** As `invoke`; an answer other than SUCCESS rejects with the AdminError that its code stands for. */
  async call<T extends HeaderTable>(address: string, request: AdminRequest<T>): Promise<Response> {
    const response = await this.invoke(address, frameOf(request), request.timeoutMs)
    if (response.code !== ResponseCode.SUCCESS) throw answerError(response, address)
    return response
  }

  /** As `call`, where the codes that are keys of `good` are answers too. */
  async callFor<T extends HeaderTable>(
    address: string,
    request: AdminRequest<T>,
    good: Readonly<Record<number, unknown>>,
  ): Promise<Response> {
    const response = await this.invoke(address, frameOf(request), request.timeoutMs)
    if (!Object.hasOwn(good, response.code)) throw answerError(response, address)
    return response
  }

  /** As `call`, for an answer with a JSON body. An answer without one is what `codec` makes of an empty object. */
  async callBody<T extends HeaderTable, B>(
    address: string,
    request: AdminRequest<T>,
    codec: BodyCodec<B>,
  ): Promise<B> {
    const { body } = await this.call(address, request)
    return bodyOf(codec, body, address)
  }

  /**
   * Asks the NameServer that answered last, and the others when it cannot be reached. Rejects with
   * ADMIN_NAMESRV_UNREACHABLE when none can, else as `call`.
   */
  async askNamesrv<T extends HeaderTable>(request: AdminRequest<T>): Promise<Response> {
    const count = this.namesrvAddrs.length
    if (count === 0) {
      const hint = 'name one with -n host:port'
      throw new AdminError(AdminErrorCode.NAMESRV_UNREACHABLE, 'no NameServer is named', { hint })
    }
    let last: AdminError | null = null
    for (let i = 0; i < count; i++) {
      const index = (this.current + i) % count
      const address = this.namesrvAddrs[index]!
      try {
        const response = await this.call(address, request)
        this.current = index
        return response
      } catch (error) {
        const { code } = error as AdminError
        if (code !== AdminErrorCode.BROKER_UNREACHABLE && code !== AdminErrorCode.BUSY) throw error
        last = error as AdminError
      }
    }
    // One that is only busy was there: the caller may try again.
    throw last?.code === AdminErrorCode.BUSY ? last : this.noNamesrv(last!)
  }

  async askNamesrvBody<T extends HeaderTable, B>(
    request: AdminRequest<T>,
    codec: BodyCodec<B>,
  ): Promise<B> {
    const { body } = await this.askNamesrv(request)
    return bodyOf(codec, body, this.namesrvAddrs[this.current]!)
  }

  /**
   * The same connections for a piece of work that asks every server several times: each must answer within `timeoutMs`,
   * and one that did not is not waited for again. Closing it closes nothing.
   */
  sparing(timeoutMs: number): AdminTransport {
    const { namesrvAddrs, sign } = this
    const options = { namesrvAddrs, timeoutMs, ...(sign === undefined ? {} : { sign }) }
    return new AdminTransport(options, this.env, new SparingConnections(this.connections))
  }

  /** Closes every connection. */
  close(): Promise<void> {
    return this.connections.close()
  }

  private signed(request: ClientRequest): ClientRequest {
    if (this.sign === undefined) return request
    const fields = new Map([...(request.fields ?? []), ...this.sign(request)])
    return { ...request, fields }
  }

  private noNamesrv(cause: AdminError): AdminError {
    const list = this.namesrvAddrs.join(', ')
    return new AdminError(
      AdminErrorCode.NAMESRV_UNREACHABLE,
      `no NameServer of ${list} answers: ${cause.message}`,
      { cause, retriable: true, hint: 'check -n, and that a NameServer runs there' },
    )
  }
}

function frameOf<T extends HeaderTable>(request: AdminRequest<T>): ClientRequest {
  const { code, body } = request
  const fields = encodeHeader(request.header, request.values)
  return body === undefined ? { code, fields } : { code, fields, body }
}

const EMPTY_OBJECT = Buffer.from('{}')

/** A body by its codec; rejects with ADMIN_ANSWER_INVALID. */
export function bodyOf<B>(codec: BodyCodec<B>, body: Uint8Array, address: string): B {
  const value = decodeBody(codec, body.length === 0 ? EMPTY_OBJECT : body)
  if (!isMalformed(value)) return value
  throw invalidAnswer(address, `${value.code}: ${value.detail}`)
}

/** An answer's header by its table; throws ADMIN_ANSWER_INVALID. */
export function headerOf<T extends HeaderTable>(
  table: T,
  response: Response,
  address: string,
): HeaderOf<T> {
  const header = decodeHeader(table, response.fields)
  if (!isMalformed(header)) return header
  throw invalidAnswer(address, `${header.code}: ${header.detail}`)
}

export function invalidAnswer(address: string, detail: string): AdminError {
  const message = `${address} answered what cannot be read: ${detail}`
  return new AdminError(AdminErrorCode.ANSWER_INVALID, message, { address })
}
