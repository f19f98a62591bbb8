import {
  anyJson,
  type BodyCodec,
  bool,
  int,
  list,
  long,
  mapOf,
  name,
  nullable,
  record,
  text,
} from './codec.ts'
import { ConsumeFromWhere, ConsumeType, MessageModel, SubscriptionData } from './heartbeat.ts'
import type { JsonValue } from './json-value.ts'

/** Java: Connection. */
export interface Connection {
  clientId: string
  clientAddr: string
  /** Name of a LanguageCode. */
  language: string
  /** Ordinal of MQVersion. */
  version: number
}
export const Connection: BodyCodec<Connection> = record<Connection>({
  clientId: text(),
  clientAddr: text(),
  language: text('OTHER'),
  version: int(),
})

/** GET_CONSUMER_CONNECTION_LIST (203). */
export interface ConsumerConnection {
  connectionSet: Connection[]
  subscriptionTable: Map<string, SubscriptionData>
  consumeType: ConsumeType | null
  messageModel: MessageModel | null
  consumeFromWhere: ConsumeFromWhere | null
}
export const ConsumerConnection: BodyCodec<ConsumerConnection> = record<ConsumerConnection>({
  connectionSet: list(Connection),
  subscriptionTable: mapOf(SubscriptionData),
  consumeType: nullable(ConsumeType),
  messageModel: nullable(MessageModel),
  consumeFromWhere: nullable(ConsumeFromWhere),
})

/** GET_PRODUCER_CONNECTION_LIST (204). */
export interface ProducerConnection {
  connectionSet: Connection[]
}
export const ProducerConnection: BodyCodec<ProducerConnection> = record<ProducerConnection>({
  connectionSet: list(Connection),
})

/** Java: ProducerInfo. */
export interface ProducerInfo {
  clientId: string
  remoteIP: string
  language: string
  version: number
  lastUpdateTimestamp: number
}
export const ProducerInfo: BodyCodec<ProducerInfo> = record<ProducerInfo>({
  clientId: text(),
  remoteIP: text(),
  language: text('OTHER'),
  version: int(),
  lastUpdateTimestamp: long(),
})

/** GET_ALL_PRODUCER_INFO (328): by producer group. */
export interface ProducerTableInfo {
  data: Map<string, ProducerInfo[]>
}
export const ProducerTableInfo: BodyCodec<ProducerTableInfo> = record<ProducerTableInfo>({
  data: mapOf(list(ProducerInfo)),
})

/** GET_CONSUMER_RUNNING_INFO (307): the client's own words, which a broker only hands on. */
export const ConsumerRunningInfo: BodyCodec<JsonValue> = anyJson()

export type ConsumeResult =
  | 'CR_SUCCESS'
  | 'CR_LATER'
  | 'CR_ROLLBACK'
  | 'CR_COMMIT'
  | 'CR_THROW_EXCEPTION'
  | 'CR_RETURN_NULL'
const CONSUME_RESULTS: readonly ConsumeResult[] = [
  'CR_SUCCESS',
  'CR_LATER',
  'CR_ROLLBACK',
  'CR_COMMIT',
  'CR_THROW_EXCEPTION',
  'CR_RETURN_NULL',
]

/** CONSUME_MESSAGE_DIRECTLY (309). */
export interface ConsumeMessageDirectlyResult {
  order: boolean
  autoCommit: boolean
  consumeResult: ConsumeResult | null
  remark: string | null
  /** Milliseconds. */
  spentTimeMills: number
}
export const ConsumeMessageDirectlyResult: BodyCodec<ConsumeMessageDirectlyResult> =
  record<ConsumeMessageDirectlyResult>({
    order: bool(),
    autoCommit: bool(true),
    consumeResult: nullable(name(CONSUME_RESULTS, 'CR_SUCCESS')),
    remark: nullable(text()),
    spentTimeMills: long(),
  })
