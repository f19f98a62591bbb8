import type { QueueAt } from '@apogee/admin'
import { sleep } from '../sleep.ts'
import type { StartedQueue } from './started-queue.ts'

/** The route is looked at so often … */
const LOOK_MS = 2_000
/** … and so soon after a queue could not be read. */
const LOOK_SOON_MS = 200

/** Follows the route of a topic: new queues, and brokers that are read in another's place. */
export class RouteLook {
  private readonly queues: () => Promise<readonly QueueAt[]>
  private readonly known = new Map<string, StartedQueue>()
  private wake: AbortController = new AbortController()

  /** `queues` asks for the route: those that are wanted of it. */
  constructor(queues: () => Promise<readonly QueueAt[]>) {
    this.queues = queues
  }

  know(source: StartedQueue): void {
    this.known.set(keyOf(source.queue), source)
  }

  /** Something could not be read: the route may be another by now. */
  soon(): void {
    this.wake.abort()
  }

  /** Looks until the signal; `added` is told of queues that there were not. Never rejects. */
  async watch(signal: AbortSignal, added: (queue: QueueAt) => void): Promise<void> {
    while (!signal.aborted) {
      this.wake = new AbortController()
      await sleep(LOOK_MS, AbortSignal.any([signal, this.wake.signal]))
      if (this.wake.signal.aborted) await sleep(LOOK_SOON_MS, signal)
      if (signal.aborted) return
      await this.look(added)
    }
  }

  private async look(added: (queue: QueueAt) => void): Promise<void> {
    let queues: readonly QueueAt[]
    try {
      queues = await this.queues()
    } catch {
      // A topic without a route, or no NameServer now: what is read goes on, and is told of when it cannot.
      return
    }
    for (const queue of queues) {
      const source = this.known.get(keyOf(queue))
      if (source === undefined) added(queue)
      else if (source.queue.address !== queue.address) source.moveTo(queue)
    }
  }
}

function keyOf({ brokerName, queueId }: QueueAt): string {
  return `${brokerName} ${queueId}`
}
