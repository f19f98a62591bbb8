import { RingQueue } from '@apogee/base'
import type { BatchHandler, MessageHandler } from '../api/consume.ts'
import { RetryLater } from '../api/errors.ts'
import {
  type ConcurrentDecision,
  decideExpired,
  decideFailed,
  LOCAL_RETRY_MS,
} from '../core/retry-policy.ts'
import type { ConsumeMode } from './consume-mode.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { HandedBatch } from './handed-batch.ts'
import { HandlerHooks } from './handler-hooks.ts'
import { HandlerRun, isThenable } from './handler-run.ts'
import { HandlerSlices } from './handler-slices.ts'
import type { PulledMessage } from './pulled-message.ts'
import type { QueueReader } from './queue-reader.ts'
import { ReadyQueues } from './ready-queues.ts'
import { RunningHandlers, timedOut } from './running-handlers.ts'
import type { SendBack } from './send-back.ts'
import { Waiters } from './waiters.ts'

const CONSUMED = Symbol('consumed')

export type ConcurrentHandler<T> =
  | { readonly one: MessageHandler<T> }
  | { readonly batch: BatchHandler<T>; readonly max: number }

/**
 * Up to `concurrency` handlers over all queues, in no order (Java: ConsumeMessageConcurrentlyService). Each is
 * driven by a worker: a loop that takes a message, calls the handler and, when it returned a promise, awaits it.
 * Nothing else is made per message.
 */
export class ConcurrentMode<T> implements ConsumeMode<T> {
  readonly isOrdered = false
  private readonly context: ConsumerContext<T>
  private readonly sendBack: SendBack<T>
  private readonly handler: ConcurrentHandler<T>
  private readonly slices: HandlerSlices
  private readonly running: RunningHandlers<T>
  private readonly hooks: HandlerHooks<T>
  private readonly ready = new ReadyQueues<T>()
  /** Messages that no broker took back: their handlers get them again. */
  private readonly again = new RingQueue<HandlerRun<T>>()
  private readonly idleWaiters = new Waiters()
  private workers = 0
  /** Messages of handlers that ran out of time, on their way back to the broker. */
  private leaving = 0
  private isStopped = false

  constructor(context: ConsumerContext<T>, sendBack: SendBack<T>, handler: ConcurrentHandler<T>) {
    this.context = context
    this.sendBack = sendBack
    this.handler = handler
    this.slices = new HandlerSlices(context.client.env.clock)
    this.running = new RunningHandlers(context)
    this.hooks = new HandlerHooks(context)
  }

  get inFlight(): number {
    return this.workers + this.leaving
  }

  arrived(reader: QueueReader<T>): void {
    this.ready.add(reader)
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
    while (this.inFlight > 0) await this.idleWaiters.wait()
  }

  async abandon(reason: unknown): Promise<void> {
    for (const run of this.running.all()) this.giveUp(run, reason)
    await this.idle()
  }

  tick(nowMs: number): void {
    const { consumeTimeoutMs } = this.context.settings
    const expired = this.running.expired(nowMs)
    for (const run of expired) {
      const { group, client } = this.context
      const { queue } = run.reader
      const { messageId, queueOffset } = run.message
      client.log.warn({ event: 'handler_timed_out', group, queue, queueOffset, messageId })
      this.giveUp(run, timedOut(consumeTimeoutMs))
    }
    if (expired.length > 0) this.spawn()
  }

  async direct(message: PulledMessage<T>): Promise<void> {
    const run = { signal: new AbortController().signal }
    if ('one' in this.handler) {
      await this.handler.one(message, run)
      return
    }
    const batch = new HandedBatch([message], message.queue)
    await this.handler.batch(batch, run)
    if (batch.consumedCount(false) === 0) throw new RetryLater()
  }

  private spawn(): void {
    const { concurrency } = this.context.settings
    while (!this.isStopped && this.workers < concurrency && this.hasWork) {
      this.workers++
      void this.work()
    }
  }

  private get hasWork(): boolean {
    return this.ready.size > 0 || this.again.size > 0
  }

  private async work(): Promise<void> {
    const { clock } = this.context.client.env
    for (;;) {
      const nowMs = clock.monotonicMs()
      const pause = this.slices.wait(nowMs)
      if (pause !== null) {
        await pause
        continue
      }
      const run = this.next(nowMs)
      if (run === null) break
      let failure: unknown = CONSUMED
      try {
        const result = this.hooks.isActive
          ? this.hooks.around(run, () => this.call(run))
          : this.call(run)
        if (isThenable(result)) {
          this.running.add(run)
          await result
        }
      } catch (error) {
        failure = error
      }
      if (run.isOver) {
        this.running.endedLate(run, failure === CONSUMED ? null : failure)
        return
      }
      const settling = this.settle(run, failure)
      if (settling !== null) await settling
    }
    this.workers--
    if (this.inFlight === 0) this.idleWaiters.wakeAll()
  }

  private call(run: HandlerRun<T>): unknown {
    const { handler } = this
    return 'one' in handler ? handler.one(run.message, run) : handler.batch(run.batch!, run)
  }

