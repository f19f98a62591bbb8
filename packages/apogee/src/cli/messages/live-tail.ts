import type { QueueAt } from '@apogee/admin'
import type { ShownMessage } from '../output/message-view.ts'
import { sleep } from '../sleep.ts'
import type { QueueTail } from './queue-tail.ts'

/** A broker that failed is asked again after this. */
const RETRY_MS = 1_000
/** Reading stops while so many messages wait for a slow reader. */
const WAITING_MAX = 1_000

/** Told that a queue cannot be read now. */
export type TailTrouble = (queue: QueueAt, error: unknown) => void

/** A queue and how its reading begins; `open` gives the same reader again once there is one. */
export interface TailSource {
  readonly queue: QueueAt
  open(): Promise<QueueTail>
}

/** Messages of several queues as they come. Ends with the signal; a broker that is away is asked again. */
export async function* liveMessages(
  sources: readonly TailSource[],
  signal: AbortSignal,
  trouble: TailTrouble,
): AsyncGenerator<ShownMessage> {
  const waiting = new Waiting()
  const loops = sources.map((source) => follow(source, waiting, signal, trouble))
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
    waiting.end()
    // Their pulls end when the connections are closed.
    void Promise.allSettled(loops)
  }
}

async function follow(
  source: TailSource,
  waiting: Waiting,
  signal: AbortSignal,
  trouble: TailTrouble,
): Promise<void> {
  while (!signal.aborted && !waiting.hasEnded) {
    try {
      const tail = await source.open()
      waiting.put(await tail.read(true))
      await waiting.hasRoom()
    } catch (error) {
      if (signal.aborted || waiting.hasEnded) return
      trouble(source.queue, error)
      await sleep(RETRY_MS, signal)
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
