import type { MessageQueue } from '../api/message.ts'
import { MASTER_ID } from '../core/pull-source.ts'
import { queueKey } from '../core/queue-key.ts'
import { queuesByBroker } from '../core/rebalance/plan.ts'
import type { Client } from '../remote/contract.ts'
import { BrokerRequests } from './broker-requests.ts'

/** What brokers said about locks. */
export interface LockAnswers {
  /** When they were asked, monotonic: the broker's 60 s begin no earlier. */
  readonly askedMs: number
  /** Key of a queue → whether it is locked for this member. Queues of brokers that did not answer are not in it. */
  readonly byQueue: ReadonlyMap<string, boolean>
}

/**
 * Locks of queues for ordered consumption, which only a master gives (Java: RebalanceImpl.lock, lockAll, unlock).
 * No two members read a queue at one time, not even while their views of the group differ.
 */
export class OrderLocks {
  private readonly client: Client
  private readonly group: string
  private readonly requests: BrokerRequests

  constructor(client: Client, group: string) {
    this.client = client
    this.group = group
    this.requests = new BrokerRequests(client)
  }

  /** Asks for locks, or confirms those held. Never rejects. */
  async ask(queues: readonly MessageQueue[]): Promise<LockAnswers> {
    const askedMs = this.client.env.clock.monotonicMs()
    const byQueue = new Map<string, boolean>()
    const asks = [...queuesByBroker(queues)].map(([broker, some]) =>
      this.askOne(broker, some, byQueue),
    )
    await Promise.all(asks)
    return { askedMs, byQueue }
  }

  /** Gives locks back, confirmed by the brokers that answer. Never rejects: locks run out by themselves. */
  async release(queues: readonly MessageQueue[]): Promise<void> {
    const { routes, log } = this.client
    const releases = [...queuesByBroker(queues)].map(async ([brokerName, some]) => {
      const address = routes.brokerAddress(brokerName, MASTER_ID)
      if (address === null) return
      try {
        await this.requests.unlock(address, this.group, some)
      } catch (error) {
        log.warn({ event: 'unlock_failed', group: this.group, broker: brokerName, err: error })
      }
    })
    await Promise.all(releases)
  }

  private async askOne(
    brokerName: string,
    queues: MessageQueue[],
    byQueue: Map<string, boolean>,
  ): Promise<void> {
    const { routes, log } = this.client
    const address = routes.brokerAddress(brokerName, MASTER_ID)
    if (address === null) return
    try {
      const locked = await this.requests.lock(address, this.group, queues)
      const keys = new Set(locked.map(queueKey))
      for (const queue of queues) byQueue.set(queueKey(queue), keys.has(queueKey(queue)))
    } catch (error) {
      log.warn({ event: 'lock_failed', group: this.group, broker: brokerName, err: error })
    }
  }
}
