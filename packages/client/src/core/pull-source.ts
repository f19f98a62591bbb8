import type { MessageQueue } from '../api/message.ts'
import { queueKey } from './queue-key.ts'

/** Broker id of a master (Java: MixAll.MASTER_ID). */
export const MASTER_ID = 0

/**
 * Which of a broker's replicas each queue is read from (Java: PullAPIWrapper.pullFromWhichNodeTable). Brokers say it
 * in every answer (suggestWhichBrokerId): a master that is behind names a slave, the slave names the master again.
 * Where Java goes on asking one that has died until its route has changed, a failure here turns to the next replica
 * at once.
 */
export class PullSource {
  private readonly wantedIds = new Map<string, number>()

  /** The replica to ask: the one last suggested, else the master. */
  wantedBrokerId(queue: MessageQueue): number {
    return this.wantedIds.get(queueKey(queue)) ?? MASTER_ID
  }

  /** Of every answer to a pull, whatever its code. */
  suggested(queue: MessageQueue, brokerId: number): void {
    if (brokerId === MASTER_ID) this.wantedIds.delete(queueKey(queue))
    else this.wantedIds.set(queueKey(queue), brokerId)
  }

  /**
   * The replica could not be reached or did not answer: the next one of `brokerIds` (those of the route) is wanted,
   * round and round. Without another one it stays.
   */
  failed(queue: MessageQueue, brokerId: number, brokerIds: Iterable<number>): void {
    const ids = [...brokerIds].sort((a, b) => a - b)
    const next = ids.find((id) => id > brokerId) ?? ids[0] ?? MASTER_ID
    this.suggested(queue, next)
  }

  /** The queue is not ours any more. */
  remove(queue: MessageQueue): void {
    this.wantedIds.delete(queueKey(queue))
  }
}

/** An address to read from. */
export interface ReadAddress {
  readonly address: string
  readonly brokerId: number
}

/**
 * Address of the wanted replica; else of the next one, when a slave was wanted; else of the master; else of any. Null
 * when there is none (Java: MQClientInstance.findBrokerAddressInSubscribe).
 */
export function chooseReadAddress(
  addresses: ReadonlyMap<number, string>,
  wantedId: number,
): ReadAddress | null {
  const wanted = readAddressOf(addresses, wantedId)
  if (wanted !== null) return wanted
  const ids = [...addresses.keys()].sort((a, b) => a - b)
  if (wantedId !== MASTER_ID) ids.unshift(wantedId + 1)
  for (const brokerId of ids) {
    const found = readAddressOf(addresses, brokerId)
    if (found !== null) return found
  }
  return null
}

function readAddressOf(
  addresses: ReadonlyMap<number, string>,
  brokerId: number,
): ReadAddress | null {
  const address = addresses.get(brokerId)
  return address === undefined || address === '' ? null : { address, brokerId }
}

/** Slaves do not take offsets along with a pull (PullSysFlag FLAG_COMMIT_OFFSET is cleared for them). */
export function mayCommitWithPull(brokerId: number, commitOffset: number): boolean {
  return brokerId === MASTER_ID && commitOffset > 0
}
