import type { Message } from '../api/message.ts'
import { isDelayed } from '../producer/message-properties.ts'
import type { PreparedMessage } from '../producer/prepare-message.ts'
import type { Stored } from '../producer/send-job.ts'
import type { Client } from '../remote/contract.ts'
import type { TraceDispatcher } from './trace-dispatcher.ts'
import {
  endTransactionRecord,
  publishRecord,
  recallRecord,
  TraceMessageType,
} from './trace-record.ts'

/** What a producer tells about its messages (Java: SendMessageTraceHookImpl, EndTransactionTraceHookImpl). */
export class SendTrace {
  private readonly client: Client
  private readonly group: string
  private readonly dispatcher: TraceDispatcher

  constructor(client: Client, group: string, dispatcher: TraceDispatcher) {
    this.client = client
    this.group = group
    this.dispatcher = dispatcher
  }

  /** A send has ended, well (`stored`) or not. `startedMs` is wall time. */
  sent(prepared: PreparedMessage, stored: Stored | null, startedMs: number, isHalf: boolean): void {
    const { message, messageId, bodySize } = prepared
    this.dispatcher.add(
      publishRecord({
        atMs: startedMs,
        regionId: stored?.regionId ?? '',
        group: this.group,
        topic: message.topic,
        messageId,
        tag: message.tag ?? '',
        keys: keysText(message),
        storeHost: stored?.address ?? '',
        bodySize,
        costMs: Math.max(0, this.client.env.clock.wallMs() - startedMs),
        messageType: messageTypeOf(message, isHalf),
        offsetMessageId: stored?.offsetMessageId.split(',')[0] ?? '',
        isSuccess: stored !== null,
      }),
    )
  }

  ended(end: {
    topic: string
    messageId: string
    tag: string
    keys: string
    storeHost: string
    transactionId: string
    state: string
    fromCheck: boolean
  }): void {
    const { group } = this
    const atMs = this.client.env.clock.wallMs()
    this.dispatcher.add(endTransactionRecord({ ...end, atMs, regionId: '', group }))
  }

  recalled(topic: string, messageId: string, isSuccess: boolean): void {
    const { group } = this
    const atMs = this.client.env.clock.wallMs()
    this.dispatcher.add(recallRecord({ atMs, regionId: '', group, topic, messageId, isSuccess }))
  }

  flush(): Promise<void> {
    return this.dispatcher.flush()
  }
}

export function keysText(message: Pick<Message, 'keys'>): string {
  const { keys = [] } = message
  return typeof keys === 'string' ? keys : keys.join(' ')
}

function messageTypeOf(message: Message, isHalf: boolean): number {
  if (isHalf) return TraceMessageType.TRANSACTION_HALF
  return isDelayed(message) ? TraceMessageType.DELAY : TraceMessageType.NORMAL
}
