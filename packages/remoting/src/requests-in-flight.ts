import { ApogeeError, isMalformed } from '@apogee/base'
import type { ExtFields, Frame } from '@apogee/protocol'

/** What the peer answered to a request of ours. Owned by the receiver: nothing of it points into receive buffers. */
export interface Response {
  /** ResponseCode. */
  code: number
  remark: string | null
  fields: ExtFields
  body: Buffer
}

/** Called exactly once, never before the call that started the request has returned. */
export type RequestDone = (error: ApogeeError | null, response: Response | null) => void

/** In place of a RequestDone, for hot requests: reads the response where it lies. One of the two is called, once. */
export interface RequestSink {
  /** `frame` is valid during the call only. */
  answered(frame: Frame): void
  failed(error: ApogeeError): void
}

/** Stable codes of the errors a request of ours ends with. */
export const RemotingError = {
  BIND_FAILED: 'REMOTING_BIND_FAILED',
  CONNECT_FAILED: 'REMOTING_CONNECT_FAILED',
  TIMEOUT: 'REMOTING_TIMEOUT',
  CLOSED: 'REMOTING_CLOSED',
  TOO_MANY: 'REMOTING_TOO_MANY',
  RESPONSE_MALFORMED: 'REMOTING_RESPONSE_MALFORMED',
} as const

interface InFlight {
  readonly code: number
  readonly deadlineMs: number
  readonly done: RequestDone | RequestSink
}

/** Requests of ours on one connection that wait for their response, by opaque (Java: responseTable). */
export class RequestsInFlight {
  private readonly waiting = new Map<number, InFlight>()
  private readonly callbackFailed: (error: unknown) => void
  private nextOpaque = 0
  /** No deadline is before this. */
  private earliestMs = Number.POSITIVE_INFINITY

  /** `callbackFailed` hears of a `done` that threw. */
  constructor(callbackFailed: (error: unknown) => void) {
    this.callbackFailed = callbackFailed
  }

  get size(): number {
    return this.waiting.size
  }

  /** The opaque to send. */
  add(code: number, deadlineMs: number, done: RequestDone | RequestSink): number {
    const opaque = this.takeOpaque()
    this.waiting.set(opaque, { code, deadlineMs, done })
    if (deadlineMs < this.earliestMs) this.earliestMs = deadlineMs
    return opaque
  }

  /** An opaque that no waiting request has, for a one-way request too. */
  takeOpaque(): number {
    let opaque = this.nextOpaque
    while (this.waiting.has(opaque)) opaque = (opaque + 1) & 0x7fffffff
    this.nextOpaque = (opaque + 1) & 0x7fffffff
    return opaque
  }

  /** Ends the request this response belongs to; false when there is none (late, or made up). */
  complete(frame: Frame): boolean {
    const request = this.waiting.get(frame.opaque)
    if (request === undefined) return false
    this.waiting.delete(frame.opaque)
    const { done } = request
    if (typeof done !== 'function') {
      try {
        done.answered(frame)
      } catch (failure) {
        this.callbackFailed(failure)
      }
      return true
    }
    const fields = frame.fields()
    const remark = frame.remark()
    if (isMalformed(fields) || isMalformed(remark)) {
      const detail = isMalformed(fields) ? fields.detail : (remark as { detail: string }).detail
      this.finish(request, new ApogeeError(RemotingError.RESPONSE_MALFORMED, detail), null)
    } else {
      const body = Buffer.from(frame.body())
      this.finish(request, null, { code: frame.code, remark, fields, body })
    }
    return true
  }

  /** Ends every request whose deadline has passed. */
  expire(nowMs: number, peer: string): void {
    if (nowMs < this.earliestMs) return
    const due: InFlight[] = []
    let earliestMs = Number.POSITIVE_INFINITY
    for (const [opaque, request] of this.waiting) {
      if (request.deadlineMs <= nowMs) {
        this.waiting.delete(opaque)
        due.push(request)
      } else if (request.deadlineMs < earliestMs) earliestMs = request.deadlineMs
    }
    this.earliestMs = earliestMs
    for (const request of due) {
      const message = `no response from ${peer} to request ${request.code} in time`
      this.finish(request, new ApogeeError(RemotingError.TIMEOUT, message), null)
    }
  }

  failAll(error: ApogeeError): void {
    const all = [...this.waiting.values()]
    this.waiting.clear()
    this.earliestMs = Number.POSITIVE_INFINITY
    for (const request of all) this.finish(request, error, null)
  }

  private finish(request: InFlight, error: ApogeeError | null, response: Response | null): void {
    try {
      const { done } = request
      if (typeof done === 'function') done(error, response)
      else done.failed(error!)
    } catch (failure) {
      this.callbackFailed(failure)
    }
  }
}
