import { isRetryTopic } from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { MASTER_ID } from '../core/pull-source.ts'
import type { Client } from '../remote/contract.ts'
import { BrokerRequests } from './broker-requests.ts'
import type { OffsetOf, OffsetStore, StoredOffset } from './offset-store.ts'

/** Requests that a confirmed store has under way at once, so that a large assignment does not flood a broker. */
const CONFIRMED_AT_ONCE = 16

/** Offsets of a clustering group, kept by the queue's broker (Java: RemoteBrokerOffsetStore). */
export class BrokerOffsetStore implements OffsetStore {
  private readonly client: Client
  private readonly group: string
  private readonly requests: BrokerRequests
  private readonly isExact: boolean

  /** `isExact`: see BrokerRequests.storedOffset. */
  constructor(client: Client, group: string, isExact = false) {
    this.client = client
    this.group = group
    this.isExact = isExact
    this.requests = new BrokerRequests(client)
  }

  async read(queue: MessageQueue): Promise<StoredOffset> {
    return this.requests.storedOffset(
      await this.addressOf(queue),
      this.group,
      queue,
      // What was sent back is never passed over.
      this.isExact && !isRetryTopic(queue.topic),
    )
  }

  persist(offsets: readonly OffsetOf[]): readonly OffsetOf[] {
    return offsets.filter(({ queue, offset }) => {
      const at = this.client.routes.readAddress(queue.brokerName, MASTER_ID)
      if (at === null) return false
      const outcome = this.requests.storeOffsetOneway(at.address, this.group, queue, offset)
      return outcome !== 'dropped'
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

  private async persistOne({ queue, offset }: OffsetOf): Promise<void> {
    await this.requests.storeOffset(await this.addressOf(queue), this.group, queue, offset)
  }

  private async addressOf(queue: MessageQueue): Promise<string> {
    const { routes } = this.client
    const known = routes.readAddress(queue.brokerName, MASTER_ID)
    if (known !== null) return known.address
    await routes.refresh(queue.topic)
    const found = routes.readAddress(queue.brokerName, MASTER_ID)
    if (found !== null) return found.address
    const { brokerName } = queue
    const text = `no route to broker ${brokerName}`
    throw new RocketMQError(ErrorCode.BROKER_UNREACHABLE, text, {
      broker: brokerName,
      retriable: true,
    })
  }
}
