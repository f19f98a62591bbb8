import { javaHash } from '@apogee/base'
import type { MessageQueue } from '../api/message.ts'

/** The turn is counted up to this, then from 0. */
const TURNS = 0x4000_0000

/** Which brokers a send would rather not go to; each is asked for one broker at a time. */
export interface BrokerDoubts {
  /** The last attempt to connect to it failed. */
  isDown(brokerName: string): boolean
  /** It was slow of late (latency fault tolerance), or has just failed. */
  isAvoided(brokerName: string): boolean
  /** Sends wait for it that it should have answered (BrokerLoad): the least of all doubts. */
  isStuck(brokerName: string): boolean
}

/**
 * Takes the queues of a topic in turn. A broker in doubt is passed over, however many queues it has, and the one where the
 * attempt before failed most of all; when there is no other, any queue is better than none.
 */
export class QueueChoice {
  private index: number

  /** `start` is random, so that clients which start together do not send to one queue together. */
  constructor(start: number) {
    this.index = start
  }

  /** `failedBroker`: where the attempt before failed. null when there is no queue. */
  next(
    queues: readonly MessageQueue[],
    doubts: BrokerDoubts,
    failedBroker: string | null,
  ): MessageQueue | null {
    const count = queues.length
    if (count === 0) return null
    const start = this.index
    this.index = (start + 1) % TURNS
    let stuck: MessageQueue | null = null
    let reserve: MessageQueue | null = null
    let lastResort: MessageQueue | null = null
    let asked: string | null = null
    for (let i = 0; i < count; i++) {
      const queue = queues[(start + i) % count]!
      // Queues of one broker lie side by side: one answer serves them all.
      if (queue.brokerName === asked) continue
      asked = queue.brokerName
      if (asked === failedBroker) continue
      if (doubts.isDown(asked)) lastResort ??= queue
      else if (doubts.isAvoided(asked)) reserve ??= queue
      else if (doubts.isStuck(asked)) stuck ??= queue
      else {
        // What was passed over does not make its neighbour serve twice as much.
        this.index = (start + i + 1) % TURNS
        return queue
      }
    }
    return stuck ?? reserve ?? lastResort ?? queues[start % count]!
  }
}

/** The queue of a sharding key: the one that Java's SelectMessageQueueByHash takes, so that both keep one order. */
export function queueOfKey(queues: readonly MessageQueue[], key: string): MessageQueue | null {
  if (queues.length === 0) return null
  return queues[Math.abs(javaHash(key) % queues.length)]!
}
