import type { SubscriptionData as Subscription } from '../filter/subscription.ts'
import { type BodyCodec, bool, int, list, long, name, nullable, record, text } from './codec.ts'

export type ConsumeType = 'CONSUME_ACTIVELY' | 'CONSUME_PASSIVELY' | 'CONSUME_POP'
const CONSUME_TYPES: readonly ConsumeType[] = [
  'CONSUME_ACTIVELY',
  'CONSUME_PASSIVELY',
  'CONSUME_POP',
]

export type MessageModel = 'BROADCASTING' | 'CLUSTERING'
const MESSAGE_MODELS: readonly MessageModel[] = ['BROADCASTING', 'CLUSTERING']

export type ConsumeFromWhere =
  | 'CONSUME_FROM_LAST_OFFSET'
  | 'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST'
  | 'CONSUME_FROM_MIN_OFFSET'
  | 'CONSUME_FROM_MAX_OFFSET'
  | 'CONSUME_FROM_FIRST_OFFSET'
  | 'CONSUME_FROM_TIMESTAMP'
const CONSUME_FROM_WHERES: readonly ConsumeFromWhere[] = [
  'CONSUME_FROM_LAST_OFFSET',
  'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST',
  'CONSUME_FROM_MIN_OFFSET',
  'CONSUME_FROM_MAX_OFFSET',
  'CONSUME_FROM_FIRST_OFFSET',
  'CONSUME_FROM_TIMESTAMP',
]

export const ConsumeType: BodyCodec<ConsumeType> = name(CONSUME_TYPES, 'CONSUME_PASSIVELY')
export const MessageModel: BodyCodec<MessageModel> = name(MESSAGE_MODELS, 'CLUSTERING')
export const ConsumeFromWhere: BodyCodec<ConsumeFromWhere> = name(
  CONSUME_FROM_WHERES,
  'CONSUME_FROM_LAST_OFFSET',
)

/** What a group reads of one topic (Java: SubscriptionData). */
export type SubscriptionData = Subscription
export const SubscriptionData: BodyCodec<SubscriptionData> = record<SubscriptionData>({
  classFilterMode: bool(),
  topic: text(),
  subString: text(),
  tagsSet: list(text()),
  codeSet: list(int()),
  subVersion: long(),
  expressionType: text('TAG'),
})

/** Java: ConsumerData. */
export interface ConsumerData {
  groupName: string
  consumeType: ConsumeType
  messageModel: MessageModel
  consumeFromWhere: ConsumeFromWhere
  subscriptionDataSet: SubscriptionData[]
  unitMode: boolean
}
export const ConsumerData: BodyCodec<ConsumerData> = record<ConsumerData>({
  groupName: text(),
  consumeType: ConsumeType,
  messageModel: MessageModel,
  consumeFromWhere: ConsumeFromWhere,
  subscriptionDataSet: list(SubscriptionData),
  unitMode: bool(),
})

/** Java: ProducerData. */
export interface ProducerData {
  groupName: string
}
export const ProducerData: BodyCodec<ProducerData> = record<ProducerData>({ groupName: text() })

/** HEART_BEAT (34). */
export interface HeartbeatData {
  clientID: string
  producerDataSet: ProducerData[]
  consumerDataSet: ConsumerData[]
  heartbeatFingerprint: number
  withoutSub: boolean
}
export const HeartbeatData: BodyCodec<HeartbeatData> = record<HeartbeatData>({
  clientID: text(),
  producerDataSet: list(ProducerData),
  consumerDataSet: list(ConsumerData),
  heartbeatFingerprint: int(),
  withoutSub: bool(),
})

/** CHECK_CLIENT_CONFIG (46). */
export interface CheckClientRequestBody {
  clientId: string
  group: string
  subscriptionData: SubscriptionData | null
  namespace: string | null
}
export const CheckClientRequestBody: BodyCodec<CheckClientRequestBody> =
  record<CheckClientRequestBody>({
    clientId: text(),
    group: text(),
    subscriptionData: nullable(SubscriptionData),
    namespace: nullable(text()),
  })

/** QUERY_SUBSCRIPTION_BY_CONSUMER (345). */
export interface QuerySubscriptionResponseBody {
  subscriptionData: SubscriptionData | null
  group: string
  topic: string
}
export const QuerySubscriptionResponseBody: BodyCodec<QuerySubscriptionResponseBody> =
  record<QuerySubscriptionResponseBody>({
    subscriptionData: nullable(SubscriptionData),
    group: text(),
    topic: text(),
  })
