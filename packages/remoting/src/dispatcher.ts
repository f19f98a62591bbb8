import { ApogeeError, isMalformed, LimitedLog, type Malformed } from '@apogee/base'
import type { Clock } from '@apogee/env'
import { decodeHeader, type Frame, ResponseCode } from '@apogee/protocol'
import { type Answer, refuse } from './answer.ts'
import type { Connection } from './connection.ts'
import type { ConnectionHost } from './connection-host.ts'
import type { AnyTypedHandler, FrameHandler, HandlerRegistry, Lane } from './handler.ts'
import type { Logger } from './logger.ts'
import type { ConnectionLimits } from './options.ts'
import { TypedRequest, type TypedRequestOwner } from './typed-request.ts'

/** Counts what is served and what is refused. Nothing is allocated for it. */
export interface RequestObserver {
  /** A typed request has its answer, `micros` after it was handled first. Frame handlers report theirs themselves. */
  requestDone(code: number, responseCode: number, micros: number): void
  /** A request was refused unheard, so that the others are served: 'age' or 'overload'. */
  shed(lane: Lane, reason: string): void
}

/** Longest text of a failure that a client gets to see. */
const MESSAGE_MAX = 512

/** A typed request costs about this many hot frames. */
const TYPED_COST = 8

/** Brings one frame to its handler, or refuses it with a code and a reason. */
export class Dispatcher implements TypedRequestOwner {
  private readonly registry: HandlerRegistry
  private readonly log: Logger
  private readonly limitedLog: LimitedLog
  private readonly clock: Clock
  private readonly limits: ConnectionLimits
  private readonly host: ConnectionHost
  private readonly observe: RequestObserver | null

  constructor(
    host: ConnectionHost,
    deps: { registry: HandlerRegistry; log: Logger; observe?: RequestObserver | undefined },
  ) {
    this.host = host
    this.limits = host.limits
    this.clock = host.clock
    this.registry = deps.registry
    this.log = deps.log
    this.limitedLog = new LimitedLog(deps.log, () => host.clock.monotonicMs())
    this.observe = deps.observe ?? null
  }

  /** Never throws. Returns what the frame cost, in units of a hot frame: a guess, for time slices. */
  dispatch(frame: Frame, connection: Connection): number {
    if (frame.isResponse) {
      this.complete(frame, connection)
      return 1
    }
    if (this.overloaded(connection) && this.refuseOverload(frame, connection)) return 1
    const hot = this.registry.frameHandler(frame.code)
    if (hot !== undefined) {
      this.dispatchHot(hot, frame, connection)
      return 1
    }
    const typed = this.registry.get(frame.code)
    if (typed === undefined) this.answerFrame(frame, connection, notSupported(frame.code))
    else this.dispatchTyped(typed as AnyTypedHandler, frame, connection)
    return TYPED_COST
  }

  /** The longest that a request may have waited for its turn. */
  ageLimitMs(frame: Frame): number {
    if (frame.isResponse) return Number.POSITIVE_INFINITY
    const handler = this.registry.get(frame.code)
    if (handler === undefined) return Number.POSITIVE_INFINITY
    return this.limits.laneAgeLimitMs[handler.lane]
  }

  /** Answers a request that waited longer than `ageLimitMs`. */
  shed(frame: Frame, connection: Connection, ageMs: number, ageLimitMs: number): void {
    const lane = this.registry.get(frame.code)?.lane ?? 'admin'
    this.observe?.shed(lane, 'age')
    const age = Math.round(ageMs)
    const remark = `[TIMEOUT_CLEAN_QUEUE]broker busy, request waited ${age} ms in the ${lane} lane, at most ${ageLimitMs} ms`
    this.limitedLog.warn('request_shed', { reason: 'age', lane, ageMs: age, limitMs: ageLimitMs })
    this.answerFrame(frame, connection, refuse(ResponseCode.SYSTEM_BUSY, remark))
  }

