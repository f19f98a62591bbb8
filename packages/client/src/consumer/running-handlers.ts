import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import type { ConsumerContext } from './consumer-context.ts'
import type { HandlerRun } from './handler-run.ts'
import { withoutNamespace } from './names.ts'
import type { QueueReader } from './queue-reader.ts'
import { Waiters } from './waiters.ts'

/** After this, or half of the time-out, it is told that a handler is slow. */
export const SLOW_AFTER_MS = 60_000

/** The handlers that have returned a promise and not ended. */
export class RunningHandlers<T> {
  private readonly context: ConsumerContext<T>
  private readonly runs = new Set<HandlerRun<T>>()
  private readonly ended = new Waiters()

  constructor(context: ConsumerContext<T>) {
    this.context = context
  }

  get size(): number {
    return this.runs.size
  }

  add(run: HandlerRun<T>): void {
    this.runs.add(run)
  }

  remove(run: HandlerRun<T>): void {
    if (this.runs.delete(run)) this.ended.wakeAll()
  }

  all(): HandlerRun<T>[] {
    return [...this.runs]
  }

  abortOf(reader: QueueReader<T>, reason: unknown): void {
    for (const run of this.runs) if (run.reader === reader) run.abort(reason)
  }

  /** Resolves when no handler has a message of this queue. */
  async quiet(reader: QueueReader<T>): Promise<void> {
    while (this.all().some((run) => run.reader === reader)) await this.ended.wait()
  }

  /** Those that have run out of time; tells of slow ones along the way. */
  expired(nowMs: number): HandlerRun<T>[] {
    const { consumeTimeoutMs } = this.context.settings
    const slowMs = Math.min(SLOW_AFTER_MS, consumeTimeoutMs / 2)
    const expired: HandlerRun<T>[] = []
    for (const run of this.runs) {
      const ranMs = nowMs - run.startedMs
      if (ranMs > consumeTimeoutMs) expired.push(run)
      else if (ranMs > slowMs && !run.isReported) this.report(run, ranMs)
    }
    return expired
  }

  /** Its messages went back to the broker long ago. */
  endedLate(run: HandlerRun<T>, error: unknown): void {
    const { group, client } = this.context
    const { queue } = run.reader
    const { messageId, queueOffset } = run.message
    const fields = { group, queue, queueOffset, messageId }
    client.log.debug({ event: 'handler_ended_late', ...fields, err: error })
  }

  private report(run: HandlerRun<T>, waitingMs: number): void {
    run.isReported = true
    reportSlow(this.context, run.reader.queue, waitingMs)
  }
}

/** Tells operators and readers of `mq.status()` that a message of this queue has been at hand for so long. */
export function reportSlow<T>(
  context: ConsumerContext<T>,
  queue: MessageQueue,
  waitingMs: number,
): void {
  const { client } = context
  const group = withoutNamespace(client.namespace, context.group)
  client.log.warn({ event: 'handler_slow', group, queue, waitingMs })
  client.status.emit({ type: 'slow', group, queue, waitingMs })
}

export function timedOut(consumeTimeoutMs: number): RocketMQError {
  const text = `the handler ran for more than ${consumeTimeoutMs} ms: its message is sent back`
  return new RocketMQError(ErrorCode.TIMEOUT, text)
}
