import type { HandlerContext } from '../api/consume.ts'
import type { ConsumeTraceSpan } from '../trace/consume-trace.ts'
import type { HandedBatch } from './handed-batch.ts'
import type { PulledMessage } from './pulled-message.ts'
import type { QueueReader } from './queue-reader.ts'

/**
 * One call of a handler, and the context that it gets. The AbortController is made when the handler looks at the
 * signal: most never do, and it costs more than the rest of a message.
 */
export class HandlerRun<T> implements HandlerContext {
  readonly reader: QueueReader<T>
  /** The only message, or the first of `batch`. */
  readonly message: PulledMessage<T>
  readonly batch: HandedBatch<T> | null
  /** Monotonic. */
  startedMs: number
  /** Its messages were taken care of otherwise (time-out): how the handler ends does not count any more. */
  isOver = false
  /** Of message trace; null when nobody traces. */
  span: ConsumeTraceSpan | null = null
  /** Somebody was told that it takes long. */
  isReported = false
  private controller: AbortController | null = null
  private reason: unknown = null

  constructor(
    reader: QueueReader<T>,
    message: PulledMessage<T>,
    batch: HandedBatch<T> | null,
    startedMs: number,
  ) {
    this.reader = reader
    this.message = message
    this.batch = batch
    this.startedMs = startedMs
  }

  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController()
      if (this.reason !== null) this.controller.abort(this.reason)
    }
    return this.controller.signal
  }

  get messages(): readonly PulledMessage<T>[] {
    return this.batch?.messages ?? [this.message]
  }

  abort(reason: unknown): void {
    this.reason ??= reason
    this.controller?.abort(reason)
  }
}

/** Whether a handler has returned something to wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