  /** The next call to make; null when there is nothing to do. */
  private next(nowMs: number): HandlerRun<T> | null {
    if (this.isStopped) return null
    for (let run = this.again.shift(); run !== undefined; run = this.again.shift()) {
      if (run.reader.isReleased) continue
      run.startedMs = nowMs
      return run
    }
    for (let { first } = this.ready; first !== undefined; first = this.ready.first) {
      const run = this.take(first, nowMs)
      if (run !== null) {
        this.ready.gave()
        return run
      }
      this.ready.shift()
    }
    return null
  }

  private take(reader: QueueReader<T>, nowMs: number): HandlerRun<T> | null {
    if ('one' in this.handler) {
      const message = reader.take(nowMs)
      return message === undefined ? null : new HandlerRun(reader, message, null, nowMs)
    }
    const first = reader.take(nowMs)
    if (first === undefined) return null
    const messages = [first]
    reader.process.takeInto(messages, this.handler.max - 1, nowMs)
    return new HandlerRun(reader, first, new HandedBatch(messages, reader.queue), nowMs)
  }

  /** Null when it is done at once, which is the rule. */
  private settle(run: HandlerRun<T>, failure: unknown): Promise<void> | null {
    this.running.remove(run)
    const nowMs = this.context.client.env.clock.monotonicMs()
    const { reader, batch } = run
    const hasFailed = failure !== CONSUMED
    this.hooks.ended(run, hasFailed ? this.hooks.outcomeOf(failure) : 'success')
    const { topic } = reader.queue
    const ranMs = nowMs - run.startedMs
    if (batch === null && !hasFailed) {
      reader.handled(reader.process.done(run.message.queueOffset, nowMs))
      this.context.stats.consumed(topic, 1, ranMs)
      return null
    }
    const consumed = batch?.consumedCount(hasFailed) ?? 0
    const messages = run.messages
    for (let i = 0; i < consumed; i++) this.done(reader, messages[i]!, nowMs)
    this.context.stats.consumed(topic, consumed, ranMs)
    if (consumed === messages.length) return null
    const error = hasFailed ? failure : new RetryLater()
    return this.failed(reader, messages.slice(consumed), error)
  }

  private done(reader: QueueReader<T>, message: PulledMessage<T>, nowMs: number): void {
    reader.handled(reader.process.done(message.queueOffset, nowMs))
  }

  private async failed(
    reader: QueueReader<T>,
    messages: readonly PulledMessage<T>[],
    error: unknown,
  ): Promise<void> {
    const { group, client, settings, stats } = this.context
    const { queue } = reader
    const [first] = messages
    const fields = { group, queue, queueOffset: first?.queueOffset, messageId: first?.messageId }
    if (error instanceof RetryLater) client.log.debug({ event: 'handler_retries_later', ...fields })
    else client.log.warn({ event: 'handler_failed', ...fields, err: error })
    stats.failed(queue.topic, messages.length)
    // It comes again to whoever has the queue now.
    if (reader.isFinal) return
    const decision = decideFailed(error, settings.model)
    await Promise.all(messages.map((message) => this.handBack(reader, message, decision)))
  }

  /** Never rejects: a message that nobody takes is handled here again. */
  private async handBack(
    reader: QueueReader<T>,
    message: PulledMessage<T>,
    decision: ConcurrentDecision,
  ): Promise<void> {
    const { clock } = this.context.client.env
    try {
      if (decision.action === 'sendBack') await this.sendBack.send(message, decision.delayLevel)
      this.done(reader, message, clock.monotonicMs())
    } catch (error) {
      const { group, client } = this.context
      const { queue } = reader
      const { messageId, queueOffset } = message
      client.log.error({ event: 'message_kept', group, queue, queueOffset, messageId, err: error })
      message.reconsumeTimes++
      clock.after(LOCAL_RETRY_MS, () => this.retryHere(reader, message))
    }
  }

  private retryHere(reader: QueueReader<T>, message: PulledMessage<T>): void {
    if (this.isStopped || reader.isReleased) return
    const batch = 'one' in this.handler ? null : new HandedBatch([message], reader.queue)
    const nowMs = this.context.client.env.clock.monotonicMs()
    this.again.push(new HandlerRun(reader, message, batch, nowMs))
    this.spawn()
  }

  /** The handler may run on, but its messages go back, and its place is free. */
  private giveUp(run: HandlerRun<T>, reason: unknown): void {
    run.isOver = true
    this.running.remove(run)
    this.hooks.ended(run, 'timed-out')
    run.abort(reason)
    this.workers--
    this.leaving++
    const decision = decideExpired(this.context.settings.model)
    const { reader } = run
    const sends = reader.isFinal
      ? []
      : run.messages
          .slice(run.batch?.consumedCount(true) ?? 0)
          .map((message) => this.handBack(reader, message, decision))
    void Promise.all(sends).then(() => {
      this.leaving--
      if (this.inFlight === 0) this.idleWaiters.wakeAll()
    })
  }
}
