import type { MessageHandler } from '../api/consume.ts'
import {
  DELAY_LEVEL_DEAD,
  decideOrderedFailed,
  maxReconsumeTimes,
  type OrderedDecision,
} from '../core/retry-policy.ts'
import type { ConsumeMode } from './consume-mode.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { HandlerHooks } from './handler-hooks.ts'
import { HandlerRun, isThenable } from './handler-run.ts'
import { HandlerSlices } from './handler-slices.ts'
import type { PulledMessage } from './pulled-message.ts'
import type { QueueReader } from './queue-reader.ts'
import { ReadyQueues, TURN } from './ready-queues.ts'
import { RunningHandlers, timedOut } from './running-handlers.ts'
import type { SendBack } from './send-back.ts'
import { Waiters } from './waiters.ts'

const CONSUMED = Symbol('consumed')

/**
 * One handler per queue at a time, in the order of the queue, up to `concurrency` queues at once (Java:
 * ConsumeMessageOrderlyService). In clustering only while the queue's lock is ours. A failed message is handled
 * again after a rest; what follows it waits.
 */
export class OrderedMode<T> implements ConsumeMode<T> {
  readonly isOrdered = true
  private readonly context: ConsumerContext<T>
  private readonly sendBack: SendBack<T>
  private readonly handler: MessageHandler<T>
  private readonly slices: HandlerSlices
  private readonly running: RunningHandlers<T>
  private readonly hooks: HandlerHooks<T>
  private readonly ready = new ReadyQueues<T>()
  private readonly idleWaiters = new Waiters()
  private workers = 0
  private isStopped = false

  constructor(context: ConsumerContext<T>, sendBack: SendBack<T>, handler: MessageHandler<T>) {
    this.context = context
    this.sendBack = sendBack
    this.handler = handler
    this.slices = new HandlerSlices(context.client.env.clock)
    this.running = new RunningHandlers(context)
    this.hooks = new HandlerHooks(context)
  }

  get inFlight(): number {
    return this.workers
  }

  arrived(reader: QueueReader<T>): void {
    if (!reader.isBusy) this.ready.add(reader)
    if (this.workers === 0) this.slices.begin()
    this.spawn()
  }

  acknowledgerOf(): null {
    return null
  }

  lost(reader: QueueReader<T>, reason: unknown): void {
    this.running.abortOf(reader, reason)
  }

  dropped(): void {}

  quiet(reader: QueueReader<T>): Promise<void> {
    return this.running.quiet(reader)
  }

  stop(): void {
    this.isStopped = true
  }

  async idle(): Promise<void> {
    while (this.workers > 0) await this.idleWaiters.wait()
  }

  /** Order allows nothing to be sent back: the message at hand, and what follows, comes again to the next owner. */
  abandon(reason: unknown): Promise<void> {
    for (const run of this.running.all()) {
      run.isOver = true
      run.reader.isFinal = true
      this.running.remove(run)
      run.abort(reason)
      this.workers--
    }
    return this.idle()
  }

  /** A handler that runs too long hears of it; the order forbids to go on without it. */
  tick(nowMs: number): void {
    const { consumeTimeoutMs } = this.context.settings
    for (const run of this.running.expired(nowMs)) run.abort(timedOut(consumeTimeoutMs))
  }

  async direct(message: PulledMessage<T>): Promise<void> {
    await this.handler(message, { signal: new AbortController().signal })
  }

  private spawn(): void {
    const { concurrency } = this.context.settings
    while (!this.isStopped && this.workers < concurrency && this.ready.size > 0) {
      this.workers++
      void this.work()
    }
  }

  private async work(): Promise<void> {
    const { clock } = this.context.client.env
    for (;;) {
      const pause = this.slices.wait(clock.monotonicMs())
      if (pause !== null) {
        await pause
        continue
      }
      const reader = this.isStopped ? undefined : this.ready.shift()
      if (reader === undefined) break
      reader.isBusy = true
      const outcome = await this.serve(reader)
      if (outcome === 'abandoned') return
      if (outcome === 'resting') continue
      reader.isBusy = false
      if (outcome === 'more') this.arrived(reader)
    }
    this.workers--
    if (this.workers === 0) this.idleWaiters.wakeAll()
  }

