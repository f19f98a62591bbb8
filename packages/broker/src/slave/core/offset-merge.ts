/** One queue's offset of a group. */
export interface QueueOffset {
  readonly group: string
  readonly topic: string
  readonly queueId: number
  readonly offset: number
}

/** A master's offsets as request code 43 brings them: `topic@group` → queue → offset. */
export type MasterOffsets = ReadonlyMap<string, ReadonlyMap<number, number>>

/**
 * Which of the offsets that clients committed to the slave the master must be told, and which it need not. The master's
 * value counts, also when it is lower than what the slave had before (an operator's reset); what clients committed here
 * counts where it is higher, so that nothing is consumed twice because the master was away. Nothing goes back by it.
 * Without I/O.
 */
export function offsetsToTell(
  master: MasterOffsets,
  committed: Iterable<QueueOffset>,
): { higher: QueueOffset[]; settled: QueueOffset[] } {
  const higher: QueueOffset[] = []
  const settled: QueueOffset[] = []
  for (const one of committed) {
    const offset = master.get(`${one.topic}@${one.group}`)?.get(one.queueId) ?? -1
    if (one.offset > offset) higher.push(one)
    else settled.push(one)
  }
  return { higher, settled }
}

/** The table that the slave takes: the master's, and over it what clients committed here and the master lacks. */
export function mergedOffsets(
  master: MasterOffsets,
  higher: Iterable<QueueOffset>,
): Map<string, ReadonlyMap<number, number>> {
  const merged = new Map(master)
  for (const { group, topic, queueId, offset } of higher) {
    const key = `${topic}@${group}`
    const queues = new Map(merged.get(key))
    queues.set(queueId, Math.max(offset, queues.get(queueId) ?? -1))
    merged.set(key, queues)
  }
  return merged
}
