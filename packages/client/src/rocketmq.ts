import type { Codec } from './api/codec.ts'
import type { ClientStatus } from './api/consume.ts'
import type { Topic } from './api/message.ts'
import type {
  ConsumerOptions,
  ProducerOptions,
  PullConsumerOptions,
  RocketMQOptions,
  TransactionProducerOptions,
} from './api/options.ts'
import { topicOf } from './api/topic.ts'
import type { Consumer } from './consumer/consumer.ts'
import type { PullConsumer } from './consumer/pull-consumer.ts'
import { startConsumer } from './consumer/start-consumer.ts'
import { startPullConsumer } from './consumer/start-pull-consumer.ts'
import type { Producer } from './producer/producer.ts'
import { startProducer, startTransactionProducer } from './producer/start-producer.ts'
import type { TransactionProducer } from './producer/transaction-producer.ts'
import { type ClientInstance, createClient } from './remote/client.ts'
import { closedError } from './remote/errors.ts'

/** What `close` closes first. */
interface Closable {
  readonly closed: Promise<void>
  close(): Promise<void>
}

/**
 * One client of a RocketMQ cluster: the connections, routes and heartbeats that all its producers and consumers share.
 * Making one connects nothing; whatever needs a server connects to it. A process with an open producer or consumer does not
 * end by itself, whether servers can be reached or not; `close` lets it.
 */
export class RocketMQ {
  private readonly client: ClientInstance
  private readonly open = new Set<Closable>()
  private closing: Promise<void> | null = null
  /** Members that are open or being made, and a close that is under way: what the process must live for. */
  private holds = 0
  private releaseProcess: (() => void) | null = null

  /** Throws RMQ_INVALID_ARGUMENT. */
  constructor(options: RocketMQOptions = {}) {
    this.client = createClient(options)
  }

  /** `ip@instance[@unit]`: how servers and other members of a group know this client. */
  get clientId(): string {
    return this.client.clientId
  }

  /** A topic with the codec of its bodies. */
  topic<T = Buffer>(name: string, options: { codec?: Codec<T> } = {}): Topic<T> {
    return topicOf(name, options.codec ?? null)
  }

  /** Rejects with RMQ_INVALID_ARGUMENT, RMQ_CLOSED; when `topics` are named, also as a send to them. */
  producer(options: ProducerOptions = {}): Promise<Producer> {
    return this.start((client) => startProducer(client, options))
  }

  /** Rejects as `producer`. */
  transactionProducer(options: TransactionProducerOptions): Promise<TransactionProducer> {
    return this.start((client) => startTransactionProducer(client, options))
  }

  /** Rejects with RMQ_INVALID_ARGUMENT, RMQ_BAD_EXPRESSION, RMQ_CLOSED. Messages come once it has a handler. */
  consumer<T = Buffer>(options: ConsumerOptions<T>): Promise<Consumer<T>> {
    return this.start((client) => startConsumer(client, options))
  }

  /** Rejects with RMQ_INVALID_ARGUMENT, RMQ_BAD_EXPRESSION, RMQ_NAMESERVER_UNREACHABLE, RMQ_CLOSED. */
  pullConsumer<T = Buffer>(options: PullConsumerOptions<T>): Promise<PullConsumer<T>> {
    return this.start((client) => startPullConsumer(client, options))
  }

  /**
   * What happens to this client from now on: connections, routes, rebalances, slow handlers. Each reader has a buffer
   * of 256; of more, the oldest are dropped. Leaving the loop ends it, and so does `close`.
   */
  status(): AsyncIterableIterator<ClientStatus> {
    return this.client.status.iterate()
  }

  /** Drains consumers, flushes producers, then closes every connection. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.holding(() => this.closeNow())
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async start<M extends Closable>(
    make: (client: ClientInstance) => Promise<M>,
  ): Promise<M> {
    if (this.closing !== null) throw closedError()
    const member = await this.holding(() => make(this.client))
    this.open.add(member)
    const forget = (): void => void this.open.delete(member)
    void this.holding(() => member.closed.then(forget, forget))
    if (this.closing === null) return member
    // It was closed meanwhile: nobody else knows of this member.
    await member.close()
    throw closedError()
  }

  /** While `work` is under way, timers that wait for a server are reason enough for the process to live. */
  private async holding<T>(work: () => Promise<T>): Promise<T> {
    if (this.holds++ === 0) this.releaseProcess = this.client.holdProcess()
    try {
      return await work()
    } finally {
      if (--this.holds === 0) this.releaseProcess?.()
    }
  }

  private async closeNow(): Promise<void> {
    const results = await Promise.allSettled([...this.open].map((member) => member.close()))
    this.open.clear()
    await this.client.close()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
}
