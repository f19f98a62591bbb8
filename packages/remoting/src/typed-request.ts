import type { ExtFields, Frame } from '@apogee/protocol'
import type { Answer } from './answer.ts'
import type { Connection } from './connection.ts'
import type { Request } from './handler.ts'

/** Told when a typed request has its answer, or failed. */
export interface TypedRequestOwner {
  answered(request: TypedRequest, answer: Answer): void
  answeredTwice(request: TypedRequest): void
}

/** One request of a typed handler, from the call until its answer. */
export class TypedRequest implements Request<unknown> {
  readonly code: number
  readonly header: unknown
  readonly fields: ExtFields
  readonly body: Buffer
  readonly connection: Connection
  readonly opaque: number
  readonly oneway: boolean
  readonly version: number
  readonly language: number
  readonly serializeType: number
  readonly startedMs: number
  private readonly owner: TypedRequestOwner
  /** Counted as unanswered. */
  private parked = false
  private done = false

  constructor(
    frame: Frame,
    header: unknown,
    fields: ExtFields,
    connection: Connection,
    startedMs: number,
    owner: TypedRequestOwner,
  ) {
    this.code = frame.code
    this.header = header
    this.fields = fields
    this.body = Buffer.from(frame.body())
    this.connection = connection
    this.opaque = frame.opaque
    this.oneway = frame.isOneway
    this.version = frame.version
    this.language = frame.language
    this.serializeType = frame.serializeType
    this.startedMs = startedMs
    this.owner = owner
  }

  reply(answer: Answer): void {
    if (this.done) {
      this.owner.answeredTwice(this)
      return
    }
    this.done = true
    if (this.parked) this.connection.requestFinished()
    this.owner.answered(this, answer)
  }

  /** The answer comes later. */
  park(): void {
    if (this.done) return
    this.parked = true
    this.connection.requestParked()
  }
}
