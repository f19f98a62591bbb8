/** Something that will happen: `task` is `null` once it has happened or was cancelled. */
export interface SimEvent {
  readonly atMs: number
  /** Of two events at one moment the lower rank goes first, then the older. */
  readonly rank: number
  readonly sequence: number
  task: (() => void) | null
}

/** A binary heap of events, earliest first. */
export class EventQueue {
  private readonly heap: SimEvent[] = []
  private sequence = 0

  get size(): number {
    return this.heap.length
  }

  count(counted: (event: SimEvent) => boolean): number {
    return this.heap.reduce((sum, event) => (counted(event) ? sum + 1 : sum), 0)
  }

  add(atMs: number, rank: number, task: () => void): SimEvent {
    const event: SimEvent = { atMs, rank, sequence: this.sequence++, task }
    const heap = this.heap
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
    return event
  }

  peek(): SimEvent | undefined {
    return this.heap[0]
  }

  take(): SimEvent | undefined {
    const heap = this.heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs
  if (a.rank !== b.rank) return a.rank < b.rank
  return a.sequence < b.sequence
}
