import {
  type BodyCodec,
  type BodyEntry,
  entriesOf,
  int,
  intMapOf,
  list,
  long,
  mapOf,
  nullable,
  record,
  text,
} from './codec.ts'
import { MessageQueue } from './message-queue.ts'
import { DataVersion } from './topic-config.ts'

/** RESET_CONSUMER_CLIENT_OFFSET (220) to Java clients, INVOKE_BROKER_TO_RESET_OFFSET (222), the answer. */
export interface ResetOffsetBody {
  offsetTable: BodyEntry<MessageQueue, number>[]
}
export const ResetOffsetBody: BodyCodec<ResetOffsetBody> = record<ResetOffsetBody>({
  offsetTable: entriesOf(MessageQueue, long()),
})

/** Java: MessageQueueForC. */
export interface MessageQueueForC extends MessageQueue {
  offset: number
}
export const MessageQueueForC: BodyCodec<MessageQueueForC> = record<MessageQueueForC>({
  topic: text(),
  brokerName: text(),
  queueId: int(),
  offset: long(),
})

/** The same for clients whose language is not Java (C++): a list. */
export interface ResetOffsetBodyForC {
  offsetTable: MessageQueueForC[]
}
export const ResetOffsetBodyForC: BodyCodec<ResetOffsetBodyForC> = record<ResetOffsetBodyForC>({
  offsetTable: list(MessageQueueForC),
})

/** GET_CONSUMER_STATUS_FROM_CLIENT (221), INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223). */
export interface GetConsumerStatusBody {
  messageQueueTable: BodyEntry<MessageQueue, number>[]
  /** By client id. */
  consumerTable: Map<string, BodyEntry<MessageQueue, number>[]>
}
export const GetConsumerStatusBody: BodyCodec<GetConsumerStatusBody> =
  record<GetConsumerStatusBody>({
    messageQueueTable: entriesOf(MessageQueue, long()),
    consumerTable: mapOf(entriesOf(MessageQueue, long())),
  })

/** GET_ALL_CONSUMER_OFFSET (43), config/consumerOffset.json. */
export interface ConsumerOffsetSerializeWrapper {
  /** `topic@group` → queue id → offset. */
  offsetTable: Map<string, Map<number, number>>
  dataVersion: DataVersion | null
}
export const ConsumerOffsetSerializeWrapper: BodyCodec<ConsumerOffsetSerializeWrapper> =
  record<ConsumerOffsetSerializeWrapper>({
    offsetTable: mapOf(intMapOf(long())),
    dataVersion: nullable(DataVersion),
  })

/** GET_ALL_DELAY_OFFSET (45), config/delayOffset.json (Java: DelayOffsetSerializeWrapper). */
export interface DelayOffsetSerializeWrapper {
  /** Delay level → offset in its queue. */
  offsetTable: Map<number, number>
  dataVersion: DataVersion | null
}
export const DelayOffsetSerializeWrapper: BodyCodec<DelayOffsetSerializeWrapper> =
  record<DelayOffsetSerializeWrapper>({
    offsetTable: intMapOf(long()),
    dataVersion: nullable(DataVersion),
  })

/** QUERY_CORRECTION_OFFSET (308): by queue id. */
export interface QueryCorrectionOffsetBody {
  correctionOffsets: Map<number, number>
}
export const QueryCorrectionOffsetBody: BodyCodec<QueryCorrectionOffsetBody> =
  record<QueryCorrectionOffsetBody>({ correctionOffsets: intMapOf(long()) })
