import type { ReceivedMessage } from '../api/message.ts'
import type { Client } from '../remote/contract.ts'
import type { TraceDispatcher } from './trace-dispatcher.ts'
import {
  type ConsumedMessage,
  ConsumeReturn,
  type ConsumeStart,
  consumeAfterRecord,
  consumeBeforeRecord,
} from './trace-record.ts'

/** Returned by a batch of messages whose consumption is traced; give it back to `after`. */
export interface ConsumeTraceSpan {
  readonly start: ConsumeStart
  readonly messages: readonly ConsumedMessage[]
  readonly startedMs: number
}

export type ConsumeOutcome = 'success' | 'failed' | 'threw' | 'timed-out'

const CODES: Record<ConsumeOutcome, number> = {
  success: ConsumeReturn.SUCCESS,
  failed: ConsumeReturn.FAILED,
  threw: ConsumeReturn.EXCEPTION,
  'timed-out': ConsumeReturn.TIME_OUT,
}

/** What a consumer tells about its messages (Java: ConsumeMessageTraceHookImpl). */
export class ConsumeTrace {
  private readonly client: Client
  private readonly group: string
  private readonly dispatcher: TraceDispatcher

  constructor(client: Client, group: string, dispatcher: TraceDispatcher) {
    this.client = client
    this.group = group
    this.dispatcher = dispatcher
  }

  /** Messages are about to be handled. Those of producers that switched trace off are left out. */
  before(messages: readonly ReceivedMessage<unknown>[]): ConsumeTraceSpan {
    const { clock } = this.client.env
    const traced = messages.filter(({ properties }) => properties['TRACE_ON'] !== 'false')
    const start: ConsumeStart = {
      atMs: clock.wallMs(),
      regionId: traced[0]?.properties['MSG_REGION'] ?? '',
      group: this.group,
      requestId: this.client.uniqKeys.next(clock.wallMs()),
    }
    const consumed = traced.map(({ messageId, keys, reconsumeTimes }) => ({
      messageId,
      keys: keys.join(' '),
      reconsumeTimes,
    }))
    for (const message of consumed) this.dispatcher.add(consumeBeforeRecord(start, message))
    return { start, messages: consumed, startedMs: clock.monotonicMs() }
  }

  after(span: ConsumeTraceSpan, outcome: ConsumeOutcome): void {
    const { clock } = this.client.env
    const { start, messages, startedMs } = span
    if (messages.length === 0) return
    const costMs = Math.round((clock.monotonicMs() - startedMs) / messages.length)
    const end = {
      ...start,
      atMs: clock.wallMs(),
      costMs,
      isSuccess: outcome === 'success',
      contextCode: CODES[outcome],
    }
    for (const message of messages) this.dispatcher.add(consumeAfterRecord(end, message))
  }

  /** Sends what waits. */
  flush(): Promise<void> {
    return this.dispatcher.flush()
  }
}
