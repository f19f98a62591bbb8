import type { Codec } from '../api/codec.ts'
import type { MessageQueue } from '../api/message.ts'
import type { AckedMessage } from './acked-message.ts'

/** What all messages of one consumer have in common. */
export interface MessageSource<T> {
  readonly codec: Codec<T> | null
  /** The topic as users write it: without its namespace. */
  topicName(topic: string): string
}

/** Who hears of explicit acknowledgements of a page's messages. */
export interface Acknowledger<T> {
  ack(message: AckedMessage<T>): Promise<void>
  retryLater(message: AckedMessage<T>, delayLevel: number): Promise<void>
}

/** The body of one pull response, of which messages are views: it lives as long as one of them does. */
export class MessagePage<T> {
  readonly bytes: Buffer
  readonly queue: MessageQueue
  readonly source: MessageSource<T>
  /** Null where handlers acknowledge by returning. */
  readonly acknowledger: Acknowledger<T> | null

  constructor(
    bytes: Buffer,
    queue: MessageQueue,
    source: MessageSource<T>,
    acknowledger: Acknowledger<T> | null = null,
  ) {
    this.bytes = bytes
    this.queue = queue
    this.source = source
    this.acknowledger = acknowledger
  }
}
