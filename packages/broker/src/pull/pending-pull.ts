import type { SerializeType } from '@apogee/protocol'
import type { Connection } from '@apogee/remoting'
import type { GetQuery } from '@apogee/store'
import type { GroupCounters } from '../stats/topic-counters.ts'
import type { SubscriptionGroupConfig } from '../subscription/subscription-group-config.ts'

/** A pull from its request to its answer, through reads and waits. Pooled: its owner keeps the free ones. */
export class PendingPull {
  readonly query: GetQuery = {
    topic: '',
    queueId: 0,
    offset: 0,
    maxCount: 0,
    maxBytes: 0,
    diskMaxCount: 0,
    diskMaxBytes: 0,
    filter: null,
  }
  connection: Connection | null = null
  requestCode = 0
  opaque = 0
  type: SerializeType = 0
  group: SubscriptionGroupConfig | null = null
  counters: GroupCounters | null = null
  topicSysFlag = 0
  /** How long it may still wait for a message, ms; 0: it has waited, or must not. */
  suspendMs = 0
  /** When its request came, monotonic. */
  startedMs = 0
  /** It was parked. */
  waited = false
  /** Its place in the pool. */
  token = 0
}
