import type { OffsetTable } from '../core/offset-table.ts'
import type { PullSource } from '../core/pull-source.ts'
import type { Channels } from '../observe/channels.ts'
import type { Client } from '../remote/contract.ts'
import type { ConsumeTrace } from '../trace/consume-trace.ts'
import type { ConsumeStats } from './consume-stats.ts'
import type { ConsumerSettings } from './consumer-settings.ts'
import type { MessageSource } from './message-page.ts'
import type { OffsetStore } from './offset-store.ts'
import type { SubscriptionTable } from './subscription-table.ts'

/** What the parts of one consumer share. */
export interface ConsumerContext<T> {
  readonly client: Client
  /** With the namespace. */
  readonly group: string
  readonly settings: ConsumerSettings
  readonly subscriptions: SubscriptionTable
  readonly offsets: OffsetTable
  readonly store: OffsetStore
  readonly pullSource: PullSource
  readonly stats: ConsumeStats
  readonly source: MessageSource<T>
  readonly channels: Channels
  /** Null when nobody wants message trace. */
  readonly trace: ConsumeTrace | null
}
