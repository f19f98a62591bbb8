import type { Clock, Timer } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import { takeOpBody } from './core/op-body.ts'
import type { StoredAppends } from './stored-appends.ts'
import { draftOp } from './transaction-drafts.ts'

/** Decisions that wait to be written; with more no transaction can be ended. */
const WAITING_MAX = 200_000
/** After the store refused. */
const RETRY_MS = 1000

export interface OpWriterDeps {
  config: BrokerConfig
  store: Pick<MessageStore, 'draft'>
  appends: StoredAppends
  clock: Clock
  log: Logger
  /** This broker's address, in records. */
  host: { address: Uint8Array; port: number }
  /** An op message of so many bytes is stored. */
  written: (size: number) => void
}

/**
 * Writes decisions as op messages: together after transactionOpBatchInterval, or as soon as they fill
 * transactionOpMsgMaxSize. What a crash takes with it is asked for again. Java: TransactionalOpBatchService.
 */
export class OpWriter {
  private readonly deps: OpWriterDeps
  private waiting: number[] = []
  private bytes = 0
  private timer: Timer | null = null
  private readonly inFlight = new Set<Promise<void>>()
  private isStopped = false

  constructor(deps: OpWriterDeps) {
    this.deps = deps
  }

  get hasRoom(): boolean {
    return this.waiting.length < WAITING_MAX
  }

  /** Decisions over the half messages at these places. */
  add(offsets: readonly number[]): void {
    const { transactionOpBatchInterval, transactionOpMsgMaxSize } = this.deps.config.values
    for (const offset of offsets) {
      this.waiting.push(offset)
      this.bytes += String(offset).length + 1
    }
    if (this.bytes >= transactionOpMsgMaxSize) this.flush()
    else this.flushAfter(transactionOpBatchInterval)
  }

  /** Writes what waits. Resolves when it is stored; what the store refuses is then given up, and asked for again. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.timer?.cancel()
    this.timer = null
    this.flush()
    await Promise.all(this.inFlight)
  }

  private flushAfter(delayMs: number): void {
    if (this.timer !== null || this.isStopped) return
    this.timer = this.deps.clock.after(delayMs, () => {
      this.timer = null
      this.flush()
    })
  }

  private flush(): void {
    while (this.waiting.length > 0) {
      const { body, taken } = takeOpBody(
        this.waiting,
        this.deps.config.values.transactionOpMsgMaxSize,
      )
      this.bytes -= body.length
      const write = this.write(body, taken)
      this.inFlight.add(write)
      void write.finally(() => this.inFlight.delete(write))
    }
  }

  private async write(body: string, offsets: number[]): Promise<void> {
    const { appends, clock, host, log, store, written } = this.deps
    draftOp(store.draft, body, host, clock.wallMs())
    const { isStored, size, status } = await appends.append()
    if (isStored) {
      written(size)
      return
    }
    log.warn({ event: 'transaction_ops_refused', status, count: offsets.length })
    this.waiting = offsets.concat(this.waiting)
    this.bytes += body.length
    this.flushAfter(RETRY_MS)
  }
}
