import { RetryLater } from '../api/errors.ts'
import type { ConsumeOutcome } from '../trace/consume-trace.ts'
import type { ProcessContext } from './channel-contexts.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { type HandlerRun, isThenable } from './handler-run.ts'

/** Looks on while handlers are called: message trace, and the channel `rocketmq:process`. */
export class HandlerHooks<T> {
  private readonly context: ConsumerContext<T>

  constructor(context: ConsumerContext<T>) {
    this.context = context
  }

  /** False is the rule: handlers are then called directly. */
  get isActive(): boolean {
    const { trace, channels } = this.context
    return trace !== null || channels.process.hasSubscribers
  }

  /** Calls the handler by `call`, and returns what it does. */
  around(run: HandlerRun<T>, call: () => unknown): unknown {
    const { trace, channels, group } = this.context
    run.span = trace?.before(run.messages) ?? null
    const { process } = channels
    if (!process.hasSubscribers) return call()
    const context: ProcessContext = { group, queue: run.reader.queue, messages: run.messages }
    // A handler that returns no promise must not get one.
    let result: unknown
    const traced = process.tracePromise(() => {
      result = call()
      return isThenable(result) ? Promise.resolve(result) : Promise.resolve()
    }, context)
    if (isThenable(result)) return traced
    traced.catch(() => undefined)
    return result
  }

  /** The call has ended, or is not waited for any more. */
  ended(run: HandlerRun<T>, outcome: ConsumeOutcome): void {
    if (run.span === null) return
    this.context.trace?.after(run.span, outcome)
    run.span = null
  }

  outcomeOf(error: unknown): ConsumeOutcome {
    return error instanceof RetryLater ? 'failed' : 'threw'
  }
}