  /** Handles a turn of messages of one queue. */
  private async serve(reader: QueueReader<T>): Promise<'more' | 'done' | 'resting' | 'abandoned'> {
    const { clock } = this.context.client.env
    for (let turn = 0; turn < TURN && !this.isStopped; turn++) {
      const nowMs = clock.monotonicMs()
      if (!this.mayHandle(reader, nowMs)) return 'done'
      const message = reader.take(nowMs)
      if (message === undefined) return 'done'
      const run = new HandlerRun(reader, message, null, nowMs)
      let failure: unknown = CONSUMED
      try {
        const result = this.hooks.isActive
          ? this.hooks.around(run, () => this.handler(message, run))
          : this.handler(message, run)
        if (isThenable(result)) {
          this.running.add(run)
          await result
        }
      } catch (error) {
        failure = error
      }
      if (run.isOver) {
        this.running.endedLate(run, failure === CONSUMED ? null : failure)
        return 'abandoned'
      }
      this.hooks.ended(run, failure === CONSUMED ? 'success' : this.hooks.outcomeOf(failure))
      if (failure === CONSUMED) this.consumed(run)
      else if (await this.failed(run, failure)) return 'resting'
    }
    return 'more'
  }

  private mayHandle(reader: QueueReader<T>, nowMs: number): boolean {
    if (this.context.settings.model === 'broadcasting') return true
    return reader.process.hasValidLock(nowMs)
  }

  private consumed(run: HandlerRun<T>): void {
    const nowMs = this.context.client.env.clock.monotonicMs()
    const { reader } = run
    reader.handled(reader.process.commitTaken(nowMs))
    this.running.remove(run)
    this.context.stats.consumed(reader.queue.topic, 1, nowMs - run.startedMs)
  }

  /** True when the queue rests now. */
  private async failed(run: HandlerRun<T>, error: unknown): Promise<boolean> {
    const { group, client, stats } = this.context
    const { reader, message } = run
    const { queueOffset, messageId } = message
    const fields = { group, queue: reader.queue, queueOffset, messageId }
    client.log.warn({ event: 'handler_failed', ...fields, err: error })
    stats.failed(reader.queue.topic, 1)
    if (reader.isFinal) {
      this.running.remove(run)
      return false
    }
    const decision = this.decide(message, error)
    const suspendMs = decision.action === 'suspend' ? decision.suspendMs : null
    if (suspendMs === null && (await this.bury(message))) {
      this.consumed(run)
      return false
    }
    this.running.remove(run)
    reader.process.rollbackTaken()
    message.reconsumeTimes++
    this.rest(reader, suspendMs ?? this.context.settings.suspendMs)
    return true
  }

  private decide(message: PulledMessage<T>, error: unknown): OrderedDecision {
    const { maxRetries, suspendMs } = this.context.settings
    return decideOrderedFailed(error, {
      reconsumeTimes: message.reconsumeTimes,
      maxReconsumeTimes: maxReconsumeTimes(maxRetries, true),
      suspendMs,
    })
  }

  /** To the dead letters; false when no broker took it. In broadcasting it is only passed over. */
  private async bury(message: PulledMessage<T>): Promise<boolean> {
    if (this.context.settings.model === 'broadcasting') return true
    try {
      await this.sendBack.send(message, DELAY_LEVEL_DEAD)
      return true
    } catch (error) {
      const { group, client } = this.context
      const { queue, messageId, queueOffset } = message
      client.log.error({ event: 'message_kept', group, queue, queueOffset, messageId, err: error })
      return false
    }
  }

  private rest(reader: QueueReader<T>, ms: number): void {
    this.context.client.env.clock.after(ms, () => {
      reader.isBusy = false
      if (!this.isStopped && !reader.isFinal) this.arrived(reader)
    })
  }
}
