import { isRetryTopic } from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { MASTER_ID } from '../core/pull-source.ts'
import type { Client } from '../remote/contract.ts'
import { BrokerRequests } from './broker-requests.ts'
import type { OffsetOf, OffsetStore, StoredOffset } from './offset-store.ts'
import { askReplicas, replicasOf } from './replicas.ts'

/** Requests that a confirmed store has under way at once, so that a large assignment does not flood a broker. */
const CONFIRMED_AT_ONCE = 16

export interface BrokerOffsetOptions {
  /** See BrokerRequests.storedOffset. */
  readonly isExact: boolean
  /**
   * Whether a slave that has no offset of the group is believed. It may not have heard of it yet, and a group that then
   * begins at the end has skipped what it has not consumed.
   */
  readonly trustsSlaves: boolean
}

/**
 * Offsets of a clustering group, kept by the master of the queue's broker, and while that is away by a slave, which gives
 * them to the master when it returns (Java: RemoteBrokerOffsetStore).
 */
export class BrokerOffsetStore implements OffsetStore {
  private readonly client: Client
  private readonly group: string
  private readonly requests: BrokerRequests
  private readonly options: BrokerOffsetOptions

  constructor(client: Client, group: string, options: BrokerOffsetOptions) {
    this.client = client
    this.group = group
    this.requests = new BrokerRequests(client)
    this.options = options
  }

  read(queue: MessageQueue): Promise<StoredOffset> {
    const { isExact, trustsSlaves } = this.options
    // What was sent back is never passed over.
    const isRetry = isRetryTopic(queue.topic)
    return askReplicas(this.client, queue, async ({ address, brokerId }) => {
      const { requests, group } = this
      const stored = await requests.storedOffset(address, group, queue, isExact && !isRetry)
      if (stored === null && brokerId !== MASTER_ID && !trustsSlaves && !isRetry) {
        throw unknownAtSlave(queue.brokerName)
      }
      return stored
    })
  }

  /** What a slave takes stays pending here, so that the master gets it as soon as it is back. */
  persist(offsets: readonly OffsetOf[]): readonly OffsetOf[] {
    return offsets.filter(({ queue, offset }) => {
      const [to] = replicasOf(this.client, queue.brokerName)
      if (to === undefined) return false
      const outcome = this.requests.storeOffsetOneway(to.address, this.group, queue, offset)
      return outcome !== 'dropped' && to.brokerId === MASTER_ID
    })
  }

  async persistNow(offsets: readonly OffsetOf[]): Promise<void> {
    let failure: unknown = null
    for (let start = 0; start < offsets.length; start += CONFIRMED_AT_ONCE) {
      const some = offsets.slice(start, start + CONFIRMED_AT_ONCE)
      const results = await Promise.allSettled(some.map((one) => this.persistOne(one)))
      for (const result of results) if (result.status === 'rejected') failure ??= result.reason
    }
    if (failure !== null) throw failure
  }

  private persistOne({ queue, offset }: OffsetOf): Promise<void> {
    return askReplicas(this.client, queue, ({ address }) =>
      this.requests.storeOffset(address, this.group, queue, offset),
    )
  }
}

function unknownAtSlave(broker: string): RocketMQError {
  const text = `the master of ${broker} is away, and its slave has no offset of the group`
  return new RocketMQError(ErrorCode.BROKER_UNREACHABLE, text, { broker, retriable: true })
}
