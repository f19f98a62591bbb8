import {
  type AckSink,
  APPEND_OK,
  type AppendStatus,
  isStored,
  type MessageStore,
} from '@apogee/store'

/** What became of an appended record. */
export interface AppendOutcome {
  /** APPEND_OK, or why the store did not take it. */
  readonly status: AppendStatus
  /** It is in the log, and as safe as flush mode and replicas make it, or will be: nothing takes it back. */
  readonly isStored: boolean
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly storeTimestamp: number
  readonly size: number
}

const REFUSED = { isStored: false, queueOffset: -1, physicalOffset: -1, storeTimestamp: 0, size: 0 }

/** Appends of records at the rate of transactions: a promise for each. */
export class StoredAppends implements AckSink {
  private readonly store: Pick<MessageStore, 'draft' | 'append'>
  private readonly waiting = new Map<number, (isIn: boolean) => void>()
  private nextToken = 0

  constructor(store: Pick<MessageStore, 'draft' | 'append'>) {
    this.store = store
  }

  /** Appends the store's draft, which the caller has filled in the same turn. Never rejects. */
  append(): Promise<AppendOutcome> {
    const token = this.nextToken++
    const status = this.store.append(this, token)
    if (status !== APPEND_OK) return Promise.resolve({ status, ...REFUSED })
    const { queueOffset, physicalOffset, storeTimestamp, size } = this.store.draft
    return new Promise((resolve) => {
      this.waiting.set(token, (isIn) => {
        resolve({ status, isStored: isIn, queueOffset, physicalOffset, storeTimestamp, size })
      })
    })
  }

  stored(token: number, outcome: number): void {
    const done = this.waiting.get(token)
    this.waiting.delete(token)
    done?.(isStored(outcome))
  }
}
