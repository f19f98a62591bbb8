import type { MessageQueue } from '../api/message.ts'

/** A queue's offset as its store had it. `null`: the group has none. */
export type StoredOffset = number | null

/** Where offsets of a group outlive its members: brokers (clustering) or files (broadcasting). Java: OffsetStore. */
export interface OffsetStore {
  /** Rejects when the store cannot be asked now; that is not "none". */
  read(queue: MessageQueue): Promise<StoredOffset>
  /** Keeps these soon, best effort. Returns those that are on their way. */
  persist(offsets: readonly OffsetOf[]): readonly OffsetOf[]
  /** Keeps these and waits for the confirmation. Rejects with the first failure after all were tried. */
  persistNow(offsets: readonly OffsetOf[]): Promise<void>
}

export interface OffsetOf {
  readonly queue: MessageQueue
  readonly offset: number
}
