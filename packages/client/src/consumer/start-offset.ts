import { isRetryTopic } from '@apogee/protocol'
import type { MessageQueue } from '../api/message.ts'
import type { ConsumerOptions } from '../api/options.ts'
import type { Client } from '../remote/contract.ts'
import { BrokerRequests } from './broker-requests.ts'
import { askReplicas } from './replicas.ts'

export type StartFrom = NonNullable<ConsumerOptions['from']>

/** Where a queue without a stored offset begins (Java: RebalancePushImpl.computePullFromWhere). Rejects like `Remote`. */
export class StartOffset {
  private readonly client: Client
  private readonly requests: BrokerRequests

  constructor(client: Client) {
    this.client = client
    this.requests = new BrokerRequests(client)
  }

  async of(queue: MessageQueue, from: StartFrom): Promise<number> {
    // What has failed already is never skipped, and a first offset that is gone is corrected by the broker.
    const isRetry = isRetryTopic(queue.topic)
    if (from === 'first' || (isRetry && from === 'last')) return 0
    if (isRetry || from === 'last') return this.last(queue)
    return this.at(queue, Number(from.timestamp))
  }

  /** The offset that the next message stored will get. */
  last(queue: MessageQueue): Promise<number> {
    return this.ask(queue, (address) => this.requests.maxOffset(address, queue))
  }

  /** The oldest message still stored. */
  first(queue: MessageQueue): Promise<number> {
    return this.ask(queue, (address) => this.requests.minOffset(address, queue))
  }

  /** The first message stored at this time (ms since 1970) or after it. */
  at(queue: MessageQueue, timestamp: number): Promise<number> {
    return this.ask(queue, (address) => this.requests.searchOffset(address, queue, timestamp))
  }

  private ask(queue: MessageQueue, ask: (address: string) => Promise<number>): Promise<number> {
    return askReplicas(this.client, queue, ({ address }) => ask(address))
  }
}
