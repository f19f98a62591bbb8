import type { ShownMessage } from '../output/message-view.ts'
import type { TailTrouble } from './live-tail.ts'
import type { QueueTail } from './queue-tail.ts'

/** A queue and the offset before which its stored messages end. */
export interface BacklogQueue {
  readonly tail: QueueTail
  readonly endOffset: number
}

interface Head {
  readonly source: BacklogQueue
  buffer: ShownMessage[]
  place: number
}

/**
 * What is stored in these queues, merged by the time it was stored; each queue keeps its order. One that cannot be read
 * any more is told by `trouble`, and the others go on.
 */
export async function* mergedBacklog(
  sources: readonly BacklogQueue[],
  signal: AbortSignal,
  trouble: TailTrouble,
): AsyncGenerator<ShownMessage> {
  let heads: Head[] = sources.map((source) => ({ source, buffer: [], place: 0 }))
  while (!signal.aborted) {
    const fillOrTell = (head: Head): Promise<void> =>
      fill(head).catch((error: unknown) => trouble(head.source.tail.queue, error))
    await Promise.all(heads.map(fillOrTell))
    heads = heads.filter(({ buffer, place }) => place < buffer.length)
    if (heads.length === 0) return
    // One that is empty may have an earlier message next: then all are filled again first.
    while (heads.every(({ buffer, place }) => place < buffer.length)) {
      const first = earliest(heads)
      yield first.buffer[first.place]!
      first.place += 1
    }
  }
}

/** Reads on until there is a message, or the end. */
async function fill(head: Head): Promise<void> {
  const { tail, endOffset } = head.source
  while (head.place >= head.buffer.length && tail.nextOffset < endOffset) {
    const before = tail.nextOffset
    const messages = await tail.read(false)
    head.buffer = messages.filter(({ queueOffset }) => queueOffset < endOffset)
    head.place = 0
    if (messages.length > head.buffer.length) tail.nextOffset = endOffset
    // A broker that does not move on has nothing more.
    if (tail.nextOffset <= before && head.buffer.length === 0) return
  }
}

function earliest(heads: readonly Head[]): Head {
  let first = heads[0]!
  for (const head of heads) {
    const time = head.buffer[head.place]!.storeTimestamp
    if (time < first.buffer[first.place]!.storeTimestamp) first = head
  }
  return first
}
