import { RingQueue } from '@apogee/base'
import type { Env, Timer } from '@apogee/env'
import type { ClientLogger } from '../api/options.ts'
import type { TraceRecord } from './trace-record.ts'

/** Records of one trace message, and bytes of its text. */
export const TRACE_RECORDS_MAX = 20
export const TRACE_TEXT_MAX = 128_000
/** Records that wait; more are dropped and counted: trace must never slow down what it looks at. */
export const TRACE_QUEUE_MAX = 2_048
/** A record waits at most so long for others to travel with. */
const LINGER_MS = 500
/** Trace messages on their way at once. */
const SENDS_MAX = 16

export interface TraceDispatcherDeps {
  env: Pick<Env, 'clock'>
  log: ClientLogger
  /** Sends one trace message, found later by any of these keys. */
  send(body: string, keys: readonly string[]): Promise<unknown>
}

/** Collects records and sends them in batches (Java: AsyncTraceDispatcher). */
export class TraceDispatcher {
  /** Records that were dropped because too many waited, or because their message could not be sent. */
  dropped = 0
  private readonly deps: TraceDispatcherDeps
  private readonly waiting = new RingQueue<TraceRecord>()
  private sends = 0
  private timer: Timer | null = null
  private idleListeners: (() => void)[] = []

  constructor(deps: TraceDispatcherDeps) {
    this.deps = deps
  }

  add(record: TraceRecord): void {
    if (this.waiting.size >= TRACE_QUEUE_MAX) {
      this.dropped++
      return
    }
    this.waiting.push(record)
    if (this.waiting.size >= TRACE_RECORDS_MAX) this.sendSome()
    else if (this.timer === null) {
      this.timer = this.deps.env.clock.after(LINGER_MS, () => {
        this.timer = null
        this.sendSome()
      })
    }
  }

  /** Sends what waits, and resolves once it has been sent or has failed. */
  async flush(): Promise<void> {
    this.timer?.cancel()
    this.timer = null
    this.sendSome()
    if (this.sends > 0) await new Promise<void>((resolve) => this.idleListeners.push(resolve))
  }

  private sendSome(): void {
    while (this.waiting.size > 0 && this.sends < SENDS_MAX) this.sendOne()
    if (this.sends > 0) return
    const listeners = this.idleListeners
    this.idleListeners = []
    for (const listener of listeners) listener()
  }

  private sendOne(): void {
    const keys = new Set<string>()
    let text = ''
    let count = 0
    while (count < TRACE_RECORDS_MAX) {
      const record = this.waiting.peek()
      if (record === undefined || (count > 0 && text.length + record.text.length > TRACE_TEXT_MAX))
        break
      this.waiting.shift()
      text += record.text
      for (const key of record.keys) keys.add(key)
      count++
    }
    this.sends++
    const sent = (): void => {
      this.sends--
      this.sendSome()
    }
    this.deps.send(text, [...keys]).then(sent, (error: unknown) => {
      this.dropped += count
      this.deps.log.warn({ event: 'trace_failed', records: count, err: error })
      sent()
    })
  }
}
