import { type ApogeeError, isMalformed } from '@apogee/base'
import type { Clock, Timer } from '@apogee/env'
import { decodeBody, KVTable, RequestCode, ResponseCode } from '@apogee/protocol'
import type { Connection, Logger, RemotingClient, Response } from '@apogee/remoting'
import type { TopicConfig } from '../topic/topic-config.ts'
import type { Registration } from './registration.ts'

const RETRY_MIN_MS = 1000
const RETRY_MAX_MS = 10_000
const UNREGISTER_TIMEOUT_MS = 3000

export interface LinkDeps {
  client: Pick<RemotingClient, 'connection'>
  clock: Clock
  log: Logger
  build: (changed: readonly TopicConfig[] | null) => Registration
  timeoutMs: () => number
  /** Topics of the order KV that the NameServer answered. */
  ordered: (topics: Iterable<string>) => void
  /** A registration was taken: where this NameServer says a slave's master is, null when it knows of none. */
  master: (masterAddr: string | null, haServerAddr: string | null) => void
}

/**
 * This broker at one NameServer. One registration is under way at a time; what changes meanwhile makes one more. After a
 * failure, and when the connection is lost (the NameServer then forgets us at once), a full registration follows soon.
 */
export class NameServerLink {
  readonly address: string
  private readonly deps: LinkDeps
  private wantsFull = false
  private readonly changed = new Map<string, TopicConfig>()
  /** It has all our topics. */
  private isRegistered = false
  private inFlight = false
  /** Who waits for the registration under way, and for the one after it. */
  private current: (() => void)[] = []
  private waiting: (() => void)[] = []
  private watched: Connection | null = null
  private failures = 0
  private timer: Timer | null = null
  private stopped = false

  constructor(address: string, deps: LinkDeps) {
    this.address = address
    this.deps = deps
  }

  /** True once the last registration was taken. */
  get registered(): boolean {
    return this.isRegistered
  }

  registerAll(): void {
    this.wantsFull = true
    this.run()
  }

  registerTopics(topics: readonly TopicConfig[]): void {
    for (const topic of topics) this.changed.set(topic.topicName, topic)
    this.run()
  }

  /**
   * `done` follows when what was to be registered by now was answered, or could not be: at once when there is nothing, or
   * when the NameServer cannot be reached at present.
   */
  whenTold(done: () => void): void {
    if (!this.inFlight || this.stopped) done()
    else if (this.wantsFull || this.changed.size > 0) this.waiting.push(done)
    else this.current.push(done)
  }

  /** Says good-bye; `done` follows the answer, or its absence. */
  unregister(registration: ReadonlyMap<string, string>, done: () => void): void {
    this.stopped = true
    this.timer?.cancel()
    this.release()
    if (!this.isRegistered && !this.inFlight) {
      done()
      return
    }
    const fields = new Map(registration)
    this.request(RequestCode.UNREGISTER_BROKER, fields, null, UNREGISTER_TIMEOUT_MS, (error) => {
      if (error !== null) this.logFailure('unregister', error)
      done()
    })
  }

  private run(): void {
    if (this.stopped || this.inFlight || this.timer !== null) return
    const full = this.wantsFull || !this.isRegistered
    if (!full && this.changed.size === 0) return
    const { fields, body } = this.deps.build(full ? null : [...this.changed.values()])
    this.wantsFull = false
    this.changed.clear()
    this.inFlight = true
    this.current = this.waiting
    this.waiting = []
    const timeoutMs = this.deps.timeoutMs()
    this.request(RequestCode.REGISTER_BROKER, fields, body, timeoutMs, (error, response) => {
      this.inFlight = false
      if (error !== null) this.failed(error.message, error.code)
      else if (response!.code !== ResponseCode.SUCCESS) {
        this.failed(response!.remark ?? '', String(response!.code))
      } else this.taken(response!)
    })
  }

  private taken(response: Response): void {
    if (!this.isRegistered) this.deps.log.info({ event: 'registered', nameServer: this.address })
    this.isRegistered = true
    this.failures = 0
    const told = this.current
    this.current = []
    for (const done of told) done()
    const { fields } = response
    this.deps.master(fields.get('masterAddr') ?? null, fields.get('haServerAddr') ?? null)
    if (response.body.length > 0) {
      const table = decodeBody(KVTable, response.body)
      if (isMalformed(table)) {
        const { code, detail } = table
        this.deps.log.warn({ event: 'order_topics_malformed', code, detail })
      } else this.deps.ordered(table.table.keys())
    }
    this.run()
  }

  private failed(reason: string, code: string): void {
    this.deps.log.warn({ event: 'not_registered', nameServer: this.address, code, reason })
    this.isRegistered = false
    this.retrySoon()
    this.release()
  }

  private release(): void {
    const told = [...this.current, ...this.waiting]
    this.current = []
    this.waiting = []
    for (const done of told) done()
  }

  private retrySoon(): void {
    if (this.stopped || this.timer !== null) return
    const delayMs = Math.min(RETRY_MIN_MS * 2 ** this.failures, RETRY_MAX_MS)
    this.failures = Math.min(this.failures + 1, 10)
    this.timer = this.deps.clock.after(delayMs, () => {
      this.timer = null
      this.run()
    })
  }

  private request(
    code: number,
    fields: Map<string, string>,
    body: Buffer | null,
    timeoutMs: number,
    done: (error: ApogeeError | null, response: Response | null) => void,
  ): void {
    let connection: Connection
    try {
      connection = this.deps.client.connection(this.address)
    } catch (error) {
      // No address, or the client is closed: as if it could not be reached.
      this.deps.clock.soon(() => done(error as ApogeeError, null))
      return
    }
    this.watch(connection)
    connection.request(code, fields, body, timeoutMs, done)
  }

  private watch(connection: Connection): void {
    if (this.watched === connection) return
    this.watched = connection
    connection.onClose(() => {
      if (this.watched !== connection) return
      this.watched = null
      if (this.stopped || this.inFlight) return
      this.isRegistered = false
      this.retrySoon()
    })
  }

  private logFailure(what: string, error: ApogeeError): void {
    const { code, message } = error
    this.deps.log.warn({
      event: 'name_server_failed',
      what,
      nameServer: this.address,
      code,
      message,
    })
  }
}
