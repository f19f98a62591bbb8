import { type BodyCodec, bool, int, list, record, text } from './codec.ts'

/** Java: MessageQueue. As a map's key it is written as an object. */
export interface MessageQueue {
  topic: string
  brokerName: string
  queueId: number
}
export const MessageQueue: BodyCodec<MessageQueue> = record<MessageQueue>({
  topic: text(),
  brokerName: text(),
  queueId: int(),
})

/** LOCK_BATCH_MQ (41). */
export interface LockBatchRequestBody {
  consumerGroup: string
  clientId: string
  onlyThisBroker: boolean
  mqSet: MessageQueue[]
}
export const LockBatchRequestBody: BodyCodec<LockBatchRequestBody> = record<LockBatchRequestBody>({
  consumerGroup: text(),
  clientId: text(),
  onlyThisBroker: bool(),
  mqSet: list(MessageQueue),
})

/** LOCK_BATCH_MQ (41), the answer. */
export interface LockBatchResponseBody {
  lockOKMQSet: MessageQueue[]
}
export const LockBatchResponseBody: BodyCodec<LockBatchResponseBody> =
  record<LockBatchResponseBody>({ lockOKMQSet: list(MessageQueue) })

/** UNLOCK_BATCH_MQ (42). */
export interface UnlockBatchRequestBody extends LockBatchRequestBody {}
export const UnlockBatchRequestBody: BodyCodec<UnlockBatchRequestBody> = LockBatchRequestBody
