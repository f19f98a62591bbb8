import type { DataVersion, TopicConfig, TopicQueueMappingInfo } from '@apogee/protocol'

// What goes into the route table and what it decides. What it holds and answers are RocketMQ's own
// shapes (QueueData, BrokerData, TopicRouteData, …), which belong to @apogee/protocol; none of them
// is changed once it is in.

/** The broker id of a master; slaves count from 1. */
export const MASTER_ID = 0

/** Bits of a queue's `perm` (Java: PermName). */
export const PERM_READ = 4
export const PERM_WRITE = 2

/** Bits of a topic's `topicSysFlag` (Java: TopicSysFlag). */
export const TOPIC_FLAG_UNIT = 1
export const TOPIC_FLAG_UNIT_SUB = 2

/** A broker's topic named so is never shown with an acting master (Java: TopicValidator). */
export const SYNC_BROKER_MEMBER_PREFIX = 'rmq_sys_SYNC_BROKER_MEMBER_'

/** Expiry of a broker that did not say its own (Java: DEFAULT_BROKER_CHANNEL_EXPIRED_TIME). */
export const DEFAULT_HEARTBEAT_TIMEOUT_MS = 120_000

export function sameDataVersion(a: DataVersion, b: DataVersion): boolean {
  return a.stateVersion === b.stateVersion && a.timestamp === b.timestamp && a.counter === b.counter
}

/** The part of a broker's topic that routes are made of. */
export type TopicEntry = Readonly<
  Pick<TopicConfig, 'topicName' | 'readQueueNums' | 'writeQueueNums' | 'perm' | 'topicSysFlag'>
>

/** One REGISTER_BROKER (103). */
export interface BrokerRegistration {
  readonly clusterName: string
  readonly brokerName: string
  readonly brokerAddr: string
  /** 0 = master. */
  readonly brokerId: number
  readonly haServerAddr: string | null
  readonly zoneName: string | null
  /** `null` = 120 s. */
  readonly heartbeatTimeoutMs: number | null
  /** `null` = a broker from before acting masters existed: its slaves never bring topics. */
  readonly enableActingMaster: boolean | null
  readonly dataVersion: DataVersion
  readonly topics: readonly TopicEntry[]
  readonly topicQueueMappings: readonly TopicQueueMappingInfo[]
  /** `null` = says nothing about filter servers; empty = has none any more. */
  readonly filterServers: readonly string[] | null
  /** The connection whose loss means the loss of this broker. */
  readonly connectionId: number
}

/** What REGISTER_BROKER does. */
export type RegisterOutcome =
  | {
      readonly kind: 'registered'
      /** For slaves whose master is known: where it is. */
      readonly masterAddr: string | null
      readonly haServerAddr: string | null
    }
  /**
   * Another address owns this broker id with a newer state version: answered with success, and
   * nothing else.
   */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'refused'; readonly reason: string }

/** Switches and limits of the table; read at each use, so that a change works at once. */
export interface RouteTableOptions {
  /** Show the lowest slave as master 0 while the master is gone. */
  supportActingMaster: boolean
  /** Tell the brokers of a group when its lowest id changes (905). */
  notifyMinBrokerIdChanged: boolean
  /** A topic missing from a registration is deleted for this broker. */
  deleteTopicWithBrokerRegistration: boolean
  /** Broker addresses at most. */
  brokersMax: number
  /** Topic names at most. */
  topicsMax: number
}

/** What the driver must do, or tell the operator, after an input. */
export type RouteDecision =
  /** NOTIFY_MIN_BROKER_ID_CHANGE (905), one way, to each address of `to`. */
  | {
      readonly kind: 'notify-min-broker-id'
      readonly to: readonly string[]
      readonly minBrokerId: number
      readonly minBrokerAddr: string
      readonly offlineBrokerAddr: string | null
      readonly haBrokerAddr: string | null
    }
  | { readonly kind: 'close-connection'; readonly connectionId: number }
  | {
      readonly kind: 'report'
      readonly event: RouteEvent
      readonly brokerName: string
      readonly brokerId: number
      readonly brokerAddr: string
    }

export type RouteEvent =
  | 'broker_registered'
  | 'broker_unregistered'
  | 'broker_connection_lost'
  | 'broker_expired'
  | 'broker_address_replaced'
  | 'broker_register_conflict'
