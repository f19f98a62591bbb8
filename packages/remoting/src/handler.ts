import { assert } from '@apogee/base'
import type { ExtFields, Frame, HeaderOf, HeaderTable } from '@apogee/protocol'
import type { Answer } from './answer.ts'
import type { Connection } from './connection.ts'

/**
 * What kind of work a request is. Requests that waited longer than their lane's limit are answered SYSTEM_BUSY instead of
 * being served (Java: the waitTimeMillsIn…Queue settings of BrokerConfig).
 */
export const lanes = ['send', 'pull', 'ack', 'heartbeat', 'route', 'admin'] as const
export type Lane = (typeof lanes)[number]

/** Who may call: 'client' = any connected client, 'admin' = changes or reveals the broker. Access control reads this. */
export type Permission = 'client' | 'admin'

/** One request of a typed handler. */
export interface Request<H> {
  readonly code: number
  readonly header: H
  readonly fields: ExtFields
  /** A copy of its own: what a handler keeps of it stays. */
  readonly body: Buffer
  readonly connection: Connection
  readonly opaque: number
  readonly oneway: boolean
  /** Ordinal of MQVersion. */
  readonly version: number
  /** LanguageCode. */
  readonly language: number
  /** For a handler that returned null: the answer, once, later. Ignored when one-way or the connection is gone. */
  reply(answer: Answer): void
}

/**
 * A handler that gets its header decoded. It answers at once, by a promise, or (null) by `request.reply()` later; until
 * then the request counts as one of its connection's unanswered ones.
 */
export interface TypedHandler<T extends HeaderTable> {
  /** RequestCode. */
  code: number
  lane: Lane
  permission: Permission
  header: T
  handle(request: Request<HeaderOf<T>>): Answer | Promise<Answer> | null
}

/**
 * For hot codes: decodes straight from the frame and writes the reply itself, with nothing allocated in between. `frame` is
 * reused, it is valid only during the call. A one-way frame gets no reply. Such a handler reports to the RequestObserver
 * itself: only it knows when and with what it answered.
 */
export interface FrameHandler {
  /** RequestCode. */
  code: number
  lane: Lane
  permission: Permission
  handleFrame(frame: Frame, connection: Connection): void
}

/** A TypedHandler whose header type has been erased by `handler()`. */
export interface AnyTypedHandler {
  readonly code: number
  readonly lane: Lane
  readonly permission: Permission
  readonly header: HeaderTable
  handle(request: Request<unknown>): Answer | Promise<Answer> | null
}

export type Handler = AnyTypedHandler | FrameHandler

/** Erases the header type, so that handlers of different headers fit one registry. */
export function handler<T extends HeaderTable>(typed: TypedHandler<T>): Handler {
  // The registry decodes with `typed.header` before it calls `handle`, so the value has the type that was erased.
  return typed as unknown as AnyTypedHandler
}

const DENSE_CODES = 4096

/**
 * Request code → handler. Ordinary codes are looked up in arrays, the few large ones (POP, 5xxxx) in a Map; frame handlers
 * have an array of their own, so that the hot path finds one with a single load.
 */
export class HandlerRegistry {
  private readonly dense: (Handler | undefined)[] = emptyTable()
  private readonly denseHot: (FrameHandler | undefined)[] = emptyTable()
  private readonly sparse = new Map<number, Handler>()

  /** Throws an AssertionError when a code has a handler already. */
  add(...handlers: Handler[]): this {
    for (const one of handlers) {
      assert(Number.isInteger(one.code) && one.code >= 0, 'request code', one.code)
      assert(this.get(one.code) === undefined, 'two handlers for request code', one.code)
      if (one.code >= DENSE_CODES) this.sparse.set(one.code, one)
      else {
        this.dense[one.code] = one
        if (isFrameHandler(one)) this.denseHot[one.code] = one
      }
    }
    return this
  }

  get(code: number): Handler | undefined {
    return code >= 0 && code < DENSE_CODES ? this.dense[code] : this.sparse.get(code)
  }

  /** The handler of a code when it is a FrameHandler. */
  frameHandler(code: number): FrameHandler | undefined {
    if (code >= 0 && code < DENSE_CODES) return this.denseHot[code]
    const sparse = this.sparse.get(code)
    return sparse !== undefined && isFrameHandler(sparse) ? sparse : undefined
  }

  /** Every handler, by code. */
  list(): Handler[] {
    const all = [...this.dense.filter((one) => one !== undefined), ...this.sparse.values()]
    return all.sort((a, b) => a.code - b.code)
  }

  /** A registry without some codes, for a second port that serves less. */
  without(codes: number[]): HandlerRegistry {
    const left = new Set(codes)
    return new HandlerRegistry().add(...this.list().filter((one) => !left.has(one.code)))
  }
}

function isFrameHandler(one: Handler): one is FrameHandler {
  return 'handleFrame' in one
}

function emptyTable<T>(): (T | undefined)[] {
  return Array.from({ length: DENSE_CODES }, () => undefined)
}