  answered(request: TypedRequest, answer: Answer): void {
    if (this.observe !== null) {
      const micros = (this.clock.monotonicMs() - request.startedMs) * 1_000
      this.observe.requestDone(request.code, answer.code, micros)
    }
    const { connection, opaque, serializeType } = request
    if (request.oneway || !connection.open) return
    try {
      connection.answer(opaque, serializeType, answer)
    } catch (error) {
      // An answer that cannot be encoded. Nothing of it was committed.
      this.failed(request.code, connection, error)
      connection.answer(opaque, serializeType, failure(error))
    }
  }

  answeredTwice(request: TypedRequest): void {
    const peer = request.connection.remoteAddress
    this.limitedLog.warn('request_answered_twice', { code: request.code, peer })
  }

  private dispatchHot(hot: FrameHandler, frame: Frame, connection: Connection): void {
    const written = connection.writtenBytes + connection.outputEnd
    try {
      hot.handleFrame(frame, connection)
    } catch (error) {
      this.failed(hot.code, connection, error)
      const answered = connection.writtenBytes + connection.outputEnd !== written
      if (!answered) this.answerFrame(frame, connection, failure(error))
    }
  }

  private dispatchTyped(handler: AnyTypedHandler, frame: Frame, connection: Connection): void {
    const fields = frame.fields()
    if (isMalformed(fields)) {
      this.answerFrame(frame, connection, badHeader(fields))
      return
    }
    const header = decodeHeader(handler.header, fields)
    if (isMalformed(header)) {
      this.answerFrame(frame, connection, badHeader(header))
      return
    }
    const startedMs = this.observe === null ? 0 : this.clock.monotonicMs()
    const request = new TypedRequest(frame, header, fields, connection, startedMs, this)
    try {
      const result = handler.handle(request)
      if (result === null) {
        if (!request.oneway) request.park()
      } else if (result instanceof Promise) this.await(request, result)
      else request.reply(result)
    } catch (error) {
      this.failed(request.code, connection, error)
      request.reply(failure(error))
    }
  }

  private await(request: TypedRequest, result: Promise<Answer>): void {
    request.park()
    result.then(
      (answer) => request.reply(answer),
      (error: unknown) => {
        this.failed(request.code, request.connection, error)
        request.reply(failure(error))
      },
    )
  }

  private complete(frame: Frame, connection: Connection): void {
    if (connection.requests.complete(frame)) return
    const peer = connection.remoteAddress
    this.log.debug({ event: 'response_unexpected', peer, code: frame.code, opaque: frame.opaque })
  }

  private overloaded(connection: Connection): boolean {
    if (this.host.unanswered >= this.limits.unansweredMax) return true
    // A server has paused such a connection; a client goes on reading, for the responses.
    return !this.host.pausesPeers && connection.unanswered >= this.limits.unansweredPerConnectionMax
  }

  /** False for the lanes that go on: they keep clients alive and make room. */
  private refuseOverload(frame: Frame, connection: Connection): boolean {
    const lane = this.registry.get(frame.code)?.lane ?? 'admin'
    if (lane === 'heartbeat' || lane === 'ack') return false
    const unanswered = this.host.unanswered
    this.observe?.shed(lane, 'overload')
    this.limitedLog.warn('request_shed', { reason: 'overload', lane, unanswered })
    const remark = `[OVERLOAD]system busy, ${unanswered} requests are not answered yet`
    this.answerFrame(frame, connection, refuse(ResponseCode.SYSTEM_BUSY, remark))
    return true
  }

  private answerFrame(frame: Frame, connection: Connection, answer: Answer): void {
    if (!frame.isOneway) connection.answer(frame.opaque, frame.serializeType, answer)
  }

  private failed(code: number, connection: Connection, error: unknown): void {
    this.log.error({ event: 'handler_failed', code, peer: connection.remoteAddress, err: error })
  }
}

function notSupported(code: number): Answer {
  return refuse(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, `request type ${code} not supported`)
}

function badHeader(problem: Malformed): Answer {
  return refuse(ResponseCode.SYSTEM_ERROR, `[${problem.code}] ${problem.detail}`)
}

/** What the client is told: the message, never the stack. */
function failure(error: unknown): Answer {
  let text = error instanceof Error ? error.message : String(error)
  if (error instanceof ApogeeError) text = `[${error.code}] ${text}`
  return refuse(ResponseCode.SYSTEM_ERROR, text.slice(0, MESSAGE_MAX))
}
