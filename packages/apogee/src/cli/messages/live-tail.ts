import type { QueueAt } from '@apogee/admin'
import type { ShownMessage } from '../output/message-view.ts'
import { sleep } from '../sleep.ts'
import type { QueueTail } from './queue-tail.ts'

/** A broker that failed is asked again after this. */
const RETRY_MS = 1_000
/** An answer that came sooner and brought nothing is not followed by a question at once … */
const FRUITLESS_MS = 50
/** … but after this, and each further one after twice as long, up to RETRY_MS: slaves may answer so (Apache's). */
const FRUITLESS_REST_MS = 100
/** Reading stops while so many messages wait for a slow reader. */
const WAITING_MAX = 1_000

/** Told that a queue cannot be read now. */
export type TailTrouble = (queue: QueueAt, error: unknown) => void

/** A queue and how its reading begins; `open` gives the same reader again once there is one. */
export interface TailSource {
  readonly queue: QueueAt
  open(): Promise<QueueTail>
}

/** Messages of several queues as they come. A broker that is away is asked again. */
export class LiveTail {
  private readonly signal: AbortSignal
  private readonly trouble: TailTrouble
  private readonly waiting = new Waiting()

  constructor(signal: AbortSignal, trouble: TailTrouble) {
    this.signal = signal
    this.trouble = trouble
  }

  /** Begins to read a queue; it may come while others are read. */
  add(source: TailSource): void {
    // It ends with the signal, and never rejects.
    void this.follow(source)
  }

  /** Ends with the signal. */
  async *messages(): AsyncGenerator<ShownMessage> {
    const { signal, waiting } = this
    const wake = (): void => waiting.wake()
    signal.addEventListener('abort', wake)
    try {
      while (!signal.aborted) {
        const messages = waiting.takeAll()
        if (messages.length === 0) await waiting.changed()
        for (const message of messages) {
          if (signal.aborted) return
          yield message
        }
      }
    } finally {
      signal.removeEventListener('abort', wake)
      // Pulls that are under way end when the connections are closed.
      waiting.end()
    }
  }

  private async follow(source: TailSource): Promise<void> {
    const { signal, trouble, waiting } = this
    let restMs = FRUITLESS_REST_MS
    while (!signal.aborted && !waiting.hasEnded) {
      try {
        const tail = await source.open()
        const askedMs = performance.now()
        const before = tail.nextOffset
        waiting.put(await tail.read(true))
        await waiting.hasRoom()
        const isFruitless = tail.nextOffset === before && performance.now() - askedMs < FRUITLESS_MS
        if (isFruitless) await sleep(restMs, signal)
        restMs = isFruitless ? Math.min(RETRY_MS, restMs * 2) : FRUITLESS_REST_MS
      } catch (error) {
        if (signal.aborted || waiting.hasEnded) return
        trouble(source.queue, error)
        await sleep(RETRY_MS, signal)
      }
    }
  }
}

/** Messages that were read and not yet shown. */
class Waiting {
  hasEnded = false
  private messages: ShownMessage[] = []
  private listeners: (() => void)[] = []

  put(messages: readonly ShownMessage[]): void {
    if (messages.length === 0) return
    this.messages.push(...messages)
    this.wake()
  }

  takeAll(): ShownMessage[] {
    const taken = this.messages
    this.messages = []
    if (taken.length > 0) this.wake()
    return taken
  }

  changed(): Promise<void> {
    if (this.messages.length > 0 || this.hasEnded) return Promise.resolve()
    return new Promise((resolve) => this.listeners.push(resolve))
  }

  async hasRoom(): Promise<void> {
    while (this.messages.length >= WAITING_MAX && !this.hasEnded) {
      await new Promise<void>((resolve) => this.listeners.push(resolve))
    }
  }

  end(): void {
    this.hasEnded = true
    this.wake()
  }

  wake(): void {
    const { listeners } = this
    this.listeners = []
    for (const listener of listeners) listener()
  }
}
