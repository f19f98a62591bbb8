import type { MessageQueue } from '../api/message.ts'
import type { OffsetOf, OffsetStore, StoredOffset } from './offset-store.ts'

/** Reads what is stored and stores nothing by itself: for consumers whose owner commits. */
export class ManualOffsetStore implements OffsetStore {
  private readonly store: OffsetStore

  constructor(store: OffsetStore) {
    this.store = store
  }

  read(queue: MessageQueue): Promise<StoredOffset> {
    return this.store.read(queue)
  }

  persist(): readonly OffsetOf[] {
    return []
  }

  persistNow(): Promise<void> {
    return Promise.resolve()
  }
}
