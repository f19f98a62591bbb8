import type { Problem } from '../command.ts'
import type { ConnectedClient } from '../operations/client-operations.ts'
import type { QueueLag } from '../operations/group-operations.ts'
import type { RunningInfo } from '../operations/running-info.ts'
import type { QueueStats } from '../operations/topic-operations.ts'

/** A group's setting at one broker, as far as it matters for consuming. */
export interface GroupSwitch {
  readonly brokerName: string
  readonly consumeEnable: boolean
}

/** A topic that the group reads. */
export interface TopicRead {
  readonly topic: string
  /** Brokers in the route. */
  readonly routedBrokers: readonly string[]
  /** Brokers that have the topic configured; one that is not in the route is read by nobody. */
  readonly configuredBrokers: readonly string[]
  /** Queues that consumers may read, over all brokers of the route. */
  readonly readableQueues: readonly { readonly brokerName: string; readonly queueId: number }[]
  readonly queues: readonly QueueStats[]
}

/** Everything about a group at one moment, as `diagnose` needs it. Plain data: no calls, no clock. */
export interface GroupSnapshot {
  readonly group: string
  /** Wall clock, milliseconds. */
  readonly takenMs: number
  readonly clients: readonly ConnectedClient[]
  readonly isBroadcasting: boolean
  readonly switches: readonly GroupSwitch[]
  readonly topics: readonly TopicRead[]
  /** How far the group is. */
  readonly lags: readonly QueueLag[]
  /** From the consumers that answered. */
  readonly running: readonly RunningInfo[]
  /** Messages in the group's retry and dead-letter topics, all queues together; null when there is no such topic. */
  readonly retryMessages: number | null
  readonly dlqMessages: number | null
  /** Who could not be asked. */
  readonly problems: readonly Problem[]
}

/** What may be wrong, worst first. */
export const FindingCode = {
  NO_CONSUMER: 'NO_CONSUMER',
  CONSUME_DISABLED: 'CONSUME_DISABLED',
  SUBSCRIPTION_MISMATCH: 'SUBSCRIPTION_MISMATCH',
  BROKER_NOT_IN_ROUTE: 'BROKER_NOT_IN_ROUTE',
  BROKER_UNREACHABLE: 'BROKER_UNREACHABLE',
  QUEUE_WITHOUT_OWNER: 'QUEUE_WITHOUT_OWNER',
  QUEUE_OWNED_TWICE: 'QUEUE_OWNED_TWICE',
  OFFSET_OUT_OF_RANGE: 'OFFSET_OUT_OF_RANGE',
  QUEUE_STUCK: 'QUEUE_STUCK',
  CLIENT_SILENT: 'CLIENT_SILENT',
  SLOW_HANDLER: 'SLOW_HANDLER',
  FAILING_HANDLER: 'FAILING_HANDLER',
  RETRY_GROWS: 'RETRY_GROWS',
  DLQ_GROWS: 'DLQ_GROWS',
  LAG_GROWS: 'LAG_GROWS',
} as const
export type FindingCode = (typeof FindingCode)[keyof typeof FindingCode]

export type Severity = 'error' | 'warning' | 'info'

/** One cause, named: what, where, whose, and what to do. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  /** One sentence. */
  readonly message: string
  readonly hint: string
  readonly topic?: string
  readonly brokerName?: string
  readonly queueId?: number
  readonly clientId?: string
}
