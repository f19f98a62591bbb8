import type { MessageQueue } from '../api/message.ts'
import { queueKey } from './queue-key.ts'

/** Broker id of a master (Java: MixAll.MASTER_ID). */
export const MASTER_ID = 0

/** A replica that has failed is not turned to again for so long. It doubles with each further failure … */
export const DOUBT_MIN_MS = 1_000
/** … up to this, until the replica answers. */
export const DOUBT_MAX_MS = 10_000

interface Doubt {
  readonly failures: number
  readonly untilMs: number
}

/**
 * Which of a broker's replicas each queue is read from (Java: PullAPIWrapper.pullFromWhichNodeTable). Brokers say it
 * in every answer (suggestWhichBrokerId): a master that is behind names a slave, the slave names the master again.
 * Where Java goes on asking one that has died until its route has changed, a failure here turns to the next replica
 * at once. A slave may name a master that is dead, because it has not missed it yet, or (Apache's) never does: its
 * suggestion is not followed while the master is in doubt. Times are monotonic ms.
 */
export class PullSource {
  private readonly wantedIds = new Map<string, number>()
  /** Of replicas, for all queues of their broker. */
  private readonly doubts = new Map<string, Doubt>()

  /** The replica to ask: the one last suggested, else the master. */
  wantedBrokerId(queue: MessageQueue): number {
    return this.wantedIds.get(queueKey(queue)) ?? MASTER_ID
  }

  /**
   * The replica `brokerId` has answered a pull, and names one for the next. `isReachable`: whether the route has that
   * one, and its connection is not known to be broken.
   */
  answered(
    queue: MessageQueue,
    brokerId: number,
    suggestedId: number,
    isReachable: boolean,
    nowMs: number,
  ): void {
    if (this.doubts.size > 0) this.doubts.delete(replicaKey(queue, brokerId))
    const isFollowed =
      suggestedId === brokerId || (isReachable && !this.isDoubtful(queue, suggestedId, nowMs))
    this.want(queue, isFollowed ? suggestedId : brokerId)
  }

  /**
   * The replica could not be reached, did not answer, or does not have what was asked for: the next one of `brokerIds`
   * (those of the route) is wanted, one without doubt before others. Returns whether it is worth asking at once.
   */
  failed(
    queue: MessageQueue,
    brokerId: number,
    brokerIds: Iterable<number>,
    nowMs: number,
  ): boolean {
    this.doubt(queue, brokerId, nowMs)
    const ids = [...brokerIds].sort((a, b) => a - b)
    const round = [...ids.filter((id) => id > brokerId), ...ids.filter((id) => id < brokerId)]
    const sound = round.find((id) => !this.isDoubtful(queue, id, nowMs))
    this.want(queue, sound ?? round[0] ?? ids[0] ?? MASTER_ID)
    return sound !== undefined
  }

  /** The queue is not ours any more. */
  remove(queue: MessageQueue): void {
    this.wantedIds.delete(queueKey(queue))
  }

  private want(queue: MessageQueue, brokerId: number): void {
    if (brokerId !== MASTER_ID) this.wantedIds.set(queueKey(queue), brokerId)
    else if (this.wantedIds.size > 0) this.wantedIds.delete(queueKey(queue))
  }

  private doubt(queue: MessageQueue, brokerId: number, nowMs: number): void {
    const key = replicaKey(queue, brokerId)
    const before = this.doubts.get(key)
    // Queues of one broker fail together: that is one failure.
    if (before !== undefined && nowMs < before.untilMs) return
    const failures = (before?.failures ?? 0) + 1
    const forMs = Math.min(DOUBT_MAX_MS, DOUBT_MIN_MS * 2 ** (failures - 1))
    this.doubts.set(key, { failures, untilMs: nowMs + forMs })
  }

  private isDoubtful(queue: MessageQueue, brokerId: number, nowMs: number): boolean {
    const doubt = this.doubts.get(replicaKey(queue, brokerId))
    return doubt !== undefined && nowMs < doubt.untilMs
  }
}

function replicaKey({ brokerName }: MessageQueue, brokerId: number): string {
  return `${brokerName}\u0000${brokerId}`
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

/**
 * All replicas of a broker in the order in which to ask them for what every one of them knows: the master, then slaves by
 * their ids; those whose connection is broken after all others.
 */
export function replicasInOrder(
  addresses: ReadonlyMap<number, string>,
  isDown: (address: string) => boolean,
): ReadAddress[] {
  const replicas: ReadAddress[] = []
  for (const [brokerId, address] of addresses) {
    if (address !== '') replicas.push({ address, brokerId })
  }
  replicas.sort((a, b) => a.brokerId - b.brokerId)
  const down = replicas.filter(({ address }) => isDown(address))
  return [...replicas.filter((one) => !down.includes(one)), ...down]
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
