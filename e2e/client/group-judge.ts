// What must hold of the deliveries of a group, whatever its members did.
import type { SentMessage } from '../harness/client-program.ts'
import type { Delivery } from './group-members.ts'

export interface Verdict {
  /** Acknowledged and never delivered. */
  lost: string[]
  /** Delivered and never sent. */
  made: string[]
  /** Delivered more than once: allowed, but counted. */
  repeated: number
}

/** At least once, and nothing that was never sent. */
export function judgeDeliveries(
  sent: readonly Pick<SentMessage, 'body'>[],
  unsure: ReadonlySet<string>,
  deliveries: readonly Delivery[],
): Verdict {
  const counts = new Map<string, number>()
  for (const { body } of deliveries) counts.set(body, (counts.get(body) ?? 0) + 1)
  const known = new Set(sent.map(({ body }) => body))
  return {
    lost: [...known].filter((body) => !counts.has(body)),
    made: [...counts.keys()].filter((body) => !known.has(body) && !unsure.has(body)),
    repeated: [...counts.values()].filter((count) => count > 1).length,
  }
}

/**
 * Order across members: in every queue the first delivery of an offset comes after the first delivery of the one before.
 * Clocks are one machine's, so a tie in milliseconds is no disorder.
 */
export function judgeOrder(deliveries: readonly Delivery[]): string[] {
  const disordered: string[] = []
  const firsts = new Map<string, Map<number, Delivery>>()
  for (const delivery of deliveries) {
    let offsets = firsts.get(delivery.queue)
    if (offsets === undefined) {
      offsets = new Map()
      firsts.set(delivery.queue, offsets)
    }
    const known = offsets.get(delivery.queueOffset)
    if (known === undefined || delivery.at < known.at) offsets.set(delivery.queueOffset, delivery)
  }
  for (const [queue, offsets] of firsts) {
    const sorted = [...offsets.values()].toSorted((a, b) => a.queueOffset - b.queueOffset)
    for (let index = 1; index < sorted.length; index++) {
      const before = sorted[index - 1]!
      const now = sorted[index]!
      if (now.at < before.at) {
        disordered.push(
          `${queue}: ${now.queueOffset} at ${now.at} (${now.member}) before ${before.queueOffset} at ${before.at} (${before.member})`,
        )
      }
    }
  }
  return disordered
}
