import type { HeaderOf } from './table.ts'

/** Answer to GET_BROKER_CONFIG (26). */
export const GetBrokerConfigResponseHeader = {
  version: 'string',
} as const
export type GetBrokerConfigResponseHeader = HeaderOf<typeof GetBrokerConfigResponseHeader>

/** VIEW_BROKER_STATS_DATA (315). */
export const ViewBrokerStatsDataRequestHeader = {
  statsName: 'string',
  statsKey: 'string',
} as const
export type ViewBrokerStatsDataRequestHeader = HeaderOf<typeof ViewBrokerStatsDataRequestHeader>

/** NOTIFY_MIN_BROKER_ID_CHANGE (905). */
export const NotifyMinBrokerIdChangeRequestHeader = {
  minBrokerId: 'long?',
  brokerName: 'string?',
  minBrokerAddr: 'string?',
  offlineBrokerAddr: 'string?',
  haBrokerAddr: 'string?',
} as const
export type NotifyMinBrokerIdChangeRequestHeader = HeaderOf<
  typeof NotifyMinBrokerIdChangeRequestHeader
>

/** EXCHANGE_BROKER_HA_INFO (906). */
export const ExchangeHAInfoRequestHeader = {
  masterHaAddress: 'string?',
  masterFlushOffset: 'long?',
  masterAddress: 'string?',
} as const
export type ExchangeHAInfoRequestHeader = HeaderOf<typeof ExchangeHAInfoRequestHeader>

/** Answer to EXCHANGE_BROKER_HA_INFO (906). */
export const ExchangeHAInfoResponseHeader = {
  masterHaAddress: 'string?',
  masterFlushOffset: 'long?',
  masterAddress: 'string?',
} as const
export type ExchangeHAInfoResponseHeader = HeaderOf<typeof ExchangeHAInfoResponseHeader>

/** RESET_MASTER_FLUSH_OFFSET (908). */
export const ResetMasterFlushOffsetHeader = {
  masterFlushOffset: 'long',
} as const
export type ResetMasterFlushOffsetHeader = HeaderOf<typeof ResetMasterFlushOffsetHeader>
